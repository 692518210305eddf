"""Everything sent and not sent to one customer, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
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

    async def _rows(self, query: Query, **given: Any) -> list[Row]:
        return [dict(row) for row in await query.fetch(self._pool, **given)]
