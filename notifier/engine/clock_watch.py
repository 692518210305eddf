"""Watches this machine's clock against the database's: while it is astray, nothing is sent, planned or fired."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from notifier.clock import Clock, SystemClock
from notifier.engine.backoff import Persistence
from notifier.storage.database import Offset, Pool, WakeUps, measure_offset

log = structlog.get_logger()

EVERY = 10.0  # real seconds between two measurements
LARGEST_OFFSET = timedelta(seconds=1)  # from the database's clock, before a process refuses to work


@dataclass
class ClockWatch:
    clock: Clock
    pool: Pool
    wake_ups: WakeUps

    async def run(self) -> None:
        """Measure until cancelled."""
        persistence = Persistence("clock watch")
        while True:
            if not await persistence.attempt(self._turn):
                await asyncio.sleep(EVERY)

    async def _turn(self) -> bool:
        await self.look()
        return False

    async def look(self) -> None:
        """Measure once: follow a small drift, and say on the clock when it is too far off to be trusted, or no more."""
        if not isinstance(self.clock, SystemClock):
            return
        measured = await measure_offset(self.pool, self.clock.machine_now)
        if abs(measured.ahead - self.clock.offset) > measured.within:
            self.clock.offset = measured.ahead
        before, self.clock.astray = self.clock.astray, too_far(measured)
        if self.clock.astray and not before:
            log.error("clock.astray", reason=self.clock.astray)
        elif before and not self.clock.astray:
            log.info("clock.good_again")
            self.wake_ups.ring("lanes")


def too_far(measured: Offset) -> str | None:
    """Why this machine's clock cannot be trusted, or None. What the measuring itself may be wrong by proves nothing."""
    if abs(measured.ahead) - measured.within <= LARGEST_OFFSET:
        return None
    return f"this machine's clock is {-measured.ahead.total_seconds():+.1f} s off the database's"
