"""What no event reported: agreed dates that have passed, reconnections that wait. Each sweep is a query of the source,
and what it finds goes into the inbox as events, once for each occasion, however often it is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.event import SWEEP, Arrival, find_flaw, legible
from notifier.storage.database import WakeUps
from notifier.storage.events import EventStore
from notifier.storage.source import Found, Source, SourceBroken, SourceLost

log = structlog.get_logger()

PORTION = 5_000


@dataclass(slots=True)
class Sweeps:
    """`closes`: when the office does; `warning`: so long before, what is promised for today is called at risk."""

    clock: Clock
    source: Source
    events: EventStore
    wake_ups: WakeUps
    closes: time
    warning: timedelta

    async def sweep(self) -> int:
        """Look once; answers how many events are new. One sweep that cannot be made keeps no other from it."""
        new = 0
        for name in self.source.sweeps:
            try:
                found = await self.source.sweep(name, self.clock.now(), self.closes, self.warning)
            except (SourceLost, SourceBroken) as error:
                log.warning("sweep.cannot_be_made", sweep=name, reason=str(error))
                continue
            new += await self._report(found)
        if new:
            await self.wake_ups.send("events")
        return new

    async def _report(self, found: Sequence[Found]) -> int:
        new = 0
        now = self.clock.real_now()
        for start in range(0, len(found), PORTION):
            arrivals = [_arrival(one) for one in found[start : start + PORTION]]
            unheard = await self.events.unheard(SWEEP, arrivals)
            if unheard:
                await self.events.store(unheard, now, recount=False)
            new += len(unheard)
        return new


def _arrival(one: Found) -> Arrival:
    flaw = find_flaw((("type", one.type), ("subject", one.subject)))
    name = f"{one.type} {one.subject} {one.occasion}"
    return Arrival(SWEEP, legible(name), legible(one.type), legible(one.subject), None, flaw)
