"""Suspensions: who set them, who ended them, and what they move in the queue."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from notifier.domain.purpose import Purpose
from notifier.domain.suspension import Suspension
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into

PAGE = 5000  # queue rows that are looked at in one statement


@dataclass(frozen=True)
class SuspensionQueries:
    begin: Query
    end_one: Query
    standing: Query
    history: Query
    waiting: Query
    to_carry_out: Query
    carried_out: Query
    ask_again: Query
    put_off: Query
    bring_back: Query


class SuspensionStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(SuspensionQueries, sql_root() / "suspension.sql")

    async def begin(
        self,
        *,
        district: str | None,
        purposes: Collection[Purpose],
        reason: str,
        until: datetime,
        set_by: str,
        now: datetime,
    ) -> int:
        """From this commit on nothing is written that it forbids, by whatever process."""
        row = await self._q.begin.fetch_row(
            self._pool, district=district, purposes=sorted(purposes), reason=reason, until=until, set_by=set_by, now=now
        )
        assert row is not None
        number: int = row["id"]
        return number

    async def end(self, suspension: int, ended_by: str, now: datetime) -> bool:
        """End it before its time; answers whether it still stood."""
        ended = await self._q.end_one.fetch_value(self._pool, suspension=suspension, ended_by=ended_by, now=now)
        return ended is not None

    async def standing(self, now: datetime, connection: "Connection | None" = None) -> list[Suspension]:
        """Those in force, the longest first."""
        rows = await self._q.standing.fetch(connection or self._pool, now=now)
        return [_suspension(row) for row in rows]

    async def latest(self, most: int) -> list[Suspension]:
        """Those in force and those that are over, the newest first."""
        return [_suspension(row) for row in await self._q.history.fetch(self._pool, most=most)]

    async def waiting(self, district: str | None, campaigns: Collection[str]) -> int:
        """How many notifications of these campaigns wait for the district."""
        count: int = await self._q.waiting.fetch_value(self._pool, district=district, campaigns=list(campaigns))
        return count

    async def to_carry_out(self, now: datetime) -> list[tuple[Suspension, int]]:
        """Those by which the queue is still to be moved, with how often that was asked for."""
        return [(_suspension(row), row["asked"]) for row in await self._q.to_carry_out.fetch(self._pool, now=now)]

    async def note_carried_out(self, suspension: int, asked: int) -> None:
        await self._q.carried_out.execute(self._pool, suspension=suspension, asked=asked)

    async def ask_again(self, now: datetime) -> None:
        """The queue has changed: it is to be moved once more."""
        await self._q.ask_again.execute(self._pool, now=now)

    async def put_off(self, suspension: int, opens: Mapping[str, datetime], after: int, now: datetime) -> int | None:
        """Put off a page of the queue, beginning after a notification; answers the last of the page, None at the end.
        `opens`: by campaign, when it may contact again."""
        last: int | None = await self._q.put_off.fetch_value(
            self._pool, suspension=suspension, campaigns=list(opens), opens=list(opens.values()), after=after, now=now,
            most=PAGE,
        )  # fmt: skip
        return last

    async def bring_back(self, suspension: int, after: int) -> int | None:
        """The same for what it had put off: due again when it was due before."""
        last: int | None = await self._q.bring_back.fetch_value(
            self._pool, suspension=suspension, after=after, most=PAGE
        )
        return last


def _suspension(row: asyncpg.Record) -> Suspension:
    return Suspension(
        row["id"], row["district"], frozenset(Purpose(word) for word in row["purposes"]), row["reason"], row["since"],
        row["until"], row["set_by"], row["ended_at"], row["ended_by"],
    )  # fmt: skip
