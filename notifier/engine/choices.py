"""Whether a day that a customer has just chosen can still be had: asked of the facts while the customer is on the
line."""

import asyncio
from dataclasses import dataclass

import structlog

from notifier.domain.attempt_id import AttemptId
from notifier.domain.facts import Tell, too_old, weigh
from notifier.domain.reply import Standing
from notifier.engine.catalogue import Catalogue, UnknownCampaign
from notifier.engine.rendering import UNREADABLE
from notifier.engine.wording import Wording
from notifier.storage.database import LOST
from notifier.storage.replies import ReplyStore
from notifier.storage.source import Source, SourceBroken, SourceLost

log = structlog.get_logger()

WITHIN = 3.0  # real seconds; the carrier hangs up after 15, and the answer must be stored after this


@dataclass(frozen=True, slots=True)
class Choices:
    catalogue: Catalogue
    replies: ReplyStore
    source: Source
    wording: Wording

    async def standing(self, attempt: AttemptId | None, day: str) -> Standing:
        """Never raises: whoever has chosen is answered, and a person sees to what could not be asked."""
        if attempt is None:
            return Standing.UNCHECKED
        try:
            async with asyncio.timeout(WITHIN):
                return await self._standing(attempt, day)
        except (*LOST, *UNREADABLE, SourceLost, SourceBroken, UnknownCampaign) as error:
            log.warning("choice.unchecked", attempt=str(attempt), error=type(error).__name__)
            return Standing.UNCHECKED

    async def _standing(self, attempt: AttemptId, day: str) -> Standing:
        about = await self.replies.about(attempt)
        if about is None:
            return Standing.UNCHECKED
        campaign, subjects = self.catalogue.campaign(about[0]), about[1]
        clock = self.wording.clock
        known = await self.source.facts(campaign.name, subjects, clock.now())
        weighed = weigh(subjects, known)
        if too_old(known.values(), clock.real_now()) or not known:
            return Standing.UNCHECKED
        if not isinstance(weighed, Tell):
            return Standing.NOT_OFFERED
        days = [one.isoformat() for one in self.wording.days(campaign, weighed.facts)]
        return Standing.HOLDS if day in days else Standing.NOT_OFFERED
