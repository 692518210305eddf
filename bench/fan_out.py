"""Fan-out: from the source's views to pending, screened and merged, in one transaction.

Limit: a bare INSERT ... SELECT of the very rows that came of it, from plain copies in the same database, into the same
tables with the same indexes, in one transaction.
"""

import asyncio
import time

from bench.ground import FILLED, Connection, Ground, Planned, empty, launch, opened, prepare, settle_disk
from bench.measure import Rounds, Target, in_process, peak_memory

TARGET = Target("time, to a bare INSERT ... SELECT of the same rows and indexes", at_most=1.5)


def ask(ground: Ground, sizes: list[int], rounds: int) -> list[Rounds]:
    return [_at(ground, size, rounds) for size in sizes]


def _at(ground: Ground, size: int, rounds: int) -> Rounds:
    measured = Rounds(f"fan-out of {size:,}, source views to pending", "rows/s", TARGET, slower_is_higher=True)
    asyncio.run(prepare(ground, size))
    for number in range(rounds):
        cold = plan(ground, f"cold {number}", number_book=True)
        warm = plan(ground, f"warm {number}")
        asyncio.run(settle_disk(ground))
        measured.ours.append(warm.selected / warm.seconds)
        measured.limit.append(warm.selected / asyncio.run(_insert_bare(ground)))
        measured.beside("number book cold, rows/s", cold.selected / cold.seconds)
        measured.beside("seconds", warm.seconds)
        measured.beside("planner's peak MB", max(cold.peak_mb, warm.peak_mb))
    return measured


def plan(ground: Ground, key: str, *, number_book: bool = False) -> Planned:
    """Begin with no runs (and no number book) and plan one, in a process of its own."""
    asyncio.run(empty(ground, number_book=number_book))
    asyncio.run(settle_disk(ground))
    return in_process(_plan, ground, key)


async def _plan(ground: Ground, key: str) -> Planned:
    async with opened(ground) as app:
        planner = app.planner()
        number = await launch(app, key)
        start = time.perf_counter()
        await planner.plan_next()
        seconds = time.perf_counter() - start
        run = await app.runs.by_id(number)
        queued = await app.pool.fetchval("select count(*) from notifier.queue")
    assert run is not None
    assert run.planned_at, run.waiting_for or run.reason
    return Planned(number, seconds, run.selected, queued, peak_memory())


async def _insert_bare(ground: Ground) -> float:
    """Seconds for putting the rows of the last fan-out back into emptied tables."""
    async with ground.connect("notifier") as connection:
        await _copy_aside(connection)
        await connection.execute("checkpoint")
        start = time.perf_counter()
        async with connection.transaction():
            for table in FILLED:
                await connection.execute(f"insert into notifier.{table} select * from aside.{table}")
        return time.perf_counter() - start


async def _copy_aside(connection: Connection) -> None:
    await connection.execute("drop schema if exists aside cascade; create schema aside")
    for table in FILLED:
        await connection.execute(f"create table aside.{table} as select * from notifier.{table}")
        await connection.execute(f"vacuum (analyze) aside.{table}")
    await connection.execute(f"truncate {', '.join('notifier.' + table for table in FILLED)}")
