"""A test to one's own telephone: the real path, and no trace in any campaign's sum."""

from collections.abc import AsyncIterator

import pytest

from notifier.app import Parts
from notifier.domain.states import RunState
from notifier.engine.test_send import ACCOUNT, TestRefused, TestResult, find_target, send_test
from tests.house import House, open_house


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database) as opened:
        yield opened


async def send(house: House, address: str, locale: str = "zh-TW") -> TestResult:
    return await send_test(house.app, house.app.catalogue.campaign("payment_deadline"), address, locale)


async def ended(house: House, result: TestResult) -> None:
    run = await house.app.runs.by_id(result.run)
    assert run is not None
    run = await house.ended(run)
    assert run.state is RunState.FINISHED
    assert (await house.tally(run)).difference == 0


async def test_the_phone_rings_and_the_key_is_recorded(house: House) -> None:
    await house.people({"calls": {"+886912000001": [{"keys": [{"after": 45, "digit": "1"}]}]}})

    result = await send(house, "0912-000-001")
    await ended(house, result)

    (call,) = await house.ledger("call")
    assert call["pressed"] == ["1"]
    assert str(result.attempt) in call["status_callback"]
    words = "".join(await house.heard(call))
    assert words.count("新臺幣一千兩百三十四元") == 2
    (row,) = await house.app.inquiries.notifications_to("+886912000001")
    assert (row["outcome"], row["account_no"], row["id"]) == ("acknowledged", ACCOUNT, result.notification)
    (attempt,) = await house.app.inquiries.attempts([row["id"]])
    assert (attempt["disposition"], attempt["action"]) == ("answered", "acknowledge")


async def test_english_is_spoken_when_asked_for(house: House) -> None:
    result = await send(house, "0912000001", "en")
    assert "one thousand two hundred thirty-four" in result.words
    await ended(house, result)


async def test_nothing_follows_an_unanswered_test(house: House) -> None:
    """No second try, no SMS and no e-mail: the run ends by itself."""
    await house.people({"everyone": {"calls": {"outcome": "no_answer"}}})
    result = await send(house, "0912000001")
    await ended(house, result)
    assert len(await house.ledger()) == 1
    (row,) = await house.app.inquiries.notifications_to("+886912000001")
    assert row["outcome"] == "expired"


async def test_a_mailbox_gets_the_mail(house: House) -> None:
    result = await send(house, " Me@Office.Example ")
    assert (result.channel, result.address, result.disposition) == ("email", "me@office.example", "accepted")
    (mail,) = await house.mailbox()
    assert mail["rcpt_tos"] == ["me@office.example"]
    assert "NT$" in mail["text"] or "新臺幣1,234元" in mail["text"]
    await ended(house, result)


async def test_a_test_keeps_no_real_reminder_back_and_is_in_no_sum_but_its_own(house: House) -> None:
    account = await house.customer(mobile="0912000001")
    await house.bill(account)
    result = await send(house, "0912000001")
    await ended(house, result)

    run = await house.ended(await house.launch())

    tally = await house.tally(run)
    assert (tally.selected, tally.already_told, tally.difference) == (1, 0, 0)
    assert len(await house.ledger("call")) >= 2


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("0204-000-001", "premium"),
        ("338-3131", "no_area_code"),
        ("+1 202-555-0123", "foreign"),
        ("hello", "not_a_number"),
    ],
)
def test_what_would_not_be_dialled_is_refused_with_the_reason(address: str, why: str) -> None:
    with pytest.raises(TestRefused, match=why):
        find_target(None, None, address)  # type: ignore[arg-type]


async def test_an_unknown_language_is_refused(house: House) -> None:
    with pytest.raises(TestRefused, match="'xx'"):
        await send(house, "0912000001", "xx")


async def test_a_paused_channel_is_refused(house: House) -> None:
    await house.app.budgets.pause("voice", "the lines are being mended")
    with pytest.raises(TestRefused, match="the lines are being mended"):
        await send(house, "0912000001")
    assert await house.app.runs.latest() == []


async def test_an_address_that_opted_out_is_refused(house: House) -> None:
    await house.people(
        {"calls": {"+886912000001": [{"keys": [{"after": 45, "digit": "9"}, {"after": 53, "digit": "9"}]}]}}
    )
    await ended(house, await send(house, "0912000001"))
    with pytest.raises(TestRefused, match="opt_out"):
        await send(house, "0912000001")


async def test_without_a_web_part_that_answers_there_is_no_silent_call(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts(work=True, keep=True)) as quiet:
        with pytest.raises(TestRefused, match="does not answer for us"):
            await send(quiet, "0912000001")
        assert await quiet.ledger() == []
