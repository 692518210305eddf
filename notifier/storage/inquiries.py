"""Everything sent and not sent to one customer, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into

Row = dict[str, Any]


@dataclass(frozen=True)
class InquiryQueries:
    by_account: Query
    by_address: Query
    excluded: Query
    attempts: Query
    receipts: Query
    suppressions: Query
    cell_reading: Query
    by_id: Query
    addresses: Query
    held: Query
    sent_since: Query


class InquiryStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(InquiryQueries, sql_root() / "inquiry.sql")

    async def notifications_of_account(self, account: str, most: int = 50) -> list[Row]:
        return await self._rows(self._q.by_account, account=account, most=most)

    async def notifications_to(self, address: str, most: int = 50) -> list[Row]:
        return await self._rows(self._q.by_address, address=address, most=most)

    async def excluded(self, account: str, most: int = 50) -> list[Row]:
        return await self._rows(self._q.excluded, account=account, most=most)

    async def attempts(self, notifications: Sequence[int]) -> list[Row]:
        return await self._rows(self._q.attempts, notifications=list(notifications))

    async def receipts(self, attempts: Sequence[UUID]) -> list[Row]:
        return await self._rows(self._q.receipts, attempts=list(attempts))

    async def suppressions(self, address: str) -> list[Row]:
        return await self._rows(self._q.suppressions, address=address)

    async def reading_of(self, cell: str) -> Row | None:
        rows = await self._rows(self._q.cell_reading, cell=cell)
        return rows[0] if rows else None

    async def notification(self, notification: int) -> list[Row]:
        """The one notification as a list of one, or of none."""
        return await self._rows(self._q.by_id, notification=notification)

    async def addresses(self, notifications: Sequence[int]) -> list[str]:
        return [row["address"] for row in await self._rows(self._q.addresses, notifications=list(notifications))]

    async def held(self, notification: int) -> Row | None:
        """A notification that waits for a person: its addresses, its run's state, the step of its last attempt."""
        rows = await self._rows(self._q.held, notification=notification)
        return rows[0] if rows else None

    async def sent_since(self, run: int, since: datetime) -> int:
        """How many attempts of the run were made since then."""
        return await self._q.sent_since.fetch_value(self._pool, run=run, since=since)  # type: ignore[no-any-return]

    async def _rows(self, query: Query, **given: Any) -> list[Row]:
        return [dict(row) for row in await query.fetch(self._pool, **given)]
