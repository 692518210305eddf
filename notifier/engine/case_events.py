"""Reads source.case_event on and on, into the inbox: woken by NOTIFY where the source offers it, polled all the same.

Ids rise when events are made, but become visible when they are committed: an event may appear below others that were
read before. So every reading begins again far enough below, and leaves out what is known already.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.event import CASE_EVENTS, Arrival, find_flaw, legible
from notifier.engine.backoff import Persistence, wait_for
from notifier.storage.database import Backoff, Listener, WakeUps
from notifier.storage.events import EventStore, Feed
from notifier.storage.queries import Connection
from notifier.storage.source import CaseEvent, Source, SourceBroken, SourceLost

log = structlog.get_logger()

FEED = CASE_EVENTS
NOTIFIED = "case_event"  # the channel on which a source may say that a row has arrived
POLL = timedelta(seconds=1)  # real time
# What may become visible late: by transactions that take so long, among so many ids. The more of both is read again.
OVERLAP = timedelta(minutes=10)
OVERLAP_IDS = 10_000
PORTION = 5_000  # events in one reading
LONGEST_SILENCE = 60.0  # real seconds between two tries to listen at a source that cannot be listened to: a standby


@dataclass
class CaseEvents:
    """The reader of one process. Any number may run: each reading belongs to one of them."""

    clock: Clock
    events: EventStore
    source: Source
    wake_ups: WakeUps
    url: str  # of the source, to listen there
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _known: set[int] = field(default_factory=set)  # ids within the overlap
    _backoff: Backoff = field(default_factory=lambda: Backoff(first=0.5, longest=10.0))
    _not_before: float = 0.0  # monotonic seconds

    async def run(self) -> None:
        """Read until cancelled."""
        persistence, notified = Persistence("case events"), True

        async def turn() -> bool:
            return await self.read(self.clock.real_now() - (timedelta(0) if notified else POLL))

        while True:
            more = await persistence.attempt(turn)
            notified = more or await wait_for(self._woken, POLL.total_seconds())

    async def listen(self) -> None:
        """Be woken by the source, until cancelled."""
        listener = Listener(
            "notifier case events", self.url, NOTIFIED, lambda _payload: self._woken.set(), self._woken.set
        )
        await listener.listen(LONGEST_SILENCE)

    async def read(self, unless_since: datetime) -> bool:
        """Read what is new, unless another process has since that moment; answers whether there may be more."""
        if self._not_before > time.monotonic():
            return False
        async with self.events.transaction() as connection:
            feed = await self.events.take_feed(connection, FEED, unless_since)
            if feed is None:
                return False
            try:
                rows = await self._rows(connection, feed)
            except (SourceLost, SourceBroken) as error:
                await self._wait(connection, feed, error)
                return False
        self._backoff.reset()
        self._known.update(row.event_id for row in rows)
        if rows:
            await self.wake_ups.send("events")
        return len(rows) == PORTION

    async def _rows(self, connection: Connection, feed: Feed) -> Sequence[CaseEvent]:
        now = self.clock.real_now()
        if feed.highest is None:
            feed = begin(feed, await self.source.newest_case_event() or 0, now)
        after = read_from(feed)
        self._known = {known for known in self._known if known > after}
        rows = await self.source.case_events(after, sorted(self._known), PORTION)
        if rows:
            await self.events.store([_arrival(row) for row in rows], now, recount=False, connection=connection)
        await self.events.note_feed(connection, advance(feed, [row.event_id for row in rows], now))
        return rows

    async def _wait(self, connection: Connection, feed: Feed, error: Exception) -> None:
        lost = isinstance(error, SourceLost)
        why = f"the source database: {error}" if lost else f"the source does not hold its contract: {error}"
        self._not_before = time.monotonic() + self._backoff.next()
        if why != feed.waiting_for:
            await self.events.feed_waits(connection, FEED, why, self.clock.real_now())
            log.warning("case_events.waiting", waiting_for=why)


def begin(feed: Feed, newest: int, now: datetime) -> Feed:
    """The first reading. What happened long before it is for the campaigns' own audiences to find."""
    return replace(feed, highest=newest, floor=newest - OVERLAP_IDS, next_floor=newest, next_floor_at=now)


def read_from(feed: Feed) -> int:
    """The id above which everything is read again."""
    assert feed.highest is not None
    assert feed.floor is not None
    return min(feed.highest - OVERLAP_IDS, feed.floor)


def advance(feed: Feed, ids: Sequence[int], now: datetime) -> Feed:
    """The feed after these ids were read. What was the highest becomes the floor when it has been for the overlap."""
    assert feed.highest is not None
    highest = max(feed.highest, *ids, 0)
    read = replace(feed, highest=highest, read_at=now)
    if feed.next_floor_at is not None and now - feed.next_floor_at < OVERLAP:
        return read
    return replace(read, floor=feed.next_floor, next_floor=highest, next_floor_at=now)


def _arrival(row: CaseEvent) -> Arrival:
    flaw = find_flaw((("type", row.type), ("subject", row.subject)))
    return Arrival(FEED, str(row.event_id), legible(row.type), legible(row.subject), row.occurred_at, flaw)
