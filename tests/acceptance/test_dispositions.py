"""How a call can end, and what follows: when the next try is made, or the next step, or nothing more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.states import RunState
from tests.acceptance.crowd import (
    AGREES,
    BAD_NUMBER,
    BUSY,
    DECLINES,
    HANGS_UP,
    LISTENS,
    MACHINE,
    NO_ANSWER,
    Behaviour,
    by_number,
    customers,
    finished,
    gaps,
    moment,
    number,
    placed_at,
)
from tests.house import TAIPEI, House, open_house

SCALE = 7200  # three hours of waiting are a second and a half
SLACK = timedelta(minutes=90)  # of this fast clock: 0.75 s of real time for whatever the machine is busy with
GREETING = 12  # seconds until most machines begin to record
SHORT, LONG = timedelta(minutes=20), timedelta(hours=3)


@dataclass(frozen=True)
class Case:
    """A customer's calls, one after the other, and what they come to."""

    behaviours: list[Behaviour]
    dispositions: list[str]
    waits: list[timedelta]
    outcome: str
    texts: int = 0


CASES = {
    "busy, then answered": Case([BUSY, AGREES], ["busy", "answered"], [SHORT], "acknowledged"),
    "declined, then answered": Case([DECLINES, AGREES], ["declined", "answered"], [LONG], "acknowledged"),
    "a machine, then answered": Case([MACHINE, AGREES], ["machine", "answered"], [LONG], "acknowledged"),
    "hung up at once, then heard": Case([HANGS_UP, LISTENS], ["hung_up", "answered"], [LONG], "reached"),
    "never answered": Case([NO_ANSWER] * 3, ["no_answer"] * 3 + ["delivered"], [LONG, LONG], "reached", texts=1),
    "busy, never answered": Case(
        [BUSY, BUSY, NO_ANSWER], ["busy", "busy", "no_answer", "delivered"], [SHORT, SHORT], "reached", texts=1
    ),
    "no such number": Case([BAD_NUMBER], ["refused", "delivered"], [], "reached", texts=1),
}


async def test_each_ending_has_its_own_sequel(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=SCALE) as house:
        accounts = await customers(house, len(CASES))
        await house.people(
            {
                "calls": {number(n): case.behaviours for n, case in enumerate(CASES.values())},
                "everyone": {"messages": {"outcome": "delivered"}},
            }
        )

        await finished(house, await house.launch())

        calls = by_number(await house.ledger("call"))
        texts = by_number(await house.ledger("message"))
        for n, (name, case) in enumerate(CASES.items()):
            to = number(n)
            assert len(calls[to]) == len(case.behaviours), name
            assert len(texts.get(to, [])) == case.texts, name
            for waited, planned in zip(gaps(calls[to]), case.waits, strict=True):
                assert planned <= waited < planned + SLACK, (name, waited)
            assert [one["disposition"] for one in await house.attempts(accounts[to])] == case.dispositions, name
            assert (await house.notification(accounts[to]))["outcome"] == case.outcome, name


async def test_a_machine_is_left_the_short_version(database: str, source_database: str) -> None:
    """What is said first goes into its greeting; so the essential part is said again, whole, and no menu after it."""
    async with open_house(database, source_database, scale=60, speech_engines=["espeak", "carrier"]) as house:
        await customers(house, 1)
        await house.people({"calls": {number(0): [MACHINE]}, "everyone": {"calls": AGREES}})
        run = await house.launch()

        async def over() -> bool:
            calls = await house.ledger("call")
            return bool(calls) and calls[0]["status"] == "completed"

        await house.until(over, "inbox", "lanes", "runs")
        await house.move(run, RunState.CANCELLED)

        call = (await house.ledger("call"))[0]
        assert call["answered_by"] == "machine_start"
        assert call["heard"][0]["at"] < 1, "nobody who picks up waits for the detection"
        first, again = call["heard"]
        assert first["sha256"] == again["sha256"]
        assert again["seconds"] == again["of"]
        assert again["at"] > GREETING
        words = await house.heard(call)
        assert words[-1].count("新臺幣一千兩百三十四元") == 2
        assert "請按" not in "".join(words)


async def test_nobody_left_to_tell_by_any_other_way(database: str, source_database: str) -> None:
    """A landline that is never answered, and no e-mail address: unreached, on record, and never told otherwise."""
    async with open_house(database, source_database, scale=SCALE) as house:
        account = await house.customer(mobile=None, phone="07-338-3131")
        await house.bill(account)
        await house.people({"calls": {"+88673383131": [BAD_NUMBER]}})

        run = await finished(house, await house.launch())

        assert (await house.tally(run)).outcomes == {"unreached": 1}
        assert (await house.notification(account))["reason"] == "refused"


async def test_nobody_is_rung_before_nine(database: str, source_database: str) -> None:
    before_seven = datetime(2026, 12, 1, 6, 45, tzinfo=TAIPEI)
    async with open_house(database, source_database, scale=SCALE, start=before_seven) as house:
        await customers(house, 3)
        await house.people({"everyone": {"calls": AGREES}})

        await finished(house, await house.launch())

        assert await rung_hours(house) == {(1, 9)}


async def test_a_try_that_would_be_after_eight_waits_for_the_morning(database: str, source_database: str) -> None:
    evening = datetime(2026, 12, 1, 17, 1, tzinfo=TAIPEI)
    async with open_house(database, source_database, scale=12_000, start=evening) as house:
        accounts = await customers(house, 1)
        await house.people({"calls": {number(0): [NO_ANSWER, AGREES]}})

        await finished(house, await house.launch())

        first, second = await house.ledger("call")
        assert placed_at(first).day == 1
        assert (placed_at(second).day, placed_at(second).hour) == (2, 9)
        assert (await house.notification(accounts[number(0)]))["outcome"] == "acknowledged"


async def test_what_cannot_be_told_in_time_expires(database: str, source_database: str) -> None:
    """Due today, and the office opens no more before the deadline."""
    late = datetime(2026, 12, 1, 19, 15, tzinfo=TAIPEI)
    async with open_house(database, source_database, scale=600, start=late) as house:
        account = await house.customer(mobile=number(0))
        await house.bill(account, due_in=0)
        await house.people({"calls": {number(0): [NO_ANSWER]}})

        run = await finished(house, await house.launch())

        assert len(await house.ledger("call")) == 1
        assert (await house.tally(run)).reasons == {"expired: its time had passed": 1}


async def rung_hours(house: House) -> set[tuple[int, int]]:
    """(day, hour) of every call placed."""
    calls: list[dict[str, Any]] = await house.ledger("call")
    return {(moment(call["created_at"]).day, moment(call["created_at"]).hour) for call in calls}
