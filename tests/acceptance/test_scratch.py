import pytest
from notifier.domain.states import RunState
from tests.acceptance.test_pause_and_cancel import *
from tests.acceptance.test_pause_and_cancel import LINES, launch_and_reach_the_middle
from tests.house import open_house


@pytest.mark.parametrize("n", range(8))
async def test_scratch(database, source_database, n):
    async with open_house(database, source_database, pace=LINES) as house:
        run = await launch_and_reach_the_middle(house)
        await house.move(run, RunState.PAUSED)
        await house.quiet()
        rows = await house.app.pool.fetch(
            "select count(*) as n, min(lease_until) - $1 as l, count(lease_until) from notifier.queue",
            house.clock.now(),
        )
        print("LEASED", n, rows, len(await house.ledger("call")))
        await house.move(run, RunState.OPEN)
        try:
            await house.ended(run, within=5)
        except TimeoutError:
            print(
                "LATE",
                n,
                await house.app.pool.fetch("select count(*), count(lease_until), min(lease_until) from notifier.queue"),
                await house.app.pool.fetch(
                    "select state, count(*) from notifier.in_flight f join notifier.attempt a on a.id=f.attempt_id group by 1"
                ),
                house.clock.now(),
            )
            async with __import__("asyncio").timeout(1):
                pass
