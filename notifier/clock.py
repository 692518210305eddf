"""The one clock. Made once in app.py and handed to whoever needs to know the time.

Domain code never reads a clock: it is told the time. `SystemClock` is real time corrected by the offset to the
database's clock; `ScaledClock` lets hours pass in seconds, for the demo and the tests.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

FINEST_SLEEP = 0.0005  # seconds; an event loop cannot usefully sleep for less


class ClockAstray(Exception):
    """This machine's clock and the database's differ too much to send anything on time."""


class Clock(Protocol):
    """Tells the time (aware, UTC) and waits for it to pass."""

    @property
    def scale(self) -> float:
        """Seconds of this clock in one real second."""

    @property
    def astray(self) -> str | None:
        """Why nothing may be sent by this clock, while that lasts."""

    def now(self) -> datetime: ...

    def real_now(self) -> datetime:
        """Real time (the database's), by which the freshness of facts is judged whatever the clock shows."""

    async def sleep(self, seconds: float) -> None:
        """Wait until `seconds` of this clock's time have passed."""


@dataclass
class SystemClock:
    """Real time, plus the measured offset to the database's clock. `time` is this machine's, in Unix seconds."""

    offset: timedelta = field(default=timedelta(0))
    scale: float = 1.0
    astray: str | None = None
    time: Callable[[], float] = time.time

    def now(self) -> datetime:
        return self.machine_now() + self.offset

    def machine_now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def real_now(self) -> datetime:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0))


@dataclass(frozen=True)
class ScaledClock:
    """Time that runs `scale` times faster than real time, from `start`, since the real moment `since` (Unix seconds).

    Processes given the same three values agree on the time.
    """

    start: datetime
    scale: float
    since: float
    astray: ClassVar[None] = None  # it follows no other clock

    def now(self) -> datetime:
        passed = timedelta(seconds=(time.time() - self.since) * self.scale)
        return self.start.astimezone(UTC) + passed  # a carrier tells its times in UTC, wherever they were set

    def real_now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds / self.scale, FINEST_SLEEP if seconds > 0 else 0))

    def spell(self) -> str:
        """The clock as one word that `parse_clock` reads: how one process tells another."""
        return f"{self.start.astimezone(UTC).isoformat()}@{self.scale:g}@{self.since!r}"


def parse_clock(word: str) -> Clock:
    """`system`, or `START@SCALE@SINCE` as `ScaledClock.spell` writes it. Raises ValueError on anything else."""
    if word == "system":
        return SystemClock()
    try:
        start, scale, since = word.split("@")
        clock = ScaledClock(datetime.fromisoformat(start), float(scale), float(since))
    except ValueError as error:
        raise ValueError(f"clock {word!r}: expected 'system' or START@SCALE@SINCE") from error
    if clock.start.tzinfo is None or clock.scale <= 0:
        raise ValueError(f"clock {word!r}: the start needs a time zone and the scale must be positive")
    return clock
