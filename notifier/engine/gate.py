"""Who may be contacted at this moment, before anybody asks what is true; and when the others come up again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.campaign import Campaign
from notifier.domain.follow_up import Place
from notifier.domain.states import Outcome
from notifier.domain.suspension import because_of
from notifier.engine.catalogue import Catalogue
from notifier.storage.queue import Claimed, Disposal, WrittenAhead

BUSY_ADDRESS = timedelta(seconds=30)
NO_LINE = timedelta(seconds=2)
TIME_PASSED = "its time had passed"
POSTING_HOLD = "posting_hold"


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

    def put_back(self, one: Claimed, due_at: datetime, because: str | None = None) -> Disposal:
        """It comes up again where it stands."""
        return Disposal(one.id, "put_back", reason=because, due_at=due_at, channel=self.channel, place=one.place)

    def postpone(self, campaign: Campaign, one: Claimed, ahead: WrittenAhead, now: datetime) -> Disposal:
        """What becomes of somebody who could not be written ahead."""
        if ahead.verdict == "capped":
            midnight = self.catalogue.calendar.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
            because = f"capped: {campaign.rings_per_day} in a day at one address"
            return self._wait_until(campaign, one, midnight + timedelta(days=1), because)
        cap = self.catalogue.cap(campaign)
        if ahead.verdict == "household" and cap is not None:
            return self._wait_until(campaign, one, cap.free_at(ahead.contacts, now), cap.full(ahead.contacts, now))
        wait = BUSY_ADDRESS if ahead.verdict == "address_busy" else NO_LINE
        return self.put_back(one, self.catalogue.opening(campaign)(now + wait))

    def _obstacle(self, campaign: Campaign, one: Claimed, now: datetime, opens: datetime) -> Disposal | None:
        if one.settled:  # by a later truth, while it was queued again
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "already settled")
        if max(opens, now) >= one.expires_at:
            return Disposal(one.id, "settle", Outcome.EXPIRED, one.because or TIME_PASSED)
        if one.suspended_until is not None:
            return self._put_off(campaign, one, one.suspended_until)
        if opens > now:
            return self.put_back(one, opens, one.because)
        if one.grace_until is not None and not one.subjects:
            return self._wait_until(campaign, one, one.grace_until, POSTING_HOLD)
        address = self.catalogue.address(self.channel, one.phone, one.email)
        if address is not None and address not in one.suppressed:
            return None
        step = self.catalogue.route(campaign, one.phone, one.email, one.prefers, one.suppressed).after(one.place.step)
        if step is None:
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "no address left that may be used")
        return Disposal(one.id, "put_back", due_at=now, channel=campaign.plan[step].channel, place=Place(step))

    def _put_off(self, campaign: Campaign, one: Claimed, until: datetime) -> Disposal:
        """Until the suspension is over, even if its own time is over before: the suspension may be ended sooner."""
        due_at = self.catalogue.opening(campaign)(until)
        return replace(self.put_back(one, due_at, because_of(one.suspended_because or "")), put_off_by=one.suspended_by)

    def _wait_until(self, campaign: Campaign, one: Claimed, moment: datetime, because: str | None) -> Disposal:
        """It comes up again then, unless that is too late."""
        due_at = self.catalogue.opening(campaign)(moment)
        if due_at >= one.expires_at:
            return Disposal(one.id, "settle", Outcome.EXPIRED, because or TIME_PASSED)
        return self.put_back(one, due_at, because)
