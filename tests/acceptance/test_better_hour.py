"""Who was not there is tried again at an hour at which he has answered before."""

from datetime import datetime, timedelta

from tests.acceptance.crowd import AGREES, NO_ANSWER, finished, number, placed_at
from tests.house import TAIPEI, House, open_house

EVENING = 18


async def remembered(house: House, n: int, *hours: int) -> None:
    """As calls of earlier runs have taught."""
    await house.app.pool.execute(
        "insert into notifier.number_memory (number, hours, tries, silent, machine, last_at)"
        " values ($1, $2, 3, 0, false, $3)",
        number(n), sum(1 << hour for hour in hours), house.clock.now() - timedelta(days=60),
    )  # fmt: skip


async def test_the_second_try_waits_for_the_evening(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=3000) as house:
        for n in range(2):
            await house.bill(await house.customer(mobile=number(n)))
        await remembered(house, 0, EVENING)
        await house.people({"calls": {number(n): [NO_ANSWER, AGREES] for n in range(2)}})

        await finished(house, await house.launch())

        second = {call["to"]: placed_at(call) for call in (await house.ledger("call"))[2:]}
        assert second[number(0)].hour == EVENING
        assert second[number(1)] < datetime(2026, 12, 1, 17, 0, tzinfo=TAIPEI)


async def test_what_is_learnt_of_a_run_serves_the_next(database: str, source_database: str) -> None:
    """By the calls themselves: no answer, then answered in the evening; half an hour later it is known."""
    async with open_house(database, source_database, scale=3000) as house:
        await house.bill(await house.customer(mobile=number(0)))
        await remembered(house, 0, EVENING)
        await house.people({"calls": {number(0): [NO_ANSWER, AGREES]}})
        await finished(house, await house.launch())
        over = house.clock.now() + timedelta(minutes=45)

        async def learnt() -> bool:
            if house.clock.now() > over:
                await house.app.learning().learn()
            return bool(await house.app.pool.fetchval("select tries from notifier.number_memory") == 5)

        await house.until_soon(learnt)

        row = await house.app.pool.fetchrow("select hours, silent from notifier.number_memory")
        assert row["silent"] == 0
        assert row["hours"] & (1 << EVENING)
        assert row["hours"] % (1 << EVENING) == 0, "the hour at which nobody was there"
