"""Two notifications to one number at the same instant: the telephone never rings while it is already ringing."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from tests.acceptance.crowd import Entry, by_number, everyone, finished, moment, number, placed_at
from tests.house import DISTRICT, TAIPEI, House

ELSEWHERE = "左營"
SHARED = 12


def overlapping(calls: Iterable[Entry]) -> list[tuple[str, str]]:
    """Pairs of calls of which the second began before the first was over."""
    return [
        (sooner["sid"], later["sid"])
        for sooner, later in pairwise(sorted(calls, key=placed_at))
        if placed_at(later) < moment(sooner["ended_at"])
    ]


async def test_at_most_one_call_in_flight_to_a_number(house: House) -> None:
    """Families with a flat in each of two districts, whose runs are launched at the same time."""
    await house.office(ELSEWHERE)
    for n in range(SHARED):
        for district in (DISTRICT, ELSEWHERE):
            await house.bill(await house.customer(mobile=number(n), district=district))
    await everyone(house)

    runs = [await house.launch(district, district=district) for district in (DISTRICT, ELSEWHERE)]
    for run in runs:
        ended = await finished(house, run)
        assert (await house.tally(ended)).outcomes == {"acknowledged": SHARED}

    calls = by_number(await house.ledger("call"))
    assert set(calls) == {number(n) for n in range(SHARED)}
    for to, to_one in calls.items():
        assert len(to_one) == 2, to
        assert overlapping(to_one) == [], to


async def test_a_number_is_rung_three_times_a_day_at_most(house: House) -> None:
    """Four districts want the same customer: the fourth waits for another day."""
    districts = [DISTRICT, ELSEWHERE, "三民", "鳳山"]
    for district in districts[1:]:
        await house.office(district)
    for district in districts:
        await house.bill(await house.customer(mobile=number(1), district=district))
    await everyone(house)

    runs = [await house.launch(district, district=district) for district in districts]

    async def three_told() -> bool:
        return len(await house.ledger("call")) == 3

    await house.until(three_told, "inbox", "lanes")
    await house.quiet()
    progress = [await house.app.runs.progress(run.id, house.clock.now()) for run in runs]
    (waits_until,) = [one.next_due_at.astimezone(TAIPEI) for one in progress if one.next_due_at]
    assert waits_until == datetime(2026, 12, 2, 9, 0, tzinfo=TAIPEI)
    assert len(await house.ledger("call")) == 3
