"""What is wrong with a campaign's words, found by file and line; and what follows for it, and for the others."""

import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.campaigns import find_campaigns
from notifier.channels import find_channels
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel, MailServer, Surroundings, TwilioAccount
from notifier.domain.states import RunState
from notifier.engine.proof import prove
from notifier.engine.rendering import House as Caller
from notifier.engine.rendering import Rendering
from notifier.resources import template_root
from tests.acceptance.crowd import everyone, finished, number
from tests.house import House, open_house

CARE, DEADLINE = (find_campaigns()[name] for name in ("customer_care", "payment_deadline"))
COLUMNS = {
    "bill_no": "text", "account_no": "text", "customer_name": "text", "period": "text", "amount": "numeric",
    "due_on": "date", "section": "text", "section_phone": "text",
}  # fmt: skip
Edit = Callable[[str, str, str], None]


@pytest.fixture
def words(folder: Path) -> Path:
    """A copy of the templates, to be broken."""
    shutil.copytree(template_root(), folder / "templates")
    return folder / "templates"


@pytest.fixture
def edit(words: Path) -> Edit:
    def change(name: str, old: str, new: str) -> None:
        text = (words / name).read_text("utf-8")
        assert old in text
        (words / name).write_text(text.replace(old, new), "utf-8")

    return change


def rendering(root: Path) -> Rendering:
    return Rendering(root, Caller({"zh-TW": "台灣電力公司", "en": "Taiwan Power Company"}, "stop@office.example"))


def channels() -> Mapping[str, Channel]:
    return find_channels(
        Surroundings(
            public_url="https://office.example", now=lambda: datetime(2026, 12, 1, tzinfo=UTC),
            twilio=TwilioAccount("AC1", "t", voice_from="+886800000001", sms_from="111"),
            mail=MailServer("localhost", sender="a@office.example"),
        )
    )  # fmt: skip


def linted(root: Path, campaign: Campaign = DEADLINE) -> list[tuple[str, str]]:
    return [(found.where, found.finding.rule) for found in rendering(root).lint(campaign)]


def proved(root: Path, campaign: Campaign = DEADLINE, columns: Mapping[str, str] = COLUMNS) -> list[tuple[str, str]]:
    found = prove(campaign, columns, rendering(root), channels()).findings
    return [(one.where, one.finding.rule) for one in found]


VOICE, SMS = "payment_deadline/voice.zh-TW.j2", "payment_deadline/sms.zh-TW.j2"


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        (VOICE, "再說一次。\n電費是{{ total | spoken_amount }}。\n", "", [(f"{VOICE}:6", "said_once")]),
        (VOICE, "最早的繳費期限是{{ due_on | spoken_date }}。\n再說一次", "再說一次", [(f"{VOICE}:17", "said_once")]),
        (VOICE, "{{ caller }}，您好。\n{% if", "您好。\n{% if", [(f"{VOICE}:2", "caller_first")]),
        (VOICE, "聽清楚了，請按一。", "聽清楚了，" + "請按一，" * 12, [(f"{VOICE}:21", "long_line")]),
        (VOICE, "{% endif %}", "", [(f"{VOICE}:31", "unreadable")]),
        (SMS, "查證請撥1911，", "", [(SMS, "verify_1911")]),
        (SMS, "已繳費請免理會。", "請匯款至下列帳戶。", [(f"{SMS}:9", "remit"), (f"{SMS}:9", "payee_account")]),
    ],
)
def test_each_rule_by_file_and_line(
    words: Path, edit: Edit, name: str, old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    edit(name, old, new)
    assert linted(words) == expected


def test_a_language_and_a_channel_that_are_missing(words: Path) -> None:
    (words / "payment_deadline/email.en.j2").unlink()
    assert linted(words) == [("payment_deadline/email.en.j2", "template_missing")]
    whole = replace(DEADLINE, plan=(*DEADLINE.plan, replace(DEADLINE.plan[0], channel="letter")))
    assert ("payment_deadline/letter.zh-TW.j2", "template_missing") in linted(words, whole)


def test_every_set_of_words_of_a_campaign_of_lists_is_looked_at(words: Path) -> None:
    (words / "customer_care/party.sms.zh-TW.j2").write_text("{{ caller }}：請上 example.com", "utf-8")
    found = linted(words, CARE)
    assert ("customer_care/party.sms.zh-TW.j2:1", "link") in found
    assert ("customer_care/party.voice.en.j2", "template_missing") in found


def test_variables_that_nothing_gives(words: Path, edit: Edit) -> None:
    edit(SMS, "已繳費請免理會。", "\n{{ amuont }}")
    assert proved(words) == [(f"{SMS}:10", "unknown_variable")]


def test_facts_that_do_not_select_what_the_campaign_composes(words: Path) -> None:
    columns = {name: kind for name, kind in COLUMNS.items() if name != "section_phone"}
    assert proved(words, columns=columns) == [("campaigns/payment_deadline/facts.sql", "cannot_compose")]


def test_an_sms_that_is_too_long_with_the_longest_values(words: Path, edit: Edit) -> None:
    assert prove(DEADLINE, COLUMNS, rendering(words), channels()).segments == 3
    edit(SMS, "已繳費請免理會。", "已繳費請免理會。" * 16)
    assert proved(words) == [(SMS, "too_long_sms")]


def test_words_that_cannot_be_made_of_the_values_there_are(words: Path, edit: Edit) -> None:
    edit(VOICE, "已經繳費了，請按七。", "第{{ bills[0].bill_no }}號帳單，請按7。")
    assert proved(words) == [(VOICE, "unsayable")]


# -- what follows


@pytest.fixture
async def broken(
    database: str, source_database: str, words: Path, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A house one of whose campaigns has a link in one of its words."""
    edit("customer_care/greeting.sms.zh-TW.j2", "查證請撥1911", "詳見 example.com")
    monkeypatch.setattr("notifier.app.template_root", lambda: words)
    async with open_house(database, source_database) as opened:
        yield opened


async def test_one_campaigns_words_stop_that_campaign_only(broken: House) -> None:
    why = "customer_care/greeting.sms.zh-TW.j2:1: link"
    account = await broken.customer(mobile=number(1))
    await broken.bill(account)
    await everyone(broken)

    care = await broken.launch("care", "customer_care", list="visits", template="visit")
    await finished(broken, await broken.launch("deadline"))

    async def says_so() -> bool:
        return (await broken.run(care)).waiting_for is not None

    await broken.until(says_so, "runs")
    run = await broken.run(care)
    assert (run.state, run.waiting_for) == (RunState.PLANNING, f"the words of customer_care to be mended: {why}")
    assert broken.app.catalogue.stopped == {"customer_care": why}
    assert len(await broken.ledger("call")) == 1
