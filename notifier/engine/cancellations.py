"""Calls that wait at the carrier for a line, when what they would tell is true no more: the carrier is asked not to
make them. Whose phone rings already is not hung up on."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.channel import Cancelling
from notifier.domain.errors import ChannelError
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.storage.attempts import AttemptStore, Unwanted
from notifier.storage.database import WakeUps

log = structlog.get_logger()

POLL = 1.0  # real seconds; covers a lost wake-up
AGAIN = 5.0  # real seconds until another worker asks, should this one die; a request takes less
AT_ONCE = 50


@dataclass
class Cancellations:
    """`woken` by whoever withdraws what is in flight."""

    catalogue: Catalogue
    clock: Clock
    attempts: AttemptStore
    wake_ups: WakeUps
    _woken: asyncio.Event = field(init=False)

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event("cancellations")

    async def run(self) -> None:
        """Cancel until cancelled."""
        persistence = Persistence("cancellations")
        while True:
            if not await persistence.attempt(self.cancel_some):
                await wait_for(self._woken, POLL)

    async def cancel_some(self) -> bool:
        """Ask for some; answers whether there may be more. The wish is on disk, and goes when the attempt is over."""
        now = self.clock.now()
        again = now + timedelta(seconds=AGAIN * self.clock.scale)
        unwanted = await self.attempts.take_unwanted(now, again, AT_ONCE)
        asked = await asyncio.gather(*(self._cancel(one) for one in unwanted))
        if done := [one.attempt for one, heard in zip(unwanted, asked, strict=True) if heard]:
            await self.attempts.note_cancelled(done)
        return len(unwanted) == AT_ONCE

    async def _cancel(self, one: Unwanted) -> bool:
        """Whether the carrier has heard; what became of the call, its callback says."""
        channel = self.catalogue.channels.get(one.channel)
        if not isinstance(channel, Cancelling):
            return True
        if one.provider_ref is None:  # the create is under way: there is nothing to name yet
            return False
        try:
            await channel.cancel(one.provider_ref)
        except ChannelError as error:
            log.warning("cancellation.not_heard", channel=one.channel, attempt=str(one.attempt), error=str(error)[:200])
            return False
        return True
