"""Who may be contacted at this moment, before anybody asks what is true; and when the others come up again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.domain.campaign import Campaign
from notifier.domain.follow_up import Place
from notifier.domain.states import Outcome
from notifier.engine.catalogue import Catalogue
from notifier.storage.queue import Claimed, Disposal

BUSY_ADDRESS = timedelta(seconds=30)
NO_LINE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate of one channel."""

    channel: str
    catalogue: Catalogue

    def screen(
        self, campaign: Campaign, claimed: Sequence[Claimed], now: datetime
    ) -> tuple[list[Claimed], list[Disposal]]:
        """Who may be contacted, and what becomes of the others."""
        ready, disposals = [], []
        opens = self.catalogue.opening(campaign)(now)
        for one in claimed:
            disposal = self._obstacle(campaign, one, now, opens)
            if disposal is None:
                ready.append(one)
            else:
                disposals.append(disposal)
        return ready, disposals

    def put_back(self, one: Claimed, due_at: datetime) -> Disposal:
        """It comes up again where it stands."""
        return Disposal(one.id, "put_back", due_at=due_at, channel=self.channel, place=one.place)

    def later(self, campaign: Campaign, verdict: str, now: datetime) -> datetime:
        """When somebody comes up again who could not be written ahead, by the verdict on the attempt."""
        opening = self.catalogue.opening(campaign)
        if verdict == "capped":
            tomorrow = self.catalogue.calendar.local(now).replace(hour=0, minute=0, second=0) + timedelta(days=1)
            return opening(tomorrow)
        return opening(now + (BUSY_ADDRESS if verdict == "address_busy" else NO_LINE))

    def _obstacle(self, campaign: Campaign, one: Claimed, now: datetime, opens: datetime) -> Disposal | None:
        if one.settled:  # by a later truth, while it was queued again
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "already settled")
        if max(opens, now) >= one.expires_at:
            return Disposal(one.id, "settle", Outcome.EXPIRED, "its time had passed")
        if opens > now:
            return self.put_back(one, opens)
        address = self.catalogue.address(self.channel, one.phone, one.email)
        if address is not None and address not in one.suppressed:
            return None
        step = self.catalogue.route(campaign, one.phone, one.email, one.suppressed).after(one.place.step)
        if step is None:
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "no address left that may be used")
        return Disposal(one.id, "put_back", due_at=now, channel=campaign.plan[step].channel, place=Place(step))
