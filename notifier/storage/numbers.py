"""What is known of telephones by their calls."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.number_memory import NEVER_REACHED
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import SLOW, Query, load_into

AT_A_TIME = 1000  # rows of a list that are in memory


@dataclass(frozen=True)
class NumberQueries:
    learn: Query
    forget: Query
    repairs: Query


@dataclass(frozen=True, slots=True)
class Repair:
    """A number for the office to look at, or an account without one. `cell`: as the source holds it; `number` and
    `tries` None and 0 where it cannot be read; `since`: when it began to be wrong."""

    account_no: str
    cell: str | None
    number: str | None
    reason: str
    since: datetime | None
    last_at: datetime
    tries: int


class NumberStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(NumberQueries, sql_root() / "number.sql")

    async def learn(self, channels: Sequence[str], zone: str, since: datetime, upto: datetime) -> int:
        """Learn from the attempts made before `upto` that nobody has learnt from; answers of how many numbers."""
        learnt: int | None = await self._q.learn.fetch_value(
            self._pool, channels=list(channels), zone=zone, since=since, upto=upto
        )
        return learnt or 0

    async def forget(self, before: datetime) -> int:
        """Delete those that nobody has called since; answers how many."""
        return await self._q.forget.execute(self._pool, before=before)

    async def repairs(self) -> AsyncGenerator[Repair, None]:
        """However many there are, a few at a time, as of one moment."""
        query = self._q.repairs
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("set local idle_in_transaction_session_timeout = '1min'")  # a slow disk
            rows = connection.cursor(
                query.text, *query.arguments({"silent": NEVER_REACHED}), prefetch=AT_A_TIME, timeout=SLOW
            )
            async for row in rows:
                yield Repair(**row)
