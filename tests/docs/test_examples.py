"""The campaign and the channel that the how-to pages build are built here, and work."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from notifier.domain.attempt_id import make_attempt_id
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Address, Channel, Surroundings
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain, Unknown
from notifier.domain.facts import Facts
from notifier.domain.message import LOCALES, SmsMessage
from notifier.engine.rendering import House, Rendering
from notifier.storage.queries import Query, parse_queries
from notifier.storage.source import FACT_COLUMNS, STAGING
from tests.campaigns.test_every_campaign import SAMPLE_VALUES, channels, check
from tests.docs.pages import DOCS, blocks
from tests.house import free_port

CAMPAIGN_PAGE = DOCS / "how-to" / "add-a-campaign.md"
CHANNEL_PAGE = DOCS / "how-to" / "add-a-channel.md"
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
ATTEMPT = make_attempt_id(NOW, b"0123456789")
SMS = SmsMessage("zh-TW", "範例", segments=1)


def module(page: Path, name: str) -> Any:
    (text,) = blocks(page, "python")
    made = ModuleType(name)
    exec(compile(text, f"{page.name} ({name})", "exec"), made.__dict__)
    return made


@pytest.fixture
def campaign() -> Campaign:
    made: Campaign = module(CAMPAIGN_PAGE, "outage_notice").CAMPAIGN
    return made


@pytest.fixture
def queries() -> Mapping[str, Query]:
    found = [query for text in blocks(CAMPAIGN_PAGE, "sql") for query in parse_queries(text, CAMPAIGN_PAGE.name)]
    return {query.name: query for query in found}


@pytest.fixture
def rendering(folder: Path) -> Rendering:
    text = CAMPAIGN_PAGE.read_text("utf-8")
    (folder / "outage_notice").mkdir()
    for name, template in re.findall(r"^`(\S+\.j2)`:\n\n```jinja\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (folder / "outage_notice" / name).write_text(template, "utf-8")
    return Rendering(folder, House({"zh-TW": "台電高雄區營業處", "en": "Taipower Kaohsiung"}, "stop@office.example"))


async def columns(source: str, query: Query) -> dict[str, str]:
    connection = await asyncpg.connect(source)
    statement = await connection.prepare(query.text)
    found = {column.name: column.type.name for column in statement.get_attributes()}
    await connection.close()
    return found


async def test_the_example_campaign_asks_what_the_engine_expects(
    campaign: Campaign, queries: Mapping[str, Query], source_database: str
) -> None:
    assert set(queries["audience"].params) == {"now", *campaign.parameters}
    assert set(queries["facts"].params) == {"now", "subjects"}
    assert list((await columns(source_database, queries["audience"])).items()) == list(STAGING.items())
    assert set(FACT_COLUMNS) <= (await columns(source_database, queries["facts"])).keys()


async def test_the_example_campaign_tells_of_an_outage_until_it_is_called_off(
    queries: Mapping[str, Query], source_database: str
) -> None:
    connection = await asyncpg.connect(source_database)
    await connection.execute(
        "insert into billing.customer (customer_id, name) values (1, '測試客戶');"
        "insert into billing.account (account_no, customer_id, district) values ('70000000001', 1, '楠梓');"
        "insert into billing.outage (outage_no, starts_at, ends_at)"
        " values ('O1', '2026-12-02 09:00+08', '2026-12-02 12:00+08');"
        "insert into billing.outage_account (outage_no, account_no) values ('O1', '70000000001')"
    )
    (told,) = await queries["audience"].fetch(connection, now=NOW, days=1)
    (before,) = await queries["facts"].fetch(connection, now=NOW, subjects=[told["subject"]])
    await connection.execute("update billing.outage set cancelled_at = now()")
    (after,) = await queries["facts"].fetch(connection, now=NOW, subjects=[told["subject"]])
    none_left = await queries["audience"].fetch(connection, now=NOW, days=1)
    await connection.close()

    assert (before["still_due"], before["day"]) == (True, date(2026, 12, 2))
    assert (after["still_due"], after["reason"]) == (False, "called off")
    assert none_left == []


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_example_campaign_can_be_said(
    campaign: Campaign, queries: Mapping[str, Query], rendering: Rendering, source_database: str, locale: str
) -> None:
    kinds = await columns(source_database, queries["facts"])
    sample = {**SAMPLE_VALUES, "time": time(9, 30), "timestamptz": NOW}
    values = {name: sample[kind] for name, kind in kinds.items()} | {"section_phone": "07-338-3131"}
    words = campaign.compose([Facts("S1", True, None, NOW, values)])
    used = [step.channel for step in campaign.plan]

    assert rendering.lint(campaign) == []
    for channel in used:
        message = rendering.render(
            campaign, channels()[channel], locale, words, code="7K3M2QA", reference="1.0.0", today=NOW.date()
        ).message
        check(message, locale)


async def serve(status: int) -> tuple[web.AppRunner, str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


def gateway(url: str | None) -> Channel | None:
    options = {"gateway.url": url} if url else {}
    made: Channel | None = module(CHANNEL_PAGE, "gateway").create(Surroundings("", lambda: NOW, options=options))
    return made


async def test_the_example_channel_is_there_when_it_is_configured() -> None:
    assert gateway(None) is None
    channel = gateway("http://127.0.0.1:9/")
    assert channel is not None
    assert channel.name == "gateway"


async def test_the_example_channel_sends() -> None:
    runner, url = await serve(200)
    channel = gateway(url)
    assert channel is not None
    receipt = await channel.send(SMS, Address("+886900000111"), ATTEMPT)
    await runner.cleanup()

    assert (receipt.ended, receipt.attempt) == (Disposition.DELIVERED, ATTEMPT)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (401, Misconfigured), (429, Unavailable), (503, Uncertain), (418, Unknown)],
)
async def test_the_example_channel_says_what_follows(status: int, error: type[ChannelError]) -> None:
    runner, url = await serve(status)
    channel = gateway(url)
    assert channel is not None
    with pytest.raises(error):
        await channel.send(SMS, Address("+886900000111"), ATTEMPT)
    await runner.cleanup()


async def test_the_example_channel_knows_when_nothing_left() -> None:
    channel = gateway(f"http://127.0.0.1:{free_port()}/")
    assert channel is not None
    with pytest.raises(Unavailable):
        await channel.send(SMS, Address("+886900000111"), ATTEMPT)
