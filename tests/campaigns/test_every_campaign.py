"""Each campaign is proved whole without being told its name: files, plan, templates, words, queries."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from notifier.campaigns import find_campaigns
from notifier.channels import find_channels
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel, MailServer, Surroundings, TwilioAccount
from notifier.domain.facts import Facts
from notifier.domain.list_cell import ListCell
from notifier.domain.message import LOCALES, EmailMessage, SmsMessage, VoiceMessage
from notifier.engine.proof import prove
from notifier.engine.rendering import CannotRender, House, Rendering
from notifier.resources import template_root
from notifier.storage.source import FACT_COLUMNS, STAGING, campaign_queries

CAMPAIGNS = find_campaigns()
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def channels() -> Mapping[str, Channel]:
    return find_channels(
        Surroundings(
            public_url="https://office.example",
            now=lambda: NOW,
            twilio=TwilioAccount("AC1", "t", voice_from="+886800000001", sms_from="111"),
            mail=MailServer("localhost", sender="a@office.example"),
        )
    )


@pytest.fixture
def rendering() -> Rendering:
    return Rendering(
        template_root(), House({"zh-TW": "台電高雄區營業處", "en": "Taipower Kaohsiung"}, "stop@office.example")
    )


CELL = ListCell({"text": "範例", "date": "2026-12-03", "number": "3"})
SAMPLE_VALUES: dict[str, object] = {
    "text": "範例", "numeric": Decimal(1234), "date": date(2026, 12, 3), "timestamptz": NOW, "bool": True,
    "timestamp": NOW.replace(tzinfo=None), "date[]": [date(2026, 12, 8)], "int4": 3, "int8": 3,
}  # fmt: skip


async def sample_facts(campaign: Campaign, source: Any) -> list[Facts]:
    """Facts of the columns that facts.sql declares, with made-up values of the right kinds."""
    statement = await source.prepare(campaign_queries(campaign.name).facts.text)
    values = {column.name: SAMPLE_VALUES[column.type.name] for column in statement.get_attributes()}
    values |= {"account_no": "07000000001", "period": "2026-10", "section_phone": "07-338-3131"}
    return [Facts(f"S{number}", True, None, NOW, dict(values)) for number in (1, 2)]


@pytest.mark.parametrize("name", sorted(CAMPAIGNS))
class TestEveryCampaign:
    def test_its_plan_can_be_followed(self, name: str) -> None:
        campaign = CAMPAIGNS[name]
        assert campaign.plan
        for step in campaign.plan:
            assert step.channel in channels()
            assert step.tries >= 1

    def test_its_templates_are_there_and_break_no_rule(self, name: str, rendering: Rendering) -> None:
        assert rendering.templates(CAMPAIGNS[name])
        assert rendering.lint(CAMPAIGNS[name]) == []

    def test_its_queries_declare_what_the_engine_gives(self, name: str) -> None:
        campaign, queries = CAMPAIGNS[name], campaign_queries(name)
        assert set(queries.facts.params) == campaign.facts_parameters
        assert set(queries.audience.params) == campaign.audience_parameters

    async def test_its_audience_has_the_columns_of_staging(self, name: str, source_database: str) -> None:
        import asyncpg

        connection = await asyncpg.connect(source_database)
        statement = await connection.prepare(campaign_queries(name).audience.text)
        found = {column.name: column.type.name for column in statement.get_attributes()}
        await connection.close()
        assert list(found.items()) == list(STAGING.items())

    @pytest.mark.parametrize("locale", LOCALES)
    async def test_it_can_be_said_on_every_channel(
        self, name: str, locale: str, rendering: Rendering, source_database: str
    ) -> None:
        import asyncpg

        campaign = CAMPAIGNS[name]
        connection = await asyncpg.connect(source_database)
        facts = await sample_facts(campaign, connection)
        await connection.close()
        for count, template in product((1, 2), rendering.templates(campaign)):
            told = campaign.told_with({"template": template})
            cells = dict.fromkeys(rendering.needs(told).used, CELL) if told.listed else {}
            for step in told.plan:
                message = rendering.render(
                    told, channels()[step.channel], locale, {**cells, **told.compose(facts[:count])},
                    code="7K3M2QA", reference="1.0.0", today=date(2026, 12, 1),
                ).message  # fmt: skip
                check(message, locale)

    async def test_nothing_is_found_with_the_longest_facts(
        self, name: str, rendering: Rendering, source_database: str
    ) -> None:
        import asyncpg

        connection = await asyncpg.connect(source_database)
        statement = await connection.prepare(campaign_queries(name).facts.text)
        columns = {one.name: one.type.name for one in statement.get_attributes() if one.name not in FACT_COLUMNS}
        await connection.close()
        proof = prove(CAMPAIGNS[name], columns, rendering, channels())
        assert proof.findings == ()
        assert proof.segments <= 3
        assert (proof.segments > 0) == any(step.channel == "sms" for step in CAMPAIGNS[name].plan)

    def test_a_missing_variable_is_never_sent(self, name: str, rendering: Rendering) -> None:
        campaign = CAMPAIGNS[name].told_with({"template": rendering.templates(CAMPAIGNS[name])[0]})
        for step in campaign.plan:
            with pytest.raises(CannotRender):
                rendering.render(
                    campaign, channels()[step.channel], "en", {}, code="7K3M2QA", reference="1.0.0",
                    today=date(2026, 12, 1),
                )  # fmt: skip


def check(message: object, locale: str) -> None:
    match message:
        case VoiceMessage():
            assert set(message.scripts) == set(LOCALES)
            assert 0 < message.scripts[locale].essential < len(message.scripts[locale].lines)
            spoken = "".join(line for script in message.scripts.values() for line in script.lines)
            assert not any(character.isdigit() for character in spoken)
        case SmsMessage():
            assert message.segments <= 3
        case EmailMessage():
            assert message.subject
            assert message.text
            assert "<html" in message.html
        case _:
            pytest.fail(f"an unknown message {message!r}")
