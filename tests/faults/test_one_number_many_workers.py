"""Two people, one number: several notifications for one telephone at the same instant, on several workers."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.runs import Run
from tests.acceptance.crowd import (
    AGREES,
    BAD_NUMBER,
    BUSY,
    DECLINES,
    Behaviour,
    Entry,
    attempt_of,
    by_number,
    everyone,
    finished,
    moment,
    number,
    placed_at,
    rung,
)
from tests.faults.source.utility import comes
from tests.house import DISTRICT, FAST, House, open_house, second_process

DISTRICTS = (DISTRICT, "左營", "三民", "鳳山", "岡山")
OFTEN_ENOUGH = 3  # rings a day
PACE = FAST | {"voice": Pace(rate=20, burst=50, most_in_flight=100, reserved=0)}


@asynccontextmanager
async def workers(
    database: str, source: str, count: int = 3, scale: float = 600, **settings: Any
) -> AsyncIterator[House]:
    """A house, with so many complete processes at work on it."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(database, source, pace=PACE, scale=scale, **settings))
        for _ in range(count - 1):
            await stack.enter_async_context(second_process(house, database, source, pace=PACE, **settings))
        yield house


async def shared(house: House, numbers: int, districts: Sequence[str], **cells: Any) -> list[Run]:
    """In each of these districts, customers with these same numbers and bills of their own: all launched at once."""
    for place, district in enumerate(districts):
        await house.office(district)
        for n in range(numbers):
            account = await house.customer(mobile=number(n), district=district, **cells)
            await house.bill(account, amount=1000 * (place + 1) + n)
    return [await house.launch(district, district=district) for district in districts]


def overlapping(calls: Iterable[Entry]) -> list[tuple[str, str]]:
    """Pairs of calls of which the second began before the first was over."""
    return [
        (sooner["sid"], later["sid"])
        for sooner, later in pairwise(sorted(calls, key=placed_at))
        if placed_at(later) < moment(sooner["ended_at"])
    ]


async def each_has_its_own(house: House, kind: str) -> int:
    """Every attempt is bound to what was created for it, and to nothing else. Answers how many are bound."""
    made_for = {entry["sid"]: attempt_of(entry) for entry in await house.ledger(kind)}
    rows = await house.app.pool.fetch(
        "select id::text as id, provider_ref from notifier.attempt where provider_ref is not null and channel = $1",
        {"call": "voice", "message": "sms"}[kind],
    )
    assert {row["provider_ref"]: row["id"] for row in rows} == made_for
    return len(rows)


def closest(calls: Iterable[Entry]) -> timedelta:
    """The shortest time between two creations for one number."""
    apart = [
        placed_at(later) - placed_at(sooner)
        for to_one in by_number(calls).values()
        for sooner, later in pairwise(sorted(to_one, key=placed_at))
    ]
    return min(apart)


async def test_five_notifications_one_number_three_workers(database: str, source_database: str) -> None:
    """One rings, the others wait their turn; the fourth and the fifth wait for another day."""
    async with workers(database, source_database) as house:
        await everyone(house, BUSY | {"outcome": "answers", "answer_after": 5, "hang_up_after": 40})
        runs = await shared(house, 2, DISTRICTS)

        async def rung_enough() -> bool:
            return set(rung(await house.ledger("call")).values()) == {OFTEN_ENOUGH}

        await comes(rung_enough, within=30)
        await house.quiet()
        calls = by_number(await house.ledger("call"))
        assert {to: len(to_one) for to, to_one in calls.items()} == {number(n): OFTEN_ENOUGH for n in range(2)}
        assert [overlapping(to_one) for to_one in calls.values()] == [[], []]
        waiting = [(await house.app.runs.progress(run.id, house.clock.now())).due_later for run in runs]
        assert sum(waiting) == 2 * (len(DISTRICTS) - OFTEN_ENOUGH)


