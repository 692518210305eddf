"""A supply date has passed: the customer hears where the case stands, and chooses a new day by key."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from standardwebhooks import Webhook

from notifier.domain.reading import spoken_date
from notifier.storage.replies import Step
from tests.acceptance.cases import all_over, case, change, comes, delayed, outbox, outcome, replies, settle_office
from tests.acceptance.crowd import BUSY, everyone, number, presses
from tests.events.kit import happen
from tests.house import House, open_house
from tests.office.kit import Receiver, subscribe

CAMPAIGN = "overdue_supply"


def keys(*pressed: str) -> dict[str, Any]:
    """Hears it all, then presses."""
    return presses(*pressed, first=60)


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
async def test_hears_stage_and_two_days_and_chooses_the_second(house: House, locale: str) -> None:
    await settle_office(house)
    await everyone(house, keys("2"))
    case_no = await case(house, locale=locale)
    second = house.today + timedelta(days=14)

    await delayed(house, case_no)
    await all_over(house)

    (call,) = await house.ledger("call")
    essential, menu, answer, *_ = await house.heard(call)
    days = [spoken_date(house.today + timedelta(days=ahead), locale, house.today) for ahead in (-4, 7, 14)]
    assert days[0] in essential
    assert ("施工" if locale == "zh-TW" else "construction") in essential
    assert ("管線單位尚未同意路證" in essential) == (locale == "zh-TW")
    assert days[1] in menu
    assert days[2] in menu
    assert answer.count(days[2]) == 2
    assert days[1] not in answer
    assert await outcome(house, case_no, CAMPAIGN) == [("acknowledged", "answered", None)]
    (reply,) = await replies(house)
    assert (reply["action"], reply["value"], reply["key"]) == ("choose_date", second.isoformat(), "2")
    assert (reply["standing"], reply["section"], reply["closed_at"]) == ("holds", "設計組", None)
    (told,) = await outbox(house)
    assert (told["type"], told["subject"]) == ("reply.received", case_no)
    assert told["data"]["value"] == second.isoformat()


async def test_the_case_system_receives_the_choice_once(database: str, source_database: str) -> None:
    """From the key to the subscriber, signed, and nothing in it by which anybody could be rung."""
    async with (
        open_house(database, source_database, webhook_private=True) as house,
        Receiver(house.clock) as receiver,
    ):
        await subscribe(house.app, receiver)
        await settle_office(house)
        await everyone(house, keys("2"))
        case_no = await case(house)
        await delayed(house, case_no)
        await all_over(house)

        (received,) = await receiver.got(1)
        told = Webhook(receiver.secret).verify(received.body, received.headers)

    chosen = (house.today + timedelta(days=14)).isoformat()
    assert told["type"] == "reply.received"
    assert (received.data["subject"], received.data["action"], received.data["value"]) == (
        case_no,
        "choose_date",
        chosen,
    )
    assert number(1)[4:] not in received.body.decode()


async def test_the_history_of_its_days_is_kept(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    await delayed(house, case_no)
    await all_over(house)

    steps = await house.app.replies.history(case_no)

    days = [(house.today + timedelta(days=ahead)).isoformat() for ahead in (-4, 7, 14)]
    assert [(step.what, step.day, step.key) for step in steps] == [
        ("slipped", days[0], None), ("proposed", days[1], "1"), ("proposed", days[2], "2"), ("chosen", days[1], "1"),
    ]  # fmt: skip
    assert all(earlier.at <= later.at for earlier, later in pairwise(steps))
    assert len({step.attempt_id for step in steps if isinstance(step, Step) and step.attempt_id}) == 1


@pytest.mark.parametrize(("key", "half_day"), [("4", "morning"), ("5", "afternoon")])
async def test_asks_to_be_called_back(house: House, key: str, half_day: str) -> None:
    await settle_office(house)
    await everyone(house, keys(key))
    await delayed(house, await case(house))
    await all_over(house)

    (reply,) = await replies(house)
    assert (reply["action"], reply["value"], reply["closed_at"]) == ("call_back", half_day, None)
    assert reply["due_at"] > reply["at"]
    (call,) = await house.ledger("call")
    assert ("上午" if half_day == "morning" else "下午") in (await house.heard(call))[2]


async def test_a_key_without_a_day_is_no_option(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("3", "1"))
    await delayed(house, await case(house))
    await all_over(house)

    (reply,) = await replies(house)
    assert reply["key"] == "1"
    (call,) = await house.ledger("call")
    assert "沒有這個選項" in "".join(await house.heard(call))


async def test_holidays_and_days_gone_by_are_not_offered(house: House) -> None:
    """Of these the first is gone, the second a Sunday, the third the Constitution Day holiday."""
    await settle_office(house)
    await everyone(house, keys("1"))
    days = [datetime(2026, 11, 20).date(), datetime(2026, 12, 6).date(), datetime(2026, 12, 25).date()]
    await delayed(house, await case(house, proposed_dates=[*days, datetime(2026, 12, 9).date()]))
    await all_over(house)

    (reply,) = await replies(house)
    assert reply["value"] == "2026-12-09"


async def test_a_day_that_was_taken_meanwhile_is_not_promised(house: House) -> None:
    """It is looked up at the key: the section has given the day to somebody else while the customer was listening."""
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    await delayed(house, case_no)
    await comes(house, "select exists (select from notifier.receipt where status = 'in-progress')")
    await change(house, case_no, proposed_dates=[])
    await all_over(house)

    (reply,) = await replies(house)
    assert (reply["action"], reply["standing"], reply["closed_at"]) == ("choose_date", "not_offered", None)
    (call,) = await house.ledger("call")
    assert "不能安排" in "".join(await house.heard(call))


async def test_the_same_delay_is_told_once_however_often_it_is_reported(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    for _ in range(3):
        await delayed(house, case_no)
    await all_over(house)
    await house.app.sweeps().sweep()
    await comes(house, "select not exists (select from notifier.event where state = 'pending')")

    assert len(await house.ledger("call")) == 1
    assert await outcome(house, case_no, CAMPAIGN) == [("acknowledged", "answered", None)]


async def test_nobody_reports_it_and_a_sweep_finds_it(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("1"))
    late, on_time = await case(house, 1), await case(house, 2, agreed_on=house.today)

    await house.app.sweeps().sweep()
    await all_over(house)

    assert {call["to"] for call in await house.ledger("call")} == {number(1)}
    assert await outcome(house, late, CAMPAIGN) == [("acknowledged", "answered", None)]
    assert await outcome(house, on_time, CAMPAIGN) == []


async def test_a_second_slip_is_held_for_a_supervisor(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    await delayed(house, case_no)
    await all_over(house)

    await change(house, case_no, agreed_on=house.today - timedelta(days=1))
    await delayed(house, case_no)
    await all_over(house, tellings=2)

    assert len(await house.ledger("call")) == 1
    assert await outcome(house, case_no, CAMPAIGN) == [("acknowledged", "answered", None), (None, None, "second_slip")]


@pytest.mark.parametrize("event", ["case.completed", "case.cancelled"])
async def test_what_is_over_meanwhile_is_withdrawn(house: House, event: str) -> None:
    await settle_office(house)
    await everyone(house, BUSY)
    case_no = await case(house)
    await delayed(house, case_no)
    await comes(house, "select exists (select from notifier.queue q where q.tries = 1)")

    column = "completed_at" if event == "case.completed" else "cancelled_at"
    await change(house, case_no, **{column: house.clock.now()})
    await happen(house, (event, case_no))
    await all_over(house)

    ((ended, reason, _),) = await outcome(house, case_no, CAMPAIGN)
    assert ended == "withdrawn"
    assert ("supplied" if event == "case.completed" else "cancelled") in reason
    assert len(await house.ledger("call")) == 1


async def test_a_source_that_is_away_at_the_key_promises_nothing(house: House) -> None:
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    await delayed(house, case_no)
    await comes(house, "select exists (select from notifier.receipt where status = 'in-progress')")
    await house.source.execute("alter view source.supply_case rename to supply_case_away")
    await comes(house, "select exists (select from notifier.reply)")
    await house.source.execute("alter view source.supply_case_away rename to supply_case")
    await all_over(house)

    (reply,) = await replies(house)
    assert (reply["standing"], reply["closed_at"]) == ("unchecked", None)
    (call,) = await house.ledger("call")
    assert "確認以後" in "".join(await house.heard(call))


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
async def test_by_text_and_by_mail_the_section_is_named(database: str, source_database: str, locale: str) -> None:
    """No keys there: whoever cannot be reached by telephone is told how to answer."""
    async with open_house(database, source_database) as house:
        await settle_office(house)
        await everyone(house, BUSY)
        await house.people(
            {
                "everyone": {
                    "calls": BUSY,
                    "messages": {"outcome": "undelivered"},
                }
            }
        )
        await delayed(house, await case(house, locale=locale, email="someone@mail.example"))
        await all_over(house)

        (text,) = await house.ledger("message")
        (mail,) = await house.mailbox()
        for words in (text["body"], mail["text"]):
            assert "07-338-0102" in words
            assert ("設計組" if locale == "zh-TW" else "the Design Section") in words
            assert "S202600001" in words


async def test_what_expired_untold_is_asked_for_again_the_next_day(house: House) -> None:
    """It is one event a day: nobody is forgotten because a typhoon outlasted the first telling."""
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house)
    await house.app.sweeps().sweep()
    await all_over(house)
    await house.app.pool.execute("update notifier.notification set outcome = 'expired'")
    await house.app.pool.execute("update notifier.audience set released_at = $1", house.clock.now())

    await house.app.sweeps().sweep()
    tomorrow = replace(house.clock, start=house.clock.start + timedelta(days=1))
    await replace(house.app.sweeps(), clock=tomorrow).sweep()
    await all_over(house, tellings=2)

    assert len(await house.ledger("call")) == 2
    assert await outcome(house, case_no, CAMPAIGN) == [
        ("expired", "answered", None),
        ("acknowledged", "answered", None),
    ]


async def test_a_reason_that_speaks_of_remitting_money_is_told_to_nobody(house: House) -> None:
    """Whoever types it into the case system: the finished text is looked at."""
    await settle_office(house)
    await everyone(house, keys("1"))
    case_no = await case(house, delay_reason="等候您匯款")
    await delayed(house, case_no)
    await all_over(house)

    ((ended, _, held),) = await outcome(house, case_no, CAMPAIGN)
    assert ended is None
    assert "forbidden_remit" in held
    assert await house.ledger() == []
