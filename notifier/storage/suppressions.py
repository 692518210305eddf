"""Bans on addresses: who asked for them, who lifted them and why. What is lifted stays on record."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


@dataclass(frozen=True)
class SuppressionQueries:
    add: Query
    undo: Query
    standing: Query
    history: Query


@dataclass(frozen=True, slots=True)
class Suppression:
    """`purpose` None: for every purpose. `set_by` None: the customer, or the provider. `undone_...`: who lifted it."""

    id: int
    address: str
    purpose: str | None
    reason: str
    since: datetime
    set_by: str | None
    undone_at: datetime | None
    undone_by: str | None
    undone_because: str | None


class SuppressionStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(SuppressionQueries, sql_root() / "suppression.sql")

    async def add(
        self, address: str, purpose: str | None, reason: str, set_by: str, now: datetime
    ) -> tuple[Suppression, bool]:
        """The ban that stands from this commit on, and whether it is a new one."""
        row = None
        while row is None:  # one that was lifted between the two looks of the statement is set anew
            row = await self._q.add.fetch_row(
                self._pool, address=address, purpose=purpose, reason=reason, set_by=set_by, now=now
            )
        return _suppression(row), row["fresh"]

    async def undo(self, suppression: int, undone_by: str, because: str, now: datetime) -> Suppression | None:
        """Lift a ban; None when there is none of this id that stands."""
        row = await self._q.undo.fetch_row(
            self._pool, suppression=suppression, undone_by=undone_by, undone_because=because, now=now
        )
        return _suppression(row) if row else None

    async def standing(self, purpose: str | None = None, after: int = 0, most: int = 100) -> list[Suppression]:
        """Those in force, newest first, older than the one of id `after` (0: from the newest on)."""
        rows = await self._q.standing.fetch(self._pool, purpose=purpose, after=after, most=most)
        return [_suppression(row) for row in rows]

    async def history(self, address: str) -> list[Suppression]:
        """All that ever stood for the address, newest first."""
        return [_suppression(row) for row in await self._q.history.fetch(self._pool, address=address)]


def _suppression(row: asyncpg.Record) -> Suppression:
    return Suppression(**{name: row[name] for name in Suppression.__dataclass_fields__})
