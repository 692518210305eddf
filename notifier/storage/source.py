"""The utility's own database: only read, in read-only repeatable-read transactions, through the contract views."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from notifier.domain.facts import Facts
from notifier.resources import sql_root
from notifier.storage.database import LOST, Pool, set_up_connection
from notifier.storage.queries import Connection, Query, QueryError, load_query

FACT_COLUMNS = ("subject", "still_due", "reason", "as_of")
STAGING = {
    "subject": "text", "occasion": "text", "account_no": "text", "customer_name": "text", "locale": "text",
    "phone": "text", "mobile": "text", "email": "text", "district": "text", "exclude": "text", "hold": "text",
    "deadline": "date",
}  # fmt: skip
CHUNKS_AHEAD = 32  # chunks of COPY data (64 KiB each) between the two servers: the planner's memory


# The source answers, but its views are not those of the contract.
BROKEN = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.DataError,
    asyncpg.DatatypeMismatchError,
    asyncpg.CannotCoerceError,
)


class SourceLost(Exception):
    """The source cannot be reached or did not answer in time: wait for it, send nothing."""


class SourceBroken(Exception):
    """The source answers, but not what its contract says: a person must mend it."""


@dataclass(frozen=True)
class CampaignQueries:
    audience: Query
    facts: Query


def campaign_queries(campaign: str) -> CampaignQueries:
    """The two SQL files of a campaign. Raises QueryError when one is missing or malformed."""
    folder = sql_root() / "campaigns" / campaign
    try:
        return CampaignQueries(load_query(folder / "audience.sql"), load_query(folder / "facts.sql"))
    except FileNotFoundError as error:
        raise QueryError(f"campaign {campaign}: {error.filename} is missing") from error


class Source:
    """Reads who (audience) and what is true now (facts). Opening it does not connect: the source may be down."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._queries: dict[str, CampaignQueries] = {}

    def queries(self, campaign: str) -> CampaignQueries:
        if campaign not in self._queries:
            self._queries[campaign] = campaign_queries(campaign)
        return self._queries[campaign]

    async def facts(self, campaign: str, subjects: Sequence[str], now: datetime) -> dict[str, Facts]:
        """What is true now of each subject the source knows. Raises SourceLost or SourceBroken."""
        async with self.snapshot() as connection:
            rows = await self.queries(campaign).facts.fetch(connection, subjects=list(subjects), now=now)
        return {row["subject"]: _facts(campaign, row) for row in rows}

    async def audience(
        self, connection: Connection, campaign: str, now: datetime, params: Mapping[str, object]
    ) -> AsyncGenerator[bytes, None]:
        """The audience as binary COPY data, 64 KiB at a time, as fast as the receiver takes it. To be closed."""
        query = self.queries(campaign).audience
        await self._check_types(connection, campaign, query)
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS_AHEAD)
        arguments = query.arguments({"now": now, **params})
        copying = asyncio.create_task(self._copy(connection, query, arguments, chunks))
        try:
            while (chunk := await chunks.get()) is not None:
                yield chunk
            await copying
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)  # the connection is free only when it has ended

    async def _copy(
        self, connection: Connection, query: Query, arguments: Sequence[Any], chunks: "asyncio.Queue[bytes | None]"
    ) -> None:
        try:
            await connection.copy_from_query(query.text, *arguments, output=chunks.put, format="binary")
        finally:
            await chunks.put(None)

    async def _check_types(self, connection: Connection, campaign: str, query: Query) -> None:
        """Binary COPY corrupts silently when a type differs: compare before every copy."""
        statement = await connection.prepare(query.text)
        found = {column.name: column.type.name for column in statement.get_attributes()}
        if list(found.items()) != list(STAGING.items()):
            wrong = [f"{name} {kind}" for name, kind in STAGING.items() if found.get(name) != kind]
            raise SourceBroken(
                f"audience.sql of {campaign} must select {', '.join(f'{n} {k}' for n, k in STAGING.items())}, "
                f"in this order; wrong or missing: {', '.join(wrong) or 'the order'}"
            )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A read-only repeatable-read transaction; its errors become SourceLost or SourceBroken."""
        connection = await self._connect()
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield connection
        except BROKEN as error:
            raise SourceBroken(_say(error)) from error
        except LOST as error:
            raise SourceLost(_say(error)) from error
        except asyncpg.PostgresError as error:  # whatever else the views or the query do: a person must mend it
            raise SourceBroken(_say(error)) from error
        finally:
            await self._pool.release(connection)

    async def _connect(self) -> "asyncpg.pool.PoolConnectionProxy[Any]":
        """Whatever keeps us from connecting, be it a server that is down or one that turns us away, may pass."""
        try:
            return await self._pool.acquire(timeout=10)
        except (*LOST, asyncpg.PostgresError) as error:
            raise SourceLost(_say(error)) from error

    async def close(self) -> None:
        await self._pool.close()


def _say(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _facts(campaign: str, row: asyncpg.Record) -> Facts:
    values = dict(row)
    try:
        subject, still_due, reason, as_of = (values.pop(name) for name in FACT_COLUMNS)
    except KeyError as error:
        raise SourceBroken(f"facts.sql of {campaign} must select {', '.join(FACT_COLUMNS)}; missing {error}") from error
    if not isinstance(as_of, datetime) or as_of.tzinfo is None or not isinstance(still_due, bool):
        raise SourceBroken(f"facts.sql of {campaign}: a subject has no as_of (timestamptz) or no still_due")
    return Facts(subject, still_due, reason, as_of, values)


async def open_source(url: str, *, size: int = 4, statement_timeout: timedelta = timedelta(seconds=20)) -> Source:
    """A reader of the source; facts that take longer than `statement_timeout` are given up."""
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        init=set_up_connection,
        timeout=5,
        server_settings={
            "application_name": "notifier source reader",
            "timezone": "UTC",
            "default_transaction_read_only": "on",
            "plan_cache_mode": "force_custom_plan",  # for the reason given in database.open_pool
            "statement_timeout": str(int(statement_timeout.total_seconds() * 1000)),
        },
    )
    return Source(pool)
