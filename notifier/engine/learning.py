"""Learns from calls that are over when a number answers and what is wrong with it."""

from dataclasses import dataclass
from datetime import timedelta

from notifier.clock import Clock
from notifier.engine.catalogue import Catalogue
from notifier.storage.numbers import NumberStore

OVER = timedelta(minutes=30)  # after it was made, a call has ended; the few that take longer teach nothing
READ_BACK = timedelta(days=60)  # of a log from which nothing was learnt yet
REMEMBERED = timedelta(days=200)  # three bills long; then a number that was not called is forgotten


@dataclass(frozen=True)
class Learning:
    catalogue: Catalogue
    clock: Clock
    numbers: NumberStore

    async def learn(self) -> int:
        """From all calls that are over; answers of how many numbers something was learnt."""
        calls = [channel.name for channel in self.catalogue.channels.values() if channel.abilities.keypad]
        now, zone = self.clock.now(), self.catalogue.calendar.zone.key
        return await self.numbers.learn(calls, zone, now - READ_BACK, now - OVER)

    async def forget(self) -> int:
        """Numbers nobody has called for long; answers how many."""
        return await self.numbers.forget(self.clock.now() - REMEMBERED)
