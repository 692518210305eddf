"""Moves the queue when a suspension begins or is ended before its time.

The gate would put off one notification after another, each at the price of a place in the channel's pace, and those of
other districts would stand behind them. What a suspension forbids meanwhile is not written, whether the queue has been
moved yet or not.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from notifier.clock import Clock
from notifier.domain.suspension import Suspension
from notifier.engine.catalogue import Catalogue
from notifier.storage.database import WakeUps
from notifier.storage.suspensions import SuspensionStore

log = structlog.get_logger()


@dataclass(frozen=True)
class Suspending:
    catalogue: Catalogue
    clock: Clock
    suspensions: SuspensionStore
    wake_ups: WakeUps

    async def carry_out(self) -> int:
        """Move what is to be moved; answers by how many suspensions. What is left half done is done again."""
        asked = await self.suspensions.to_carry_out(self.clock.now())
        for suspension, times in asked:
            if suspension.ended_at is None:
                await self._put_off(suspension)
            else:
                await self._bring_back(suspension)
            await self.suspensions.note_carried_out(suspension.id, times)
            log.info("suspension.carried_out", suspension=suspension.id, ended=suspension.ended_at is not None)
        return len(asked)

    async def _put_off(self, suspension: Suspension) -> None:
        opens = {
            name: self.catalogue.opening(campaign)(suspension.until)
            for name, campaign in self.catalogue.campaigns.items()
            if campaign.purpose in suspension.purposes
        }
        await _through_the_queue(lambda after: self.suspensions.put_off(suspension.id, opens, after, self.clock.now()))

    async def _bring_back(self, suspension: Suspension) -> None:
        await _through_the_queue(partial(self.suspensions.bring_back, suspension.id))
        await self.suspensions.ask_again(self.clock.now())  # what others forbid, too
        await self.wake_ups.send("lanes")


async def _through_the_queue(move: Callable[[int], Awaitable[int | None]]) -> None:
    after: int | None = 0
    while after is not None:
        after = await move(after)
