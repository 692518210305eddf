"""The utility's own database: only read, in read-only repeatable-read transactions, through the contract views."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import Any

import asyncpg

from notifier.domain.facts import Facts, by_subject
from notifier.resources import sql_root
from notifier.storage.database import LOST, set_up_connection
from notifier.storage.error_words import without_cells
from notifier.storage.lists import ListStore, Told
from notifier.storage.queries import Connection, Query, QueryError, load_into, load_query

FACT_COLUMNS = ("subject", "still_due", "reason", "as_of")
STAGING = {
    "subject": "text", "occasion": "text", "account_no": "text", "customer_name": "text", "locale": "text",
    "phone": "text", "mobile": "text", "email": "text", "prefers": "text", "district": "text", "exclude": "text",
    "hold": "text", "deadline": "date",
}  # fmt: skip
LISTED = frozenset({"accounts", "districts"})  # what the facts.sql of a campaign of lists asks for
ABOUT = "about_subjects"  # the parameter of a restricted audience
CHUNKS_AHEAD = 32  # chunks of COPY data (64 KiB each) between the two servers: the planner's memory


FACTS_WITHIN = timedelta(seconds=2)  # facts older than that are told to nobody: asking on only burdens the source
AUDIENCE_WITHIN = timedelta(minutes=5)
GRACE = 1.0  # seconds in which the server itself gives up, before we cut the wire

# The source answers, but its views or what they hold are not those of the contract.
BROKEN = (asyncpg.DataError, asyncpg.ReadOnlySQLTransactionError)
# No value of Python can hold it: a date after the year 9999, a text that is none.
UNREADABLE = (OverflowError, UnicodeError, ValueError)


class SourceLost(Exception):
    """The source cannot be reached or did not answer: wait for it, send nothing."""


class SourceSlow(SourceLost):
    """The source did not answer in the time it was given."""


class SourceBroken(Exception):
    """The source answers, but not what its contract says: a person must mend it."""


@dataclass(frozen=True)
class SnapshotQueries:
    allow: Query
    source_time: Query
    lag: Query


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One row of source.case_event. What its columns hold is for the reader to judge."""

    event_id: int
    type: str | None
    subject: str | None
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a sweep: an event that nobody has reported. The same `occasion` of a subject is the same event."""

    type: str | None
    subject: str | None
    occasion: str | None


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

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        real_now: Callable[[], datetime],
        audience_within: timedelta,
        lists: ListStore | None = None,
    ) -> None:
        self._pool = pool
        self._lists = lists
        self._real_now = real_now
        self.audience_within = audience_within
        self._q = load_into(SnapshotQueries, sql_root() / "snapshot.sql")
        self._queries: dict[str, CampaignQueries] = {}
        self._case_events = load_query(sql_root() / "feeds" / "case_event.sql")
        self._newest_case_event = load_query(sql_root() / "feeds" / "newest_case_event.sql")
        self._overdue = load_query(sql_root() / "feeds" / "overdue_cases.sql")
        self.sweeps = {path.stem: load_query(path) for path in sorted((sql_root() / "sweeps").glob("*.sql"))}
        self._districts = load_query(sql_root() / "feeds" / "districts.sql")

    def queries(self, campaign: str) -> CampaignQueries:
        if campaign not in self._queries:
            self._queries[campaign] = campaign_queries(campaign)
        return self._queries[campaign]

    async def facts(self, campaign: str, subjects: Sequence[str], now: datetime) -> dict[str, Facts]:
        """What is true now of each subject the source knows. Raises SourceLost or SourceBroken."""
        query = self.queries(campaign).facts
        told = await self._told_of(query, subjects)
        async with self.snapshot() as connection:
            behind = self._real_now() - await self._q.source_time.fetch_value(connection)
            rows = await query.fetch(connection, **_asked(subjects, now) if told is None else _asked_of_list(told))
        asked = set(subjects) if told is None else told.keys()
        facts = (_facts(campaign, row, behind) for row in rows if _column(campaign, row, "subject") in asked)
        return by_subject(facts if told is None else (_with_cells(fact, told[fact.subject]) for fact in facts))

    async def _told_of(self, query: Query, subjects: Sequence[str]) -> dict[str, Told] | None:
        """What the list says of these subjects, for a campaign that tells one: its facts.sql asks for accounts."""
        if not LISTED.issubset(query.params):
            return None
        if self._lists is None:
            raise QueryError(f"{query.name} asks for the rows of a list, and there are none here")
        return await self._lists.told_of(subjects)

    async def as_of(self) -> datetime:
        """The real moment that the source is true for: now, unless it is a replica that is behind."""
        asked_at = self._real_now()
        async with self.snapshot() as connection:
            lag: timedelta = await self._q.lag.fetch_value(connection)
        return asked_at - lag

    async def case_events(self, after: int, known: Sequence[int], most: int) -> list[CaseEvent]:
        """Events with a higher id than `after` and not `known`, lowest first. Raises SourceLost or SourceBroken."""
        async with self.snapshot() as connection:
            rows = await self._case_events.fetch(connection, after=after, known=list(known), most=most)
        return [CaseEvent(**row) for row in rows]

    async def newest_case_event(self) -> int | None:
        """The highest id that can be seen. Raises SourceLost or SourceBroken."""
        async with self.snapshot() as connection:
            newest: int | None = await self._newest_case_event.fetch_value(connection)
        return newest

    async def sweep(self, name: str, now: datetime, closes: time_of_day, warning: timedelta) -> list[Found]:
        """What this sweep finds at the moment. Raises SourceLost or SourceBroken."""
        query, given = self.sweeps[name], {"now": now, "closes": closes, "warning": warning}
        async with self.snapshot() as connection:
            rows = await query.fetch(connection, **{param: given[param] for param in query.params})
        return [Found(**row) for row in rows]

    async def overdue_cases(
        self, now: datetime, section: str, district: str, stage_days: Mapping[str, int], most: int
    ) -> list[dict[str, Any]]:
        """Cases that are late, the latest first. Raises SourceLost or SourceBroken."""
        async with self.snapshot() as connection:
            rows = await self._overdue.fetch(
                connection, now=now, section=section, district=district, stages=list(stage_days),
                stage_days=list(stage_days.values()), most=most,
            )  # fmt: skip
        return [dict(row) for row in rows]

    async def districts(self) -> list[str]:
        """Those that have an office. Raises SourceLost or SourceBroken."""
        async with self.snapshot() as connection:
            return [row["district"] for row in await self._districts.fetch(connection)]

    @asynccontextmanager
    async def audience(
        self, campaign: str, now: datetime, params: Mapping[str, object], subjects: Sequence[str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The audience of one moment as binary COPY data, 64 KiB at a time, as fast as the receiver takes it; only
        these subjects of it, if given.

        Its errors become SourceLost, SourceSlow or SourceBroken; the receiver's own stay what they are.
        """
        query = self.queries(campaign).audience
        if subjects is not None:
            query, params = about(query), {**params, ABOUT: list(subjects)}
        within = self.audience_within
        async with self._transaction(within) as connection:
            with _named(within):
                await self._q.allow.fetch(connection, milliseconds=str(within // timedelta(milliseconds=1)))
                await self._check_types(connection, campaign, query)
            async with aclosing(self._chunks(connection, query, query.arguments({"now": now, **params}))) as chunks:
                yield chunks

    async def _chunks(
        self, connection: Connection, query: Query, arguments: Sequence[Any]
    ) -> AsyncGenerator[bytes, None]:
        chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(CHUNKS_AHEAD)
        copying = asyncio.create_task(self._copy(connection, query, arguments, chunks))
        try:
            while (chunk := await chunks.get()) is not None:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
        finally:
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)  # the connection is free only when it has ended

    async def _copy(
        self,
        connection: Connection,
        query: Query,
        arguments: Sequence[Any],
        chunks: "asyncio.Queue[bytes | Exception | None]",
    ) -> None:
        """Fill the queue; what ends it is None, or what went wrong. A copy that is cancelled has no reader left: it
        must not wait for room to say so."""
        end: Exception | None = None
        try:
            with _named(self.audience_within):
                await connection.copy_from_query(query.text, *arguments, output=chunks.put, format="binary")
        except Exception as error:
            end = error
        await chunks.put(end)

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
        """A read-only repeatable-read transaction for facts; errors become SourceLost, SourceSlow or SourceBroken."""
        with _named(FACTS_WITHIN):
            async with self._transaction(FACTS_WITHIN) as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self, within: timedelta) -> AsyncIterator[Connection]:
        """What goes wrong in it costs the connection."""
        connection = await self._connect()
        # A server behind a dead wire can neither time out for us nor be asked to roll back.
        alarm = asyncio.get_running_loop().call_later(within.total_seconds() + GRACE, _cut, connection)
        try:
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            with _named(within):
                await transaction.start()
            yield connection
            with _named(within):
                await transaction.rollback()
        except BaseException:
            _cut(connection)
            raise
        finally:
            alarm.cancel()
            await self._pool.release(connection)

    async def _connect(self) -> "asyncpg.pool.PoolConnectionProxy[Any]":
        """Whatever keeps us from connecting, be it a server that is down or one that turns us away, may pass."""
        try:
            return await self._pool.acquire(timeout=10)
        except (*LOST, asyncpg.PostgresError) as error:
            raise SourceLost(without_cells(error)) from error

    async def close(self) -> None:
        await self._pool.close()


