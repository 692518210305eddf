"""Pause, resume and cancel in mid-run: nobody skipped, nobody doubled, and the numbers add up."""

from collections import Counter
from collections.abc import Awaitable, Callable

from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.house import FAST, House, open_house

MANY = 200
LINES = FAST | {
    "voice": Pace(rate=5, burst=50, most_in_flight=20, reserved=0)
}  # twenty at a time: there is a middle to stop in


def called(house: House, least: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many calls have been placed."""

    async def placed() -> bool:
        return len(await house.ledger("call")) >= least

    return placed


async def launch_and_reach_the_middle(house: House) -> Run:
    await customers(house, MANY)
    await everyone(house)
    run = await house.launch()
    await house.until(called(house, MANY // 4), "inbox", "lanes")
    return run


async def test_a_paused_run_rests_and_then_goes_on(database: str, source_database: str) -> None:
    async with open_house(database, source_database, pace=LINES) as house:
        run = await launch_and_reach_the_middle(house)

        await house.move(run, RunState.PAUSED)
        await house.quiet()
        at_rest = await house.ledger("call")
        tally = await house.tally(run)
        assert MANY // 4 <= len(at_rest) < MANY
        assert (tally.difference, tally.open) == (0, MANY - len(at_rest))

        await another_run_passes(house)
        assert rung(await house.ledger("call")) == rung(at_rest) + rung_other()

        await house.move(run, RunState.OPEN)
        ended = await finished(house, run, within=10)  # no claim made before the pause may linger: a lease is 30 s

        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(MANY)} | rung_other()
        assert (await house.tally(ended)).outcomes == {"acknowledged": MANY}


OTHER = 900


async def another_run_passes(house: House) -> None:
    """While one run rests, another is served: proof that the lanes went round and left the first alone."""
    await house.office("左營")
    await customers(house, 1, start=OTHER, district="左營")
    await finished(house, await house.launch("other", district="左營"))


def rung_other() -> Counter[str]:
    return rung([{"to": number(OTHER)}])


async def test_a_cancelled_run_stops_and_a_later_one_tells_the_rest(database: str, source_database: str) -> None:
    async with open_house(database, source_database, pace=LINES) as house:
        run = await launch_and_reach_the_middle(house)

        await house.move(run, RunState.CANCELLED, "the wrong list")
        await house.app.keeper().sweep()
        await house.quiet()
        await house.app.keeper().sweep()

        placed = await house.ledger("call")
        tally = await house.tally(run)
        assert MANY // 4 <= len(placed) < MANY
        assert (tally.difference, tally.open) == (0, 0)
        assert tally.outcomes == {"acknowledged": len(placed), "cancelled": MANY - len(placed)}
        assert tally.reasons == {"cancelled: the wrong list": MANY - len(placed)}

        await finished(house, await house.launch("again"))
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(MANY)}


async def test_pausing_again_and_again_skips_nobody(database: str, source_database: str) -> None:
    async with open_house(database, source_database, pace=LINES) as house:
        run = await launch_and_reach_the_middle(house)
        for quarter in (2, 3):
            await house.move(run, RunState.PAUSED)
            await house.move(run, RunState.OPEN)
            await house.until(called(house, quarter * MANY // 4), "inbox", "lanes")

        ended = await finished(house, run)

        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(MANY)}
        assert (await house.tally(ended)).outcomes == {"acknowledged": MANY}
