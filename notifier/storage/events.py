"""The inbox of events: once each, in the order of arrival, with what each came to."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from notifier.domain.event import Arrival, EventState
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into


@dataclass(frozen=True)
class EventQueries:
    store: Query
    be_patient: Query
    take: Query
    note_effects: Query
    ignore_unknown: Query
    wait_for: Query
    open_standing: Query
    standing: Query
    grow: Query
    try_turn: Query
    known: Query
    acknowledged: Query
    note_trigger: Query
    open_about: Query
    lock_queued: Query
    withdraw: Query
    take_feed: Query
    note_feed: Query
    feed_waits: Query
    feeds: Query
    list_events: Query


@dataclass(frozen=True, slots=True)
class Event:
    """A pending event in hand. `received_at` is real time; `effects`: what it came to already, by campaign."""

    id: int
    type: str
    subject: str
    received_at: datetime
    effects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Feed:
    """A view of the source that is read on and on. `highest`: the highest id seen, None before the first reading;
    `floor`: what that was a while ago; `next_floor`: what it was at `next_floor_at`, later than that. Real times."""

    name: str
    highest: int | None = None
    floor: int | None = None
    next_floor: int | None = None
    next_floor_at: datetime | None = None
    read_at: datetime | None = None
    waiting_for: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The run that the events of one day are told in."""

    id: int
    state: str
    reason: str | None


class EventStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(EventQueries, sql_root() / "event.sql")

    async def store(
        self, arrivals: Sequence[Arrival], now: datetime, *, recount: bool, connection: "Connection | None" = None
    ) -> list[int | None]:
        """Put arrivals on disk; answers our id of each, in their order. One that was known keeps the id it has, and is
        counted if `recount`; else nothing is answered for it."""
        rows = await self._q.store.fetch(
            connection or self.pool, recount=recount, now=now,
            sources=[one.source for one in arrivals],
            event_ids=[one.event_id for one in arrivals],
            types=[one.type for one in arrivals],
            subjects=[one.subject for one in arrivals],
            occurred=[one.occurred_at for one in arrivals],
            reasons=[str(one.flaw) if one.flaw else None for one in arrivals],
        )  # fmt: skip
        ids = {(row["source"], row["event_id"], row["reason"]): row["id"] for row in rows}
        return [ids.get((one.source, one.event_id, str(one.flaw) if one.flaw else None)) for one in arrivals]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One in which the source may be asked."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._q.be_patient.fetch(connection)
            yield connection

    async def take(
        self,
        connection: Connection,
        campaign: str,
        types: Collection[str],
        *,
        known: Collection[str],
        later: Collection[int],
        most: int,
    ) -> list[Event]:
        """Events of these types that the campaign has not handled, one per subject, locked for the transaction.
        `known`: the types that any campaign handles; `later`: events not to be taken now."""
        rows = await self._q.take.fetch(
            connection, campaign=campaign, types=sorted(types), known=sorted(known), later=list(later), most=most
        )
        return [Event(**row) for row in rows]

    async def note_effects(
        self, connection: Connection, campaign: str, came: Sequence[tuple[Event, str, EventState]], now: datetime
    ) -> None:
        await self._q.note_effects.execute(
            connection, campaign=campaign, now=now,
            events=[event.id for event, _, _ in came],
            effects=[effect for _, effect, _ in came],
            states=[state.value for _, _, state in came],
        )  # fmt: skip

    async def ignore_unknown(
        self, known: Collection[str], reason: str, before: datetime, now: datetime, most: int = 5000
    ) -> int:
        """Close events of other types that came in before that moment; answers how many."""
        return await self._q.ignore_unknown.execute(
            self.pool, known=sorted(known), reason=reason, before=before, now=now, most=most
        )

    async def wait_for(self, events: Sequence[Event], what: str) -> None:
        """Say on events what keeps them from being handled."""
        await self._q.wait_for.execute(self.pool, events=[event.id for event in events], what=what)

    async def open_standing(self, connection: Connection, **run: Any) -> None:
        """Open the run of a day, unless it is there; the names are those of the query's parameters."""
        await self._q.open_standing.execute(connection, **run)

    async def standing(self, connection: Connection, key: str) -> Standing | None:
        row = await self._q.standing.fetch_row(connection, key=key)
        return Standing(**row) if row else None

    async def grow(
        self, connection: Connection, run: int, selected: int, already_told: int, next_expiry: datetime | None
    ) -> bool:
        """Count what is added to a standing run; answers whether it takes anything."""
        grown = await self._q.grow.execute(
            connection, run=run, selected=selected, already_told=already_told, next_expiry=next_expiry
        )
        return grown > 0

    async def unheard(self, source: str, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Those of one source that have not come in before."""
        rows = await self._q.known.fetch(self.pool, source=source, event_ids=[one.event_id for one in arrivals])
        known = {row["event_id"] for row in rows}
        return [one for one in arrivals if one.event_id not in known]

    async def acknowledged(self, connection: Connection, campaign: str, subjects: Sequence[str]) -> frozenset[str]:
        """Those of the subjects that somebody has acknowledged in the campaign."""
        rows = await self._q.acknowledged.fetch(connection, campaign=campaign, subjects=list(subjects))
        return frozenset(row["subject"] for row in rows)

    async def try_turn(self, connection: Connection, campaign: str) -> bool:
        """Whether nobody else draws an audience of the campaign; nobody will until the transaction ends."""
        return bool(await self._q.try_turn.fetch_value(connection, campaign=campaign))

    async def note_trigger(self, connection: Connection, run: int, campaign: str, events: Sequence[Event]) -> None:
        """Say of what was opened about these subjects how fresh facts must be."""
        await self._q.note_trigger.execute(
            connection, run=run, campaign=campaign,
            subjects=[event.subject for event in events], received=[event.received_at for event in events],
        )  # fmt: skip

    async def open_about(
        self, connection: Connection, campaign: str, subjects: Sequence[str]
    ) -> dict[int, tuple[str, ...]]:
        """The campaign's notifications about these subjects that are not settled, with all that each is about."""
        rows = await self._q.open_about.fetch(connection, campaign=campaign, subjects=list(subjects))
        return {row["id"]: tuple(row["subjects"]) for row in rows}

    async def withdraw(self, connection: Connection, reasons: Mapping[int, str], now: datetime) -> set[int]:
        """Settle what is not in flight of these notifications; answers which were."""
        await self._q.lock_queued.fetch(connection, notifications=list(reasons))
        rows = await self._q.withdraw.fetch(
            connection, notifications=list(reasons), reasons=list(reasons.values()), now=now
        )
        return {row["id"] for row in rows}

    async def take_feed(self, connection: Connection, name: str, before: datetime) -> Feed | None:
        """The feed, ours for the transaction, unless another has it or has read it since that moment."""
        row = await self._q.take_feed.fetch_row(connection, name=name, before=before)
        return Feed(**row) if row else None

    async def note_feed(self, connection: Connection, feed: Feed) -> None:
        """Keep how far the feed has been read; it waits for nothing."""
        await self._q.note_feed.execute(
            connection, name=feed.name, highest=feed.highest, floor=feed.floor, next_floor=feed.next_floor,
            next_floor_at=feed.next_floor_at, read_at=feed.read_at,
        )  # fmt: skip

    async def feed_waits(self, connection: Connection, name: str, what: str, now: datetime) -> None:
        await self._q.feed_waits.execute(connection, name=name, what=what, now=now)

    async def feeds(self) -> list[Feed]:
        return [Feed(**row) for row in await self._q.feeds.fetch(self.pool)]

    async def latest(self, state: str | None, subject: str | None, most: int) -> list[asyncpg.Record]:
        """The newest events, of one state or about one subject if given."""
        return await self._q.list_events.fetch(self.pool, state=state or "", subject=subject or "", most=most)
