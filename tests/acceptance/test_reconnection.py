"""Supply is back: told within the day, after hours too; whoever sits in the dark says so by key. And the crew on duty
is called before a promise breaks, until somebody takes it over."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.domain.reading import spoken_date, spoken_time
from tests.acceptance.cases import (
    DUTY_NUMBER,
    all_over,
    case,
    change,
    comes,
    outbox,
    outcome,
    reconnected,
    replies,
    settle_office,
)
from tests.acceptance.crowd import LISTENS, NO_ANSWER, by_number, everyone, number, placed_at, presses, rung
from tests.events.kit import happen
from tests.house import TAIPEI, House, open_house

TUESDAY = datetime(2026, 12, 1, tzinfo=TAIPEI)
SUNDAY_EVENING = datetime(2026, 12, 6, 20, 30, tzinfo=TAIPEI)
NIGHT = TUESDAY.replace(hour=23)


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
async def test_hears_that_supply_is_back_and_confirms(house: House, locale: str) -> None:
    await settle_office(house)
    await everyone(house, presses("1", first=45))
    at = house.clock.now().astimezone(TAIPEI)

    case_no = await reconnected(house, locale=locale)
    await all_over(house)

    (call,) = await house.ledger("call")
    essential, menu, *_ = await house.heard(call)
    assert spoken_date(at.date(), locale, at.date()) in essential
    assert spoken_time(at, locale) in essential
    assert ("還沒有電，請按二" if locale == "zh-TW" else "no power, press two") in menu
    assert await outcome(house, case_no, "reconnection") == [("acknowledged", "answered", None)]
    (reply,) = await replies(house)
    assert (reply["action"], reply["closed_by"]) == ("acknowledge", "system")


async def test_no_power_is_an_urgent_report(house: House) -> None:
    await settle_office(house)
    await everyone(house, presses("2", first=45))

    case_no = await reconnected(house)
    await all_over(house)

    (reply,) = await replies(house)
    assert (reply["action"], reply["subjects"], reply["closed_at"]) == ("no_power", [case_no], None)
    assert reply["due_at"] - reply["at"] == timedelta(hours=1)
    (told,) = await outbox(house)
    assert (told["data"]["action"], told["data"]["open"]) == ("no_power", True)
    (call,) = await house.ledger("call")
    assert "值班人員" in (await house.heard(call))[2]


async def test_on_a_sunday_evening_it_is_told_at_once(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=SUNDAY_EVENING, scale=120) as house:
        await settle_office(house)
        await everyone(house)
        case_no = await reconnected(house)
        await all_over(house)

        (call,) = await house.ledger("call")
        assert placed_at(call) - SUNDAY_EVENING < timedelta(hours=1)
        assert await outcome(house, case_no, "reconnection") == [("acknowledged", "answered", None)]


async def test_at_night_it_waits_for_the_morning(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=NIGHT, scale=2400) as house:
        await settle_office(house)
        await everyone(house)
        await reconnected(house)
        await all_over(house)

        (call,) = await house.ledger("call")
        assert placed_at(call).time().hour >= 7


async def test_the_settings_may_give_it_other_hours(database: str, source_database: str) -> None:
    async with open_house(
        database, source_database, start=TUESDAY.replace(hour=12), windows={"reconnection": "13:30-20:00"}
    ) as house:
        await settle_office(house)
        await everyone(house)
        await reconnected(house)
        await all_over(house)

        (call,) = await house.ledger("call")
        assert placed_at(call) >= TUESDAY.replace(hour=13, minute=30)


async def test_whoever_is_not_reached_by_telephone_gets_a_text(house: House) -> None:
    await settle_office(house)
    await everyone(house, NO_ANSWER)
    await reconnected(house)
    await all_over(house)

    assert rung(await house.ledger("call")) == {number(1): 2}
    (text,) = await house.ledger("message")
    assert "1911" in text["body"]


UNDELIVERED = {"outcome": "undelivered", "error_code": 30003}


def mail(n: int) -> str:
    return f"customer.{n}@customer.example"


async def prefers(house: House, n: int, channel: str | None, **cells: Any) -> str:
    """The n-th customer, who has a telephone and an address and prefers to be told by the channel, has supply again."""
    return await reconnected(house, n, prefers=channel, **({"email": mail(n)} | cells))


async def test_everybody_is_told_as_they_prefer(house: House) -> None:
    await settle_office(house)
    await everyone(house)
    barred = "insert into notifier.suppression (address, reason, since) values ($1, 'wrong_person', now())"
    await house.app.pool.execute(barred, number(9))
    texted = [await prefers(house, 1, "sms"), await prefers(house, 2, "sms", locale="en")]
    called = [await prefers(house, 3, "voice"), await prefers(house, 4, None, locale="en")]
    called += [await prefers(house, 5, "line"), await prefers(house, 6, None)]
    called += [await prefers(house, 7, "voice", locale="en")]
    called += [await prefers(house, 8, "sms", mobile=None, phone="07-338-3108")]  # no text goes to a fixed line
    mailed = [await prefers(house, 9, "sms"), await prefers(house, 10, "email")]
    await all_over(house, 10)

    texts = {text["to"]: text["body"] for text in await house.ledger("message")}
    assert texts.keys() == {number(1), number(2)}
    assert "復電" in texts[number(1)]
    assert "reconnected" in texts[number(2)]
    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3, 8)} | {"+88673383108": 1}
    assert sorted(to for one in await house.mailbox() for to in one["rcpt_tos"]) == [mail(10), mail(9)]
    for cases, ended in (
        (texted, ("reached", "delivered", None)),
        (called, ("acknowledged", "answered", None)),
        (mailed, ("reached", "accepted", None)),
    ):
        assert [await outcome(house, case_no, "reconnection") for case_no in cases] == [[ended]] * len(cases)


async def test_whoever_the_preferred_channel_does_not_reach_is_called(house: House) -> None:
    await settle_office(house)
    await everyone(house, NO_ANSWER)
    await house.people({"messages": {number(n): [UNDELIVERED] for n in (1, 2)}, "calls": {number(3): [presses("1")]}})
    await house.faults({"mail_data_refuse": {"share": 1, "code": 554, "only": [mail(3)]}})
    await prefers(house, 1, "sms")
    await prefers(house, 2, "sms", locale="en")
    await prefers(house, 3, "email")
    await all_over(house, 3)

    texts, calls = by_number(await house.ledger("message")), by_number(await house.ledger("call"))
    assert {to: len(some) for to, some in texts.items()} == {number(1): 1, number(2): 1}
    assert {to: len(some) for to, some in calls.items()} == {number(1): 2, number(2): 2, number(3): 1}
    assert all(placed_at(texts[number(n)][0]) < placed_at(calls[number(n)][0]) for n in (1, 2))
    assert sorted(to for one in await house.mailbox() for to in one["rcpt_tos"]) == [
        mail(1),
        mail(2),
    ]  # the plan's last


async def test_a_mail_where_no_mails_are_sent_is_a_call(database: str, source_database: str) -> None:
    async with open_house(database, source_database, smtp=None) as house:
        await settle_office(house)
        await everyone(house)
        await prefers(house, 1, "email")
        await all_over(house)

        assert rung(await house.ledger("call")) == {number(1): 1}


async def test_a_completion_that_nobody_reported_is_found(house: House) -> None:
    await settle_office(house)
    await everyone(house)
    at = house.clock.now()
    case_no = await case(
        house, kind="reconnection", agreed_on=None, accepted_at=at - timedelta(hours=1), completed_at=at
    )

    await house.app.sweeps().sweep()
    await all_over(house)

    assert await outcome(house, case_no, "reconnection") == [("acknowledged", "answered", None)]


async def waiting(house: House, n: int = 1) -> str:
    """A reconnection that was asked for this morning and is not done."""
    return await case(
        house, n, kind="reconnection", agreed_on=None, accepted_at=house.today_at(9), section="業務組", stage="受理"
    )


async def test_the_crew_on_duty_is_called_before_the_promise_breaks(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=TUESDAY.replace(hour=15)) as house:
        await settle_office(house)
        await everyone(house, presses("1", first=45))
        case_no = await waiting(house)
        await all_over(house)

        (call,) = await house.ledger("call")
        assert call["to"] == DUTY_NUMBER
        assert TUESDAY.replace(hour=16) <= placed_at(call) < TUESDAY.replace(hour=17, minute=30)
        assert await outcome(house, case_no, "reconnection_alarm") == [("acknowledged", "answered", None)]


async def test_after_hours_it_is_asked_again_until_somebody_takes_it_over(database: str, source_database: str) -> None:
    """Nobody presses a key, half hour after half hour; then somebody does, and it is over."""
    async with open_house(database, source_database, start=TUESDAY.replace(hour=17, minute=25)) as house:
        await settle_office(house)
        await everyone(house, LISTENS)
        case_no = await waiting(house)
        ended = "select count(*) >= 2 from notifier.notification where outcome = 'reached'"
        await comes(house, ended)
        await everyone(house, presses("1", first=45))
        await comes(house, "select exists (select from notifier.notification where outcome = 'acknowledged')")
        before = len(await house.ledger("call"))
        await comes(
            house,
            "select exists (select from notifier.event where effects ->> 'reconnection_alarm' = 'acknowledged')",
        )

        assert len(await house.ledger("call")) == before
        tellings = await outcome(house, case_no, "reconnection_alarm")
        assert [ended for ended, _, _ in tellings][-1] == "acknowledged"
        assert {ended for ended, _, _ in tellings[:-1]} == {"reached"}


async def test_what_is_done_meanwhile_alarms_nobody(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=TUESDAY.replace(hour=16, minute=5)) as house:
        await settle_office(house)
        await house.people({"everyone": {"calls": NO_ANSWER}})
        case_no = await waiting(house)
        await comes(house, "select exists (select from notifier.queue q where q.tries = 1)")
        await change(house, case_no, completed_at=house.clock.now())
        await happen(house, ("case.completed", case_no))
        await comes(
            house,
            "select exists (select from notifier.notification n join notifier.audience a on a.notification_id = n.id"
            " where a.campaign = 'reconnection_alarm' and n.outcome = 'withdrawn')",
        )

        alarms = [call for call in await house.ledger("call") if call["to"] == DUTY_NUMBER]
        assert len(alarms) == 1
