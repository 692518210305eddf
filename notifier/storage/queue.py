"""The queue: claim, write ahead, and what becomes of a claim short of an attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from notifier.domain.attempt_id import AttemptId, attempt_time
from notifier.domain.cap import Cap
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
    uncount: Query
    forget_households: Query
    dispose: Query
    give_back: Query
    to_sweep: Query
    sweep: Query
    note_expiry: Query


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased notification, with its recipient's addresses and what bans there are on them. `triggered_at`: the real
    time of the event that asked for it. `because`: why it was put back before. `suspended_by`, `..._until`,
    `..._because`: what leaves its recipient alone now. `subjects` are without those whose payment is awaited, the
    first of them until `grace_until`."""

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
    because: str | None = None
    grace_until: datetime | None = None
    suspended_by: int | None = None
    suspended_until: datetime | None = None
    suspended_because: str | None = None
    prefers: str | None = None


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
    offered: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenAhead:
    """What became of a draft: written | address_busy | capped | household | no_line | lost. `capped`: the address was
    rung too often today; `household`: it was contacted too often, at the moments of `contacts`."""

    verdict: str
    contacts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Disposal:
    """What becomes of a leased notification without an attempt: settle, hold or put_back. `put_off_by`: the suspension
    that puts it back."""

    notification: int
    kind: str
    outcome: str | None = None
    reason: str | None = None
    due_at: datetime | None = None
    channel: str | None = None
    place: Place = Place(0)
    put_off_by: int | None = None


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
        purpose: str,
        now: datetime,
        look_at: datetime,
        day_start: datetime,
        cap: int,
        household: Cap | None,
        lines: int,
        drafts: Sequence[Draft],
    ) -> dict[AttemptId, WrittenAhead]:
        """Commit the attempts before they leave. `cap`: of an address since the start of the day; `household`: of
        its household for this purpose."""
        rows = await self._q.write_ahead.fetch(
            connection, owner=owner, channel=channel, purpose=purpose, now=now, look_at=look_at, day_start=day_start,
            cap=cap, lines=lines,
            per_day=household.per_day if household else None,
            per_week=household.per_week if household else None,
            notifications=[draft.notification for draft in drafts],
            attempts=[draft.attempt for draft in drafts],
            addresses=[draft.address for draft in drafts],
            templates=[draft.template for draft in drafts],
            messages=[draft.message for draft in drafts],
            offers=[draft.offered or None for draft in drafts],
        )  # fmt: skip
        await self._uncount(connection, rows, drafts)
        return {AttemptId(row["attempt_id"]): _written_ahead(row, purpose) for row in rows}

    async def _uncount(self, connection: Any, rows: Sequence[asyncpg.Record], drafts: Sequence[Draft]) -> None:
        in_vain = {row["attempt_id"] for row in rows if row["counted"] and row["verdict"] != "written"}
        if in_vain:
            await self._q.uncount.execute(
                connection,
                notifications=[draft.notification for draft in drafts if draft.attempt in in_vain],
                attempts=[draft.attempt for draft in drafts if draft.attempt in in_vain],
            )

    async def forget_households(self, before: datetime, most: int = 5000) -> int:
        """Delete up to `most` that nobody has contacted since; answers how many."""
        return await self._q.forget_households.execute(self._pool, before=before, most=most)

    async def dispose(self, owner: int, now: datetime, disposals: Sequence[Disposal]) -> int:
        """Carry out disposals of rows still under our lease; answers how many were."""
        return await self._q.dispose.fetch_value(  # type: ignore[no-any-return]
            self._pool, owner=owner, now=now,
            notifications=[d.notification for d in disposals],
            kinds=[d.kind for d in disposals],
            outcomes=[d.outcome for d in disposals],
            reasons=[d.reason for d in disposals],
            due=[d.due_at for d in disposals],
            put_off_by=[d.put_off_by for d in disposals],
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
        frozenset(row["suppressed"]), row["outcome"] is not None, row["triggered_at"], row["because"],
        row["grace_until"], row["suspended_by"], row["suspended_until"], row["suspended_because"], row["prefers"],
    )  # fmt: skip


def _written_ahead(row: asyncpg.Record, purpose: str) -> WrittenAhead:
    contacts = [attempt_time(UUID(attempt)) for attempt, of in (row["contacts"] or {}).items() if of == purpose]
    return WrittenAhead(row["verdict"], tuple(contacts))