PEOPLE = [
    pytest.param(AGREES, id="answer"),
    pytest.param({"outcome": "answers", "answer_after": 2, "hang_up_after": 3}, id="hang up within seconds"),
    pytest.param(DECLINES, id="decline"),
]
BAD_DAY = {
    "error_after": 0.3,
    "drop_after": 0.2,
    "lose": 0.5,
    "double": 0.2,
    "list_delay": {"seconds": 20},
}


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("people", PEOPLE)
async def test_look_ups_bind_their_own_calls(
    database: str, source_database: str, people: Behaviour, record_property: Any
) -> None:
    """Half of the creates end in the dark, half of the callbacks are lost: each attempt finds its own call."""
    async with workers(database, source_database, scale=300) as house:
        await everyone(house, people)
        await house.faults(BAD_DAY)
        runs = await shared(house, 12, DISTRICTS[:3])

        async def rung_enough() -> bool:
            return min(rung(await house.ledger("call")).values(), default=0) >= OFTEN_ENOUGH

        await comes(rung_enough, within=90)
        await house.no_more_faults()
        for run in runs:
            await house.app.runs.move(run.id, RunState.CANCELLED, "enough was seen", house.clock.now())
        await settled(house)

        calls = await house.ledger("call")
        assert max(rung(calls).values()) == OFTEN_ENOUGH
        assert [pair for to_one in by_number(calls).values() for pair in overlapping(to_one)] == []
        bound = await each_has_its_own(house, "call")
        assert bound == len(calls)
        looked_up = await house.app.pool.fetchval("select count(*) from notifier.receipt where kind = 'poll'")
        record_property("calls", len(calls))
        record_property("of them found by look-up", looked_up)
        record_property("shortest time between two creations for a number, s", closest(calls).total_seconds())


@pytest.mark.long
async def test_two_calls_within_a_minute(database: str, source_database: str, record_property: Any) -> None:
    """The first is long over and known; of the second there is no answer and no callback: found is the second."""
    async with workers(database, source_database, count=2, scale=60) as house:
        await everyone(house, {"outcome": "answers", "answer_after": 1, "hang_up_after": 2})
        (first,) = await shared(house, 1, DISTRICTS[:1])

        async def over() -> bool:
            calls = await house.ledger("call")
            in_flight = await house.app.pool.fetchval("select exists (select from notifier.in_flight)")
            return bool(calls) and bool(calls[0]["ended_at"]) and not in_flight

        await comes(over)
        await house.move(first, RunState.CANCELLED)
        await house.faults({"error_after": {"next": 1}, "lose": 1})
        account = await house.customer(mobile=number(0), district=DISTRICTS[1])
        await house.office(DISTRICTS[1])
        await house.bill(account)
        await house.launch(DISTRICTS[1], district=DISTRICTS[1])

        async def found() -> bool:
            return (await house.app.pool.fetchval("select count(*) from notifier.receipt where kind = 'poll'")) > 0

        await comes(found, within=30)
        await settled(house)
        calls = await house.ledger("call")
        assert len(calls) == 2
        assert closest(calls) < timedelta(minutes=1)
        assert await each_has_its_own(house, "call") == 2
        record_property("time between the two creations, s", closest(calls).total_seconds())


async def settled(house: House) -> None:
    """Until every attempt has had its last word."""

    async def nothing_open() -> bool:
        return not await house.app.pool.fetchval(
            "select exists (select from notifier.in_flight)"
            " or exists (select from notifier.receipt where applied_at is null)"
        )

    await comes(nothing_open, within=60)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_two_texts_to_one_number(database: str, source_database: str, record_property: Any) -> None:
    """No callback ever comes and half of the answers are lost: the words tell which message is whose."""
    async with workers(database, source_database, scale=1200) as house:
        await house.people({"everyone": {"calls": BAD_NUMBER, "messages": {"outcome": "delivered"}}})
        await house.faults(
            {
                "error_after": {"share": 0.5, "resource": "messages"},
                "lose": {"share": 1, "resource": "messages"},
                "list_delay": {"seconds": 20},
            }
        )
        runs = await shared(house, 8, DISTRICTS[:2])
        for run in runs:
            await finished(house, run, within=60)

        texts = await house.ledger("message")
        assert set(rung(texts).values()) == {2}
        assert await each_has_its_own(house, "message") == len(texts) == 16
        rows = await house.app.pool.fetch(
            "select provider_ref, message->>'body' as body from notifier.attempt where channel = 'sms'"
        )
        written = {row["provider_ref"]: row["body"] for row in rows}
        assert {entry["sid"]: entry["body"] for entry in texts} == written
        record_property("texts", len(texts))


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_the_rest_is_told_on_another_day(database: str, source_database: str) -> None:
    """Five districts want one customer: three times today, twice tomorrow, and never two at a time."""
    async with workers(database, source_database, scale=3600) as house:
        await everyone(house)
        runs = await shared(house, 6, DISTRICTS)
        for run in runs:
            await finished(house, run, within=90)
        calls = by_number(await house.ledger("call"))
        assert {to: len(to_one) for to, to_one in calls.items()} == {number(n): len(DISTRICTS) for n in range(6)}
        for to_one in calls.values():
            assert overlapping(to_one) == []
            days = [placed_at(call).date() for call in to_one]
            assert max(days.count(day) for day in days) <= OFTEN_ENOUGH
        assert await each_has_its_own(house, "call") == 6 * len(DISTRICTS)
