"""The dispatcher against a null channel, everything durable: claim, facts from the source's views, rendering, attempt
written ahead, send, answer recorded, notification settled.

Limit: the same steps without screening, judging and rendering, in bare asyncpg on the leanest tables (raw_queue.py).
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from typing import Any

from bench import raw_queue
from bench.fan_out import plan
from bench.ground import CHANNEL, Ground, opened, prepare, settle_disk, soon
from bench.measure import CONSOLE, Rounds, Target, in_process, in_processes
from bench.profiling import Profile
from bench.raw_queue import Drained
from notifier.domain.receipt import Receipt
from notifier.storage.attempts import AttemptStore, Verdict

TARGET = Target("of the raw limit of the same steps", at_least=0.6)
WORKERS = (1, 2, 4)  # of the raw loop, in one process; the best of them is the limit
POLL = 0.1  # seconds between two looks whether everything is settled
LONGEST = 600.0  # seconds one drain may take


def ask(ground: Ground, sizes: Sequence[int], rounds: int, *, profile: bool = False) -> list[Rounds]:
    return [_at(ground, size, rounds, profile) for size in sizes]


def _at(ground: Ground, size: int, rounds: int, profile: bool) -> Rounds:
    measured = Rounds(f"dispatch of {size:,} to a null channel, one process", "per second", TARGET)
    asyncio.run(prepare(ground, size))
    for number in range(rounds):
        _round(ground, measured, number)
    if profile:
        _, (drained,) = _drain(ground, plan(ground, "profile").queued, 1, profile=True)
        CONSOLE.print(drained.profile, highlight=False)
    return measured


def _round(ground: Ground, measured: Rounds, number: int) -> None:
    pending = plan(ground, f"one {number}").queued
    limits = {workers: _limit(ground, workers) for workers in WORKERS}
    rate, (ours,) = _drain(ground, pending, 1)
    best = max(limits.values(), key=lambda drained: drained.rate)
    measured.ours.append(rate)
    measured.limit.append(best.rate)
    for workers, drained in limits.items():
        measured.beside(f"raw, workers: {workers}", drained.rate)
    measured.beside("attempts each", ours.settled / pending)
    measured.beside("our CPU, us each", ours.cpu_each)
    measured.beside("raw CPU, us each", best.cpu_each)
    pending = plan(ground, f"two {number}").queued
    measured.beside("ours, two processes", _drain(ground, pending, 2)[0])


def _limit(ground: Ground, workers: int) -> Drained:
    pending = asyncio.run(raw_queue.fill(ground))
    asyncio.run(settle_disk(ground))
    drained: Drained = in_process(raw_queue.drain, ground, workers, soon())
    assert drained.settled == pending, f"{drained.settled} of {pending} sent"
    return drained


def _drain(ground: Ground, pending: int, processes: int, *, profile: bool = False) -> tuple[float, list[Drained]]:
    """Notifications settled per second by so many processes together, and what each did."""
    asyncio.run(settle_disk(ground))
    begin = soon(3.0 + processes)
    drained: list[Drained] = in_processes(processes, lambda _: (_dispatch, (ground, begin, profile), {}))
    asyncio.run(_check(ground, pending))
    rate = pending / (max(one.end for one in drained) - min(one.start for one in drained))
    return rate, drained


async def _check(ground: Ground, pending: int) -> None:
    """Everybody reached once, and the log says so."""
    async with ground.connect("notifier") as connection:
        reached = await connection.fetchval("select count(*) from notifier.notification where outcome = 'reached'")
        taken = await connection.fetchval("select count(*) from notifier.attempt where disposition = 'delivered'")
        unapplied = await connection.fetchval("select count(*) from notifier.receipt where applied_at is null")
    assert (reached, taken, unapplied) == (pending, pending, 0), f"{reached} reached, {taken} taken of {pending}"


class CountingStore(AttemptStore):
    """Knows when the last verdict was on disk."""

    settled = 0
    last = 0.0

    async def apply(
        self, now: Any, verdicts: Sequence[Verdict], receipts: Sequence[Receipt], connection: Any = None
    ) -> set[Any]:
        moved = await super().apply(now, verdicts, receipts, connection)
        self.settled += len(moved)
        self.last = time.monotonic()
        return moved


async def _dispatch(ground: Ground, begin: float, profile: bool) -> Drained:
    """One worker process, as `notifier work` runs it, until nothing is pending or in flight anywhere."""
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(opened(ground))
        app.attempts = counting = CountingStore(app.pool)
        recorder = app.recorder()
        lane = app.lane(CHANNEL, recorder)
        await asyncio.sleep(max(0, begin - time.monotonic()))
        watch = Profile() if profile else None
        start, cpu = time.monotonic(), time.process_time()
        with watch or nullcontext():
            recording = asyncio.create_task(recorder.run())
            sending = asyncio.create_task(lane.run())
            async with asyncio.timeout(LONGEST):
                while await app.pool.fetchval(PENDING):  # noqa: ASYNC110 - another process may settle the last
                    await asyncio.sleep(POLL)
            lane.stop()
            await sending
            await recorder.flush()
            recording.cancel()
        seen = watch.report(counting.last - start) if watch else ""
        return Drained(start, counting.last, counting.settled, time.process_time() - cpu, seen)


PENDING = "select exists (select from notifier.queue) or exists (select from notifier.in_flight)"
