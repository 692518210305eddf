"""The queue: claim, write ahead, and what becomes of a claim short of an attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from notifier.domain.attempt_id import AttemptId
from notifier.domain.follow_up import Place
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into

START = (datetime(1970, 1, 1, tzinfo=UTC), 0)
Mark = tuple[datetime, int]


@dataclass(frozen=True)
class QueueQueries:
    claim: Query
    due_runs: Query
    next_due: Query
    write_ahead: Query
    dispose: Query
    give_back: Query
    to_sweep: Query
    sweep: Query
    note_expiry: Query


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased notification, with its recipient's addresses and what bans there are on them. `triggered_at`: the real
    time of the event that asked for it."""

    id: int
    due_at: datetime
    place: Place
    account_no: str
    locale: str
    district: str | None
    phone: str | None
    email: str | None
    expires_at: datetime
    subjects: tuple[str, ...]
    suppressed: frozenset[str]
    settled: bool = False
    triggered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueRun:
    id: int
    campaign: str
    priority: int
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Draft:
    """An attempt about to be written."""

    attempt: AttemptId
    notification: int
    address: str
    template: str
    message: Mapping[str, object]
    offered: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Disposal:
    """What becomes of a leased notification without an attempt: settle, hold or put_back."""

    notification: int
    kind: str
    outcome: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    channel: str | None = None
    place: Place = Place(0)


class QueueStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(QueueQueries, sql_root() / "queue.sql")

    async def claim(
        self, *, channel: str, run: int, owner: int, now: datetime, until: datetime, mark: Mark, purpose: str, most: int
    ) -> list[Claimed]:
        rows = await self._q.claim.fetch(
            self._pool, channel=channel, run=run, owner=owner, now=now, until=until,
            mark_due=mark[0], mark_id=mark[1], purpose=purpose, most=most,
        )  # fmt: skip
        return [_claimed(row) for row in rows]

    async def due_runs(self, channel: str, now: datetime) -> list[DueRun]:
        """Open runs with something due on the channel, most urgent first."""
        rows = await self._q.due_runs.fetch(self._pool, channel=channel, now=now)
        return [DueRun(row["id"], row["campaign"], row["priority"], row["params"]) for row in rows]

    async def next_due(self, channel: str) -> datetime | None:
        return await self._q.next_due.fetch_value(self._pool, channel=channel)  # type: ignore[no-any-return]

    async def write_ahead(
        self,
        connection: Any,
        *,
        owner: int,
        channel: str,
        now: datetime,
        look_at: datetime,
        day_start: datetime,
        cap: int,
        lines: int,
        drafts: Sequence[Draft],
    ) -> dict[AttemptId, str]:
        """Commit the attempts before they leave. Answers a verdict for each: written | address_busy | capped | no_line
        | lost."""
        rows = await self._q.write_ahead.fetch(
            connection, owner=owner, channel=channel, now=now, look_at=look_at, day_start=day_start, cap=cap,
            lines=lines,
            notifications=[draft.notification for draft in drafts],
            attempts=[draft.attempt for draft in drafts],
            addresses=[draft.address for draft in drafts],
            templates=[draft.template for draft in drafts],
            messages=[draft.message for draft in drafts],
            offers=[draft.offered or None for draft in drafts],
        )  # fmt: skip
        return {AttemptId(row["attempt_id"]): row["verdict"] for row in rows}

    async def dispose(self, owner: int, now: datetime, disposals: Sequence[Disposal]) -> int:
        """Carry out disposals of rows still under our lease; answers how many were."""
        return await self._q.dispose.fetch_value(  # type: ignore[no-any-return]
            self._pool, owner=owner, now=now,
            notifications=[d.notification for d in disposals],
            kinds=[d.kind for d in disposals],
            outcomes=[d.outcome for d in disposals],
            reasons=[d.reason for d in disposals],
            due=[d.due_at for d in disposals],
            channels=[d.channel for d in disposals],
            steps=[d.place.step for d in disposals],
            tries=[d.place.tries for d in disposals],
            free=[d.place.free for d in disposals],
        )  # fmt: skip

    async def give_back(self, owner: int, notifications: Sequence[int]) -> None:
        await self._q.give_back.execute(self._pool, owner=owner, notifications=list(notifications))

    async def to_sweep(self, now: datetime) -> list[int]:
        """Runs that were cancelled or have notifications whose time has passed."""
        return [row["id"] for row in await self._q.to_sweep.fetch(self._pool, now=now)]

    async def sweep(self, run: int, now: datetime, most: int = 5000) -> int:
        """Settle up to `most` of what the run's cancelling or the clock has ended; answers how many."""
        return await self._q.sweep.fetch_value(self._pool, run=run, now=now, most=most)  # type: ignore[no-any-return]

    async def note_expiry(self, run: int) -> None:
        await self._q.note_expiry.execute(self._pool, run=run)


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        row["id"], row["due_at"], Place(row["step"], row["tries"], row["free"]), row["account_no"], row["locale"],
        row["district"], row["phone"], row["email"], row["expires_at"], tuple(row["subjects"]),
        frozenset(row["suppressed"]), row["outcome"] is not None, row["triggered_at"],
    )  # fmt: skip
