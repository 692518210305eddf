"""A scheduler in a process of its own: as `notifier keep` runs it, on a machine in another zone whose clock jumps."""

import asyncio
import datetime as datetimes
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
import structlog

import notifier.clock
import notifier.engine.timetable
from notifier.app import Parts, open_app, run_parts
from notifier.settings import Settings

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.faults.scheduler.process"])


@dataclass
class Scheduler:
    """`shift`: seconds by which this machine's wall clock is off; its monotonic clock is right. `turns` counts up."""

    process: ForkServerProcess
    shift: "Synchronized[float]"
    turns: "Synchronized[int]"
    log: Path

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@contextmanager
def schedulers(folder: Path, settings: Sequence[Settings], zones: Sequence[str]) -> Iterator[list[Scheduler]]:
    """Schedulers in these zones of the machine, one per zone, killed when the block ends."""
    made = []
    for number, (own, zone) in enumerate(zip(settings, zones, strict=True)):
        shift, turns, log = forks.Value("d", 0.0), forks.Value("i", 0), folder / f"scheduler-{number}.log"
        process = forks.Process(target=_live, args=(own, zone, shift, turns, log), daemon=True)
        made.append(Scheduler(process, shift, turns, log))
    try:
        for scheduler in made:
            scheduler.process.start()
        yield made
    finally:
        for scheduler in made:
            if scheduler.process.is_alive():
                scheduler.process.kill()
            scheduler.process.join()


def _live(settings: Settings, zone: str, shift: Any, turns: Any, log: Path) -> None:
    os.environ["TZ"] = zone
    time.tzset()
    sys.stderr = sys.stdout = log.open("a", buffering=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    _shift_the_wall(shift)
    asyncio.run(_keep(settings, turns))


def _shift_the_wall(shift: Any) -> None:
    """This machine's clock, wherever it is read: by us, and by APScheduler."""
    real = time.time
    time.time = lambda: real() + shift.value

    class Shifted(datetimes.datetime):
        @classmethod
        def now(cls, tz: datetimes.tzinfo | None = None) -> datetimes.datetime:  # type: ignore[override]
            return datetimes.datetime.fromtimestamp(time.time(), tz)

    apscheduler.schedulers.base.datetime = Shifted  # type: ignore[attr-defined]
    notifier.engine.timetable.datetime = Shifted  # type: ignore[attr-defined]
    notifier.clock.datetime = Shifted  # type: ignore[attr-defined]


async def _keep(settings: Settings, turns: Any) -> None:
    async with open_app(settings, name="keep") as app:
        due = app.schedules.due

        async def counted(*given: Any, **named: Any) -> Any:
            with turns.get_lock():
                turns.value += 1
            return await due(*given, **named)

        app.schedules.due = counted  # type: ignore[method-assign]
        await run_parts(app, Parts(keep=True), asyncio.Event())
