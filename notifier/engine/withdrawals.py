"""An event after which nothing more is to be told of its subject, such as a payment. The event is only the occasion to
ask: what is true, the facts say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.event import Came
from notifier.domain.facts import Facts, Withdraw, too_old, weigh
from notifier.storage.database import WakeUps
from notifier.storage.events import Event, EventStore
from notifier.storage.queries import Connection
from notifier.storage.source import Source


class SourceBehind(Exception):
    """The source cannot know yet what an event says. Holds the moment it is true for."""

    def __init__(self, as_of: datetime) -> None:
        super().__init__(f"a source that is up to date: its last word is of {as_of:%H:%M:%S} UTC")


@dataclass(frozen=True)
class Withdrawals:
    clock: Clock
    events: EventStore
    source: Source
    wake_ups: WakeUps

    async def handle(self, connection: Connection, campaign: Campaign, events: Sequence[Event]) -> dict[str, str]:
        """Withdraw what waits for a try, on whatever channel, and need not be told any more; answers what each event
        came to, by subject. Raises SourceBehind, SourceLost and SourceBroken."""
        about = await self.events.open_about(connection, campaign.name, [event.subject for event in events])
        known = await self._facts(campaign, about, events) if about else {}
        reasons = {
            notification: verdict.reason
            for notification, subjects in about.items()
            if isinstance(verdict := weigh(subjects, known), Withdraw)
        }
        done = await self.events.withdraw(connection, reasons, self.clock.now())
        if done < reasons.keys():
            await self.wake_ups.send("cancellations", connection)
        return {event.subject: _came(event.subject, about, known, reasons, done) for event in events}

    async def _facts(
        self, campaign: Campaign, about: Mapping[int, Sequence[str]], events: Sequence[Event]
    ) -> dict[str, Facts]:
        subjects = sorted({subject for some in about.values() for subject in some})
        known = await self.source.facts(campaign.name, subjects, self.clock.now())
        if lagging := too_old(known.values(), self.clock.real_now()):
            raise SourceBehind(lagging)
        for event in events:
            if event.subject in known and known[event.subject].as_of < event.received_at:
                raise SourceBehind(known[event.subject].as_of)
        return known


def _came(
    subject: str,
    about: Mapping[int, Sequence[str]],
    known: Mapping[str, Facts],
    reasons: Mapping[int, str],
    done: set[int],
) -> Came:
    concerned = {notification for notification, subjects in about.items() if subject in subjects}
    if not concerned:
        return Came.NOTHING_OPEN
    if concerned & done:
        return Came.WITHDRAWN
    if concerned & reasons.keys():
        return Came.IN_FLIGHT
    if subject not in known:
        return Came.NOT_KNOWN
    return Came.STILL_DUE if known[subject].still_due else Came.DROPPED
