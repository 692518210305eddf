"""A process told to stop does so, whatever it is doing, and leaves nothing behind that the next one cannot mend."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest

from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.house import House, open_house

PATIENCE = 3.0  # real seconds a process may take to stop when nothing is in flight
SLEEPING = "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')"
WAKE = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and wait_event = 'PgSleep'"
)


async def make_the_source_slow(house: House) -> None:
    """The audience takes a minute to read; it is being copied while it does."""
    await house.source.execute("alter view source.bill rename to bill_at_once")
    await house.source.execute(
        "create view source.bill as select b.* from source.bill_at_once b where pg_sleep(60) is not null"
    )


async def mend_the_source(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(WAKE)
    await connection.execute("drop view source.bill")
    await connection.execute("alter view source.bill_at_once rename to bill")
    await connection.close()


async def seconds_to_stop(stack: AsyncExitStack) -> float:
    began = asyncio.get_running_loop().time()
    await stack.aclose()
    return asyncio.get_running_loop().time() - began


@pytest.mark.timeout(10)  # a part that swallows its cancellation would never end
async def test_told_to_stop_while_an_audience_is_drawn(database: str, source_database: str) -> None:
    stack = AsyncExitStack()
    house = await stack.enter_async_context(open_house(database, source_database))
    await customers(house, 3)
    await make_the_source_slow(house)
    run = await house.launch()
    async with asyncio.timeout(5):
        while not await house.source.fetchval(SLEEPING):
            pass
    took = await seconds_to_stop(stack)
    await mend_the_source(source_database)

    async with open_house(database, source_database) as house:
        await everyone(house)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}
    assert took < PATIENCE


async def test_told_to_stop_while_callbacks_come_in(database: str, source_database: str) -> None:
    stack = AsyncExitStack()
    house = await stack.enter_async_context(open_house(database, source_database, scale=60))
    await customers(house, 5)
    await everyone(house)
    await house.launch()

    async def answered() -> bool:
        return any(call["answered_at"] for call in await house.ledger("call"))

    await house.until(answered, "inbox", "lanes")
    assert await seconds_to_stop(stack) < PATIENCE


async def test_told_to_stop_in_mid_run(database: str, source_database: str) -> None:
    """What was in flight is recorded or looked up; the next process tells the rest."""
    many = 60
    async with open_house(database, source_database) as house:
        await customers(house, many)
        await everyone(house)
        run = await house.launch()

        async def begun() -> bool:
            return len(await house.ledger("call")) >= many // 3

        await house.until(begun, "inbox", "lanes")
        await house.quiet()
        before = rung(await house.ledger("call"))
        assert set(before.values()) == {1}

    async with open_house(database, source_database) as house:
        await everyone(house)
        await finished(house, run)
        after = rung(await house.ledger("call"))
    assert before + after == {number(n): 1 for n in range(many)}
