"""Events are handled as they come in, in order per subject, once for each campaign that they concern.

Each portion is one transaction: a worker that dies leaves nothing behind, and another begins anew. A source that is
away makes the events wait, with the reason on each; one event that breaks the statements of the others is put aside.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import structlog

from notifier.clock import Clock
from notifier.domain.calendar import NeverOpen
from notifier.domain.campaign import Campaign
from notifier.domain.event import NOBODY_ASKED, Came, state_after
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.engine.planner import Moved
from notifier.engine.triggers import NotOurTurn, Triggers
from notifier.engine.withdrawals import SourceBehind, Withdrawals
from notifier.storage.database import LOST, Backoff, WakeUps
from notifier.storage.error_words import without_cells
from notifier.storage.events import Event, EventStore
from notifier.storage.queries import Connection, QueryError
from notifier.storage.source import Source, SourceBroken, SourceLost

log = structlog.get_logger()

PORTION = 200  # events of one campaign in one transaction
POLL = 1.0  # real seconds; covers a lost wake-up
ASIDE = 60.0  # real seconds until an event is tried again that could not be handled even alone
UNKNOWN_AFTER = timedelta(minutes=1)  # a worker that knows the campaign takes an event within a second

Handle = Callable[[Connection, Campaign, Sequence[Event]], Awaitable[dict[str, str]]]


@dataclass
class Trouble:
    """What a campaign's events are in. `portion`: how many are tried at once; `not_before`: monotonic seconds."""

    portion: int = PORTION
    not_before: float = 0.0
    said: str | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.2, longest=10.0))


@dataclass
class EventInbox:
    catalogue: Catalogue
    clock: Clock
    events: EventStore
    source: Source
    triggers: Triggers
    withdrawals: Withdrawals
    wake_ups: WakeUps
    _woken: asyncio.Event = field(init=False)
    _troubles: dict[str, Trouble] = field(default_factory=dict)
    _aside: dict[int, float] = field(default_factory=dict)  # event -> monotonic seconds

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event("events")

    @property
    def known(self) -> frozenset[str]:
        """The types of events that concern any campaign."""
        return frozenset().union(*(one.triggers | one.withdrawn_by for one in self.catalogue.campaigns.values()))

    async def run(self) -> None:
        """Handle events until cancelled."""
        persistence = Persistence("events")
        while True:
            if not await persistence.attempt(self.handle_some):
                await wait_for(self._woken, POLL)

    async def handle_some(self) -> bool:
        """A portion for each campaign; answers whether there is reason to look again at once."""
        if self.clock.astray:
            return False
        handled = 0
        for campaign in self.catalogue.campaigns.values():
            handled += await self._portion(campaign, campaign.withdrawn_by, self.withdrawals.handle)
            handled += await self._portion(campaign, campaign.triggers, self.triggers.handle)
        now = self.clock.real_now()
        handled += await self.events.ignore_unknown(self.known, NOBODY_ASKED, now - UNKNOWN_AFTER, now)
        return handled > 0

    async def _portion(self, campaign: Campaign, types: Collection[str], handle: Handle) -> int:
        trouble = self._troubles.setdefault(campaign.name, Trouble())
        if not types or trouble.not_before > time.monotonic():
            return 0
        taken: list[Event] = []
        try:
            async with self.events.transaction() as connection:
                taken += await self._take(connection, campaign, types, trouble.portion)
                came = await self._handle(connection, campaign, taken, handle) if taken else {}
        except (NotOurTurn, Moved):  # whoever has the turn looks again when it is over; at the latest, the poll does
            return 0
        except (SourceBehind, SourceLost, SourceBroken, QueryError, NeverOpen, asyncpg.PostgresError) as error:
            if isinstance(error, LOST):
                raise
            await self._wait(campaign, taken, trouble, error)
            return 0
        if came:
            self._troubles[campaign.name] = Trouble(min(PORTION, trouble.portion * 4))
        if Came.OPENED in came.values():
            await self.wake_ups.send("lanes")
        return len(came)

    async def _take(self, connection: Connection, campaign: Campaign, types: Collection[str], most: int) -> list[Event]:
        now = time.monotonic()
        self._aside = {event: moment for event, moment in self._aside.items() if moment > now}
        return await self.events.take(connection, campaign.name, types, known=self.known, later=self._aside, most=most)

    async def _handle(
        self, connection: Connection, campaign: Campaign, taken: Sequence[Event], handle: Handle
    ) -> dict[str, str]:
        as_of = await self.source.as_of()
        if as_of < max(event.received_at for event in taken):
            raise SourceBehind(as_of)
        came = await handle(connection, campaign, taken)
        noted = []
        for event in taken:
            effects = {**event.effects, campaign.name: came[event.subject]}
            noted.append((event, came[event.subject], state_after(effects, self._concerned(event.type))))
        await self.events.note_effects(connection, campaign.name, noted, self.clock.real_now())
        return came

    def _concerned(self, kind: str) -> list[str]:
        """The campaigns that an event of this type concerns."""
        return [one.name for one in self.catalogue.campaigns.values() if kind in one.triggers | one.withdrawn_by]

    async def _wait(self, campaign: Campaign, taken: Sequence[Event], trouble: Trouble, error: Exception) -> None:
        """Until the source is there; or, when the fault may be with one event, until it is found which."""
        why = _why(error)
        if not isinstance(error, SourceBehind | SourceLost):
            trouble.portion = max(1, len(taken) // 4)
            if len(taken) == 1:  # the next may be well: it must not wait longer and longer for this one
                self._aside[taken[0].id] = time.monotonic() + ASIDE
                trouble.backoff.reset()
        trouble.not_before = time.monotonic() + trouble.backoff.next()
        await self.events.wait_for(taken, why)
        if why != trouble.said:
            trouble.said = why
            log.warning("events.waiting", campaign=campaign.name, events=len(taken), waiting_for=why)


def _why(error: Exception) -> str:
    match error:
        case SourceLost():
            return f"the source database: {error}"
        case SourceBroken():
            return f"the source does not hold its contract: {error}"
        case asyncpg.PostgresError():
            return f"its audience cannot be drawn: {without_cells(error)}"
    return str(error)
