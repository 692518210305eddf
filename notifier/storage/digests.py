"""The mails that tell sections of their open answers: written before they are sent, once for each moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into


class DigestState(StrEnum):
    OPEN = "open"
    SENT = "sent"
    NOTHING_NEW = "nothing_new"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class DigestQueries:
    open: Query
    to_list: Query
    count_open: Query
    write: Query
    close: Query
    claim: Query
    put_off: Query
    note_mailed: Query
    latest: Query


@dataclass(frozen=True, slots=True)
class Listed:
    """An open answer as a digest shows it. `new`: no mail has told of it yet."""

    id: int
    campaign: str
    subjects: Sequence[str]
    account_no: str | None
    district: str | None
    action: str
    value: str | None
    standing: str
    at: datetime
    due_at: datetime
    overdue: bool
    new: bool
    claimed_by: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    open: int
    overdue: int
    new: int


@dataclass(frozen=True, slots=True)
class Digest:
    """One that is ours to send. `message`: its exact words; `tries`: this one included."""

    id: int
    section: str
    moment: datetime
    reference: str
    replies: Sequence[int]
    message: Mapping[str, Any]
    tries: int


class DigestStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(DigestQueries, sql_root() / "digest.sql")

    async def open(self, connection: Connection, section: str, moment: datetime, now: datetime) -> int | None:
        """Our id of the digest of that moment; None when somebody has opened it already."""
        opened: int | None = await self._q.open.fetch_value(connection, section=section, moment=moment, now=now)
        return opened

    async def to_list(self, connection: Connection, section: str, now: datetime, most: int) -> list[Listed]:
        """Open answers: overdue ones first, then new ones."""
        rows = await self._q.to_list.fetch(connection, section=section, now=now, most=most)
        return [Listed(**row) for row in rows]

    async def count_open(self, connection: Connection, section: str, now: datetime) -> Counts:
        row = await self._q.count_open.fetch_row(connection, section=section, now=now)
        assert row is not None
        return Counts(**row)

    async def write(
        self, connection: Connection, digest: int, replies: Sequence[int], overdue: int, message: Mapping[str, Any]
    ) -> None:
        await self._q.write.execute(
            connection, digest=digest, replies=list(replies), overdue=overdue, message=dict(message)
        )

    async def close(
        self, digest: int, state: DigestState, reason: str | None, now: datetime, connection: "Connection | None" = None
    ) -> None:
        await self._q.close.execute(connection or self.pool, digest=digest, state=state.value, reason=reason, now=now)

    async def claim(self, sections: Collection[str], until: datetime, now: datetime) -> Digest | None:
        """One that is to be sent, leased; None when there is none."""
        row = await self._q.claim.fetch_row(self.pool, sections=list(sections), until=until, now=now)
        return Digest(**{**row, "reference": str(row["reference"])}) if row else None

    async def put_off(self, digest: Digest, due_at: datetime, reason: str) -> None:
        await self._q.put_off.execute(self.pool, digest=digest.id, due_at=due_at, reason=reason)

    async def note_sent(self, digest: Digest, now: datetime) -> None:
        """It is sent, and what it lists is not new any more."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self.close(digest.id, DigestState.SENT, None, now, connection)
            await self._q.note_mailed.execute(connection, replies=list(digest.replies), now=now)

    async def latest(self) -> list[dict[str, Any]]:
        """The last digest of every section: section, moment, state, reason, tries."""
        return [dict(row) for row in await self._q.latest.fetch(self.pool)]
