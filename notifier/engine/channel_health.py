"""What a lane makes of its provider's answers: one recipient's trouble, or the channel's."""

from collections import deque
from dataclasses import dataclass, field

import structlog

from notifier.clock import Clock
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain, Unknown
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import LOST

log = structlog.get_logger()

UNKNOWN_WORDS = 5  # recipients who within a minute meet a word no table knows: then the channel stops
UNKNOWN_SPAN = 60.0  # seconds of the clock


@dataclass
class ChannelHealth:
    channel: str
    clock: Clock
    budgets: BudgetStore
    troubled: bool = False  # a success is worth writing down, then: it closes the breaker
    _unknown: deque[float] = field(default_factory=lambda: deque(maxlen=UNKNOWN_WORDS))

    async def note(self, error: ChannelError) -> bool:
        """Trouble that concerns the channel and not this one recipient; answers whether the breaker is open now."""
        try:
            if isinstance(error, Misconfigured):
                await self._pause(f"misconfigured: {error}")
            elif isinstance(error, Unknown):
                await self._note_unknown(error)
            elif isinstance(error, Refused) or (isinstance(error, Unavailable) and error.about_one):
                await self.forgive()  # a word about this one recipient: the provider works
            elif isinstance(error, Unavailable | Uncertain):
                return await self._note_trouble(error)
        except LOST:
            log.warning("lane.database_lost", channel=self.channel)
        return False

    async def forgive(self) -> None:
        """The provider answered: whatever trouble it gave is over."""
        if not self.troubled:
            return
        self.troubled = False
        try:
            await self.budgets.note_success(self.channel)
        except LOST:
            self.troubled = True

    async def _note_trouble(self, error: ChannelError) -> bool:
        self.troubled = True
        if not await self.budgets.note_trouble(self.channel, f"unavailable: {error}", self.clock.now()):
            return False
        log.warning("channel.breaker_open", channel=self.channel, reason=str(error))
        return True

    async def _note_unknown(self, error: Unknown) -> None:
        self._unknown.append(self.clock.now().timestamp())
        if len(self._unknown) == UNKNOWN_WORDS and self._unknown[-1] - self._unknown[0] < UNKNOWN_SPAN:
            await self._pause(f"{UNKNOWN_WORDS} recipients within a minute met an answer nobody knows: {error}")

    async def _pause(self, reason: str) -> None:
        if await self.budgets.pause(self.channel, reason):
            log.error("channel.paused", channel=self.channel, reason=reason)