def about(query: Query) -> Query:
    """An audience restricted to some subjects. PostgreSQL applies the restriction inside, by the index of the subject,
    wherever that cannot change the result."""
    place = f"${len(query.params) + 1}"
    text = f"select * from ({query.text}\n) as chosen where chosen.subject = any ({place}::text[])"  # noqa: S608
    return replace(query, text=text, params=(*query.params, ABOUT), types=(*query.types, "text[]"))


def _cut(connection: "asyncpg.pool.PoolConnectionProxy[Any]") -> None:
    with suppress(asyncpg.InterfaceError):  # it was lost before, and is the pool's again
        connection.terminate()


@contextmanager
def _named(within: timedelta) -> Iterator[None]:
    """Errors of the source, by what follows from them. Their words hold no cell."""
    began = time.monotonic()
    try:
        yield
    except BROKEN as error:
        raise SourceBroken(without_cells(error)) from error
    except LOST as error:
        if time.monotonic() - began >= within.total_seconds():
            raise SourceSlow(f"it took longer than {within.total_seconds():g} s") from error
        raise SourceLost(without_cells(error)) from error
    except asyncpg.PostgresError as error:  # whatever else the views or the query do: a person must mend it
        raise SourceBroken(without_cells(error)) from error
    except UNREADABLE as error:
        raise SourceBroken(f"a value that cannot be read: {type(error).__name__}") from error


