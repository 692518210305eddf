"""A suspension set in mid-run: nobody of the district is rung from then on, until it is over or ended."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.states import RunState
from notifier.domain.suspension import USUAL
from notifier.settings import Pace
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, number, placed_at, rung
from tests.house import DISTRICT, FAST, TAIPEI, House, open_house, second_process

ELSEWHERE = "左營"
MANY = 60
SLOW = FAST | {"voice": Pace(rate=0.01, burst=1, most_in_flight=60, reserved=0)}  # six in a real second
WRITTEN = timedelta(seconds=1)  # real: what was written before may still leave


async def begin(house: House, until: datetime, **given: Any) -> int:
    """As `notifier suspend` does it."""
    usual = {"district": DISTRICT, "purposes": USUAL, "reason": "凱米颱風", "set_by": "王組長"}
    return await house.app.suspensions.begin(until=until, now=house.clock.now(), **(usual | given))


def placed(house: House, least: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        return len(await house.ledger("call")) >= least

    return enough


async def launch_in_both(house: House) -> Run:
    """Every second customer lives elsewhere."""
    await house.office(ELSEWHERE)
    for n in range(MANY):
        await customers(house, 1, start=n, district=ELSEWHERE if n % 2 else DISTRICT)
    await everyone(house)
    return await house.launch()


HERE = {number(n) for n in range(0, MANY, 2)}
THERE = {number(n) for n in range(1, MANY, 2)}


async def test_set_in_mid_run_and_over_by_itself(database: str, source_database: str) -> None:
    """Two processes are at it; elsewhere goes on meanwhile, and afterwards nobody has been skipped or rung twice."""
    async with (
        open_house(database, source_database, pace=SLOW) as house,
        second_process(house, database, source_database, pace=SLOW),
    ):
        run = await launch_in_both(house)
        await house.until(placed(house, MANY // 4), "inbox", "lanes")
        set_at = house.clock.now()
        over = set_at + timedelta(hours=3)
        await begin(house, over)

        ended = await finished(house, run, within=110)

        calls = await house.ledger("call")
        assert rung(calls) == {number(n): 1 for n in range(MANY)}
        late = set_at + WRITTEN * house.clock.scale
        forbidden = [call["to"] for call in calls if call["to"] in HERE and late < placed_at(call) < over]
        assert forbidden == []
        assert any(call["to"] in THERE and late < placed_at(call) < over for call in calls)
        assert any(call["to"] in HERE and placed_at(call) >= over for call in calls)
        assert (await house.tally(ended)).outcomes == {"acknowledged": MANY}
        assert await house.app.runs.put_back(run.id) == {}


async def test_ended_before_its_time(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        switch = await begin(house, house.clock.now() + timedelta(days=5), district=None)
        run = await house.planned(await launch_in_both(house))

        async def all_put_off() -> bool:
            put_back = await house.app.runs.put_back(run.id)
            return sum(one.notifications for one in put_back.values()) == MANY

        await house.until(all_put_off, "lanes")
        assert await house.ledger("call") == []
        ended_at = house.clock.now()
        assert await house.app.suspensions.end(switch, "林組長", ended_at)
        await house.app.wake_ups.send("lanes")
        await finished(house, run)

        calls = await house.ledger("call")
        assert rung(calls) == {number(n): 1 for n in range(MANY)}
        assert min(placed_at(call) for call in calls) >= ended_at
        (kept,) = await house.app.suspensions.latest(10)
        assert (kept.set_by, kept.ended_by, kept.ended_at) == ("王組長", "林組長", ended_at)


async def test_whom_it_outlasts_expires_with_its_name(database: str, source_database: str) -> None:
    """Two bills due in two days are reminded of until then; the storm stays for five."""
    async with open_house(database, source_database, scale=6000) as house:
        await begin(house, house.clock.now() + timedelta(days=5))
        run = await launch_in_both(house)
        ended = await house.ended(run, states=frozenset({RunState.FINISHED}), within=110)

        assert set(rung(await house.ledger("call"))) == THERE
        tally = await house.tally(ended)
        assert tally.difference == 0
        assert tally.outcomes == {"acknowledged": MANY // 2, "expired": MANY // 2}
        assert tally.reasons == {"expired: suspended: 凱米颱風": MANY // 2}


async def test_a_retry_in_the_middle_of_it_waits(database: str, source_database: str) -> None:
    """Whoever did not answer before is not rung again before it is over."""
    async with open_house(database, source_database) as house:
        await customers(house, 1)
        await house.people({"calls": {number(0): [{"outcome": "busy"}, {"outcome": "answers", "answer_after": 5}]}})
        run = await house.launch()
        await house.until(placed(house, 1), "inbox", "lanes")
        over = house.clock.now() + timedelta(hours=4)
        await begin(house, over)
        await finished(house, run)

        first, second = await house.ledger("call")
        assert placed_at(first) < over <= placed_at(second) < over.astimezone(TAIPEI) + timedelta(hours=1)
