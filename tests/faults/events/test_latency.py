"""From an event's commit at the utility to the create at the carrier, in real time: idle, and beside 100,000 others."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from notifier.settings import Pace
from tests.acceptance.crowd import everyone, placed_at, presses
from tests.events.kit import ASKED, happen, let_events_trigger
from tests.faults.source.utility import many
from tests.house import FAST, House, open_house

REAL = 1.0  # seconds of the clock in a real second
QUICK = FAST | {"voice": Pace(rate=100, burst=100, most_in_flight=200, reserved=0)}
SHORT = presses("1", first=3)  # calls of ten seconds, so that lines come free
# What holds the bulk up: its lines, full all the time, where there is pace for 1,000 calls while one lasts; or
# its pace, every bit of which it takes as it comes.
BY_LINES = FAST | {"voice": Pace(rate=100, burst=100, most_in_flight=400, reserved=80)}
BY_PACE = FAST | {"voice": Pace(rate=30, burst=30, most_in_flight=2000, reserved=100)}
RARE = 200  # events while the run is dispatched
BUSY = 250  # calls in flight


async def delays(house: House, bills: Sequence[str], every: float) -> list[float]:
    """Seconds from each event's commit to its call, one event every so many seconds."""
    committed: dict[str, datetime] = {}
    for bill in bills:
        await happen(house, (ASKED, bill))
        committed[bill] = house.clock.now()
        await asyncio.sleep(every)  # they come when they come
    numbers = await house.source.fetch(
        "select b.bill_no, '+886' || substr(c.mobile, 2) as number from billing.bill b"
        " join billing.contact c using (account_no) where b.bill_no = any ($1::text[])",
        list(bills),
    )
    wanted = {row["number"]: row["bill_no"] for row in numbers}
    rung: dict[str, datetime] = {}

    async def all_rung() -> bool:
        calls = await house.ledger("call")
        rung.update({wanted[call["to"]]: placed_at(call) for call in calls if call["to"] in wanted})
        return len(rung) == len(wanted)

    await house.until_soon(all_rung, within=30)
    return sorted((rung[bill] - committed[bill]) / timedelta(seconds=1) for bill in bills)


@pytest.mark.long
async def test_idle_it_takes_less_than_a_second(
    database: str, source_database: str, record_property: Callable[[str, object], None]
) -> None:
    async with open_house(database, source_database, scale=REAL, pace=QUICK) as house:
        let_events_trigger(house.app)
        await everyone(house, SHORT)
        first, *others = await many(house, 9)
        cold = await delays(house, [first], every=0.1)  # what every call says is recorded with the first
        taken = await delays(house, others, every=0.1)

    record_property("event to call, s", _figures(taken))
    record_property("event to the first call of all, s", round(cold[0], 2))
    assert taken[-1] < 1, taken
    assert cold[0] < 2


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "pace", [pytest.param(BY_LINES, id="its lines full"), pytest.param(BY_PACE, id="its pace used")]
)
async def test_beside_a_run_of_100_000_less_than_two(
    database: str, source_database: str, pace: dict[str, Pace], record_property: Callable[[str, object], None]
) -> None:
    async with open_house(database, source_database, scale=REAL, pace=pace) as house:
        let_events_trigger(house.app)
        await everyone(house, SHORT)
        asked = await many(house, RARE, start=200_000)
        await house.source.execute("update billing.bill set due_on = due_on + 2")  # in no audience but by an event
        await many(house, 100_000)
        run = await house.planned(await house.launch(days="3"), within=300)
        assert run.selected == 100_000

        async def busy() -> bool:
            return (await house.app.runs.progress(run.id, house.clock.now())).in_flight >= BUSY

        await house.until_soon(busy, within=60)
        taken = await delays(house, asked, every=0.2)
        under_way = await house.app.runs.progress(run.id, house.clock.now())

    assert under_way.due_now > 90_000
    assert taken[-3] < 2, taken  # p99 of 200
    record_property("event to call, s", _figures(taken))


def _figures(taken: Sequence[float]) -> str:
    return f"median {taken[len(taken) // 2]:.2f}, worst of {len(taken)} {taken[-1]:.2f}"