def _asked(subjects: Sequence[str], now: datetime) -> dict[str, Any]:
    return {"subjects": list(subjects), "now": now}


def _asked_of_list(told: Mapping[str, Told]) -> dict[str, Any]:
    return {
        "subjects": list(told),
        "accounts": [one.account_no for one in told.values()],
        "districts": [one.district for one in told.values()],
    }


def _with_cells(facts: Facts, told: Told) -> Facts:
    """What the source says of a row, beside the row's own cells: an empty one is there, and null."""
    return replace(facts, values={**told.values, **facts.values})


def _column(campaign: str, row: asyncpg.Record, name: str) -> Any:
    try:
        return row[name]
    except KeyError as error:
        raise SourceBroken(f"facts.sql of {campaign} must select {', '.join(FACT_COLUMNS)}; missing {error}") from error


def _facts(campaign: str, row: asyncpg.Record, behind: timedelta) -> Facts:
    """`behind`: how far the source's clock is behind ours. By that much its `as_of` must be mended, or a clock that is
    fast would hide a replica that lags, and a slow one would pass for a replica."""
    subject, still_due, reason, as_of = (_column(campaign, row, name) for name in FACT_COLUMNS)
    if not isinstance(as_of, datetime) or as_of.tzinfo is None or not isinstance(still_due, bool):
        raise SourceBroken(f"facts.sql of {campaign}: a subject has no as_of (timestamptz) or no still_due")
    values = {name: value for name, value in row.items() if name not in FACT_COLUMNS}
    return Facts(subject, still_due, reason, as_of + behind, values)


async def open_source(
    url: str,
    *,
    real_now: Callable[[], datetime],
    size: int = 4,
    audience_within: timedelta = AUDIENCE_WITHIN,
    lists: ListStore | None = None,
) -> Source:
    """A reader of the source. Facts that take longer than FACTS_WITHIN are given up, as is an audience that takes
    longer than `audience_within`. `real_now`: real time, by which `as_of` is told. `lists`: what was uploaded here."""
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
            "statement_timeout": str(FACTS_WITHIN // timedelta(milliseconds=1)),
        },
    )
    return Source(pool, real_now, audience_within, lists)
