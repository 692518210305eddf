"""Connections to the notifier's own database: the pool, its codecs, the clock offset, wake-ups.

A wire may die without a word: what is asked then is never answered, and nobody says so. Hence every wait here ends:
connecting (CONNECT), waiting for a free connection (ROOM), a statement (ANSWER, or what its header allows), saying
good-bye (GOOD_BYE). A dead wire is found and replaced within ANSWER; one that only listens, within 2 * LISTENED.
"""

import asyncio
import json
import random
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import structlog

from notifier.resources import sql_root
from notifier.storage.queries import Connection, Query, load_into

log = structlog.get_logger()

WAKE_CHANNEL = "notifier_wake"

# Real seconds.
CONNECT = 3.0
AGAIN = 0.2  # until somebody tries anew who could not connect
ROOM = 5.0  # all connections of the pool are busy
ANSWER = 5.0  # a statement takes milliseconds; its header says so when it may take minutes
LATE = 1.0  # a statement that takes longer, and is not of those that may take minutes, is kept waiting by something
GOOD_BYE = 1.0  # for the server to hear it: then the connection is cut
LISTENED = 3.0  # between two questions on the wire that only listens
# What failed so long ago, and was not tried again since, says nothing any more. Longer than a lock is waited for,
# the longest wait for the next try and a duty's second together, 8 s: else a process was ready with its table locked.
RECENT = 9.0

# For the server, which may lose us as we may lose it: by default it would keep our locks for two hours.
SESSION: Mapping[str, str] = {
    # A plan made while a queue was empty reads it from end to end once it is full: 250 notifications a second
    # instead of thousands. Planning anew costs a millisecond for a batch of hundreds.
    "plan_cache_mode": "force_custom_plan",
    "lock_timeout": "4s",  # less than ANSWER: it ends at the server, whatever has become of us
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "5",
}
KEEP_ALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 5, "TCP_USER_TIMEOUT": 10_000}

# What a lost, refused or overloaded database looks like from here: worth waiting for.
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.PostgresSystemError,  # the server's disk
    asyncpg.exceptions.InternalClientError,  # asyncpg does not know any more what it was told last
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.TransactionRollbackError,  # deadlock, serialisation
    TimeoutError,
)

# What befalls a statement while the server answers others.
FAILING = (
    TimeoutError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.DiskFullError,
    asyncpg.exceptions.OutOfMemoryError,
    asyncpg.exceptions.PostgresSystemError,
)
# What leaves a connection with an answer still to come, if ever: it is cut off rather than asked to cancel, which a
# dead wire would keep us waiting for.
BROKEN_OFF = (TimeoutError, asyncio.CancelledError, asyncpg.exceptions.InternalClientError)
# After these nothing that lies idle is trusted: a firewall that forgets us forgets all our connections, and where
# writing is not allowed another server may have taken over.
RENEWING = (TimeoutError, asyncpg.exceptions.ReadOnlySQLTransactionError)


@dataclass(frozen=True)
class DatabaseQueries:
    ensure_partitions: Query
    wake: Query
    server_time: Query
    read_only: Query


def database_queries() -> DatabaseQueries:
    return load_into(DatabaseQueries, sql_root() / "database.sql")


async def set_up_connection(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=to_json, decoder=json.loads, schema="pg_catalog")


def to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _keep_as_is(_connection: Any) -> None:
    """No session state is ever set, so there is none to reset: saves a round trip on every release."""


class Line(asyncpg.Connection):
    """A connection that does not wait for a server that is gone."""

    def keep_alive(self) -> None:
        """The kernel asks a silent server every few seconds: a statement that may take minutes must not wait for an
        answer that nobody sends. asyncpg has no public way to its socket."""
        wire: socket.socket | None = self._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        if wire is None or wire.family == socket.AF_UNIX:
            return
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEP_ALIVE.items():
            if hasattr(socket, name):  # not every system has them all
                wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's own
        """What cannot say good-bye is closed all the same."""
        with suppress(*LOST):
            await super().close(timeout=GOOD_BYE if timeout is None else min(timeout, GOOD_BYE))


class Pool(asyncpg.Pool):
    """Connections to the notifier's own database. It knows what of late was asked in vain."""

    def __init__(self, *connect: Any, **options: Any) -> None:
        super().__init__(*connect, **options)
        self._troubles: dict[str, tuple[str, float]] = {}
        self._turned_away: tuple[BaseException, float] | None = None

    async def dial(self, *address: Any, **options: Any) -> Line:
        """A new connection. However many ask for one, a server that takes none is not asked all the time: a moment
        long they are told what it said last."""
        if self._turned_away is not None and time.monotonic() < self._turned_away[1]:
            raise self._turned_away[0].with_traceback(None)
        try:
            connection: Line = await asyncpg.connect(*address, **options)
        except LOST as error:
            self._turned_away = (error, time.monotonic() + AGAIN * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            raise
        return connection

    def acquire(self, *, timeout: float | None = None) -> Any:
        return super().acquire(timeout=ROOM if timeout is None else timeout)

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with suppress(asyncpg.exceptions.InternalClientError):  # it was cut off a moment ago, and is released by that
            await super().release(connection, timeout=GOOD_BYE if timeout is None else timeout)

    def trouble(self) -> str | None:
        """The statement that fails although the server answers, and how: its disk full, a table locked."""
        now = time.monotonic()
        recent = [f"{query}: {error}" for query, (error, at) in self._troubles.items() if now - at < RECENT]
        return recent[0] if recent else None

    async def watch(self, connection: Line) -> None:
        """Hear of every statement of a new connection."""
        await set_up_connection(connection)
        connection.keep_alive()
        connection.add_query_logger(lambda record: self._hear(connection, record))

    def _hear(self, connection: Line, record: asyncpg.connection.LoggedQuery) -> None:
        error = record.exception
        if error is None:
            self._troubles.pop(_name(record.query), None)
        elif isinstance(error, FAILING):
            self._troubles[_name(record.query)] = (type(error).__name__, time.monotonic())
        elif _was_given_up(record):
            self._troubles[_name(record.query)] = ("given up", time.monotonic())
        if isinstance(error, BROKEN_OFF):
            connection.terminate()
        if isinstance(error, RENEWING):
            self._renew()

    def _renew(self) -> None:
        """All connections are made anew before they are used again."""
        self._renewing = asyncio.ensure_future(self.expire_connections())


def _was_given_up(record: asyncpg.connection.LoggedQuery) -> bool:
    """By whoever had waited for it long enough, such as a call that needs its words. The slow ones have no timeout."""
    return isinstance(record.exception, asyncio.CancelledError) and record.timeout is not None and record.elapsed > LATE


def _name(query: str) -> str:
    """What a statement is called in sql/; of others, as of COMMIT, the first word."""
    named = re.match(r"/\* (\w+) \*/", query)
    return named[1] if named else query.partition(" ")[0].rstrip(";")


def make_pool(url: str, *, name: str, size: int = 10, pooled: bool = False) -> Pool:
    """A pool that has not connected yet, nor opened. `pooled`: the URL leads to a pooler in transaction mode, which
    knows neither prepared statements nor most settings of a session; plans are then made anew anyway."""
    pool: Pool = Pool(
        url,
        min_size=0,  # asyncpg would restore a least number by itself, without jitter
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300,
        loop=None,
        connection_class=Line,
        record_class=asyncpg.Record,
        connect=lambda *address, **options: pool.dial(*address, **options),
        init=lambda connection: pool.watch(connection),
        reset=_keep_as_is,
        timeout=CONNECT,
        command_timeout=ANSWER,
        statement_cache_size=0 if pooled else 100,
        server_settings={"application_name": f"notifier {name}", "timezone": "UTC", **({} if pooled else SESSION)},
    )
    return pool


async def open_pool(url: str, *, name: str, size: int = 10, pooled: bool = False) -> Pool:
    """A pool of at most `size` connections. Raises what the server says when it cannot be reached."""
    pool = await make_pool(url, name=name, size=size, pooled=pooled)
    try:
        async with pool.acquire():
            return pool
    except BaseException:
        pool.terminate()
        raise


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the database's clock is ahead of this machine's, and how much that may be wrong."""

    ahead: timedelta
    within: timedelta


def machine_now() -> datetime:
    return datetime.now(UTC)


async def measure_offset(pool: Pool, now: Callable[[], datetime] = machine_now) -> Offset:
    """By the quickest of three round trips; `now` is this machine's time."""
    measured = []
    for _ in range(3):
        before, began = now(), time.monotonic()
        server: datetime = await database_queries().server_time.fetch_value(pool)
        within = timedelta(seconds=time.monotonic() - began) / 2
        measured.append((within, server - before - within))
    within, ahead = min(measured)
    return Offset(ahead, within)


class Backoff:
    """Waits longer each time; with jitter, so that processes that fell together do not get up together."""

    def __init__(self, first: float = 0.1, longest: float = 3.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    async def wait(self) -> None:
        await asyncio.sleep(self.next())

    def next(self) -> float:
        """Real seconds to wait this time."""
        seconds = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._next = min(self._next * 2, self._longest)
        return seconds

    def reset(self) -> None:
        self._next = self._first


class Listener:
    """Hears what is notified on one channel of a database, over a connection of its own (LISTEN does not pass through a
    transaction pooler). `heard` is given each payload; `opened` is called whenever listening begins: what was notified
    before was not heard."""

    def __init__(
        self, name: str, url: str, channel: str, heard: Callable[[str], None], opened: Callable[[], None]
    ) -> None:
        self._name = name
        self._url = url
        self._channel = channel
        self._heard = heard
        self._opened = opened

    async def listen(self, longest: float = 3.0) -> None:
        """Hear until cancelled. `longest`: real seconds between two tries to connect."""
        backoff, lost = Backoff(longest=longest), False
        while True:
            try:
                async with self._connection() as connection:
                    if lost:
                        log.info("wake_ups.back", channel=self._channel)
                    lost = False
                    backoff.reset()
                    await self._hear_out(connection)
            except Exception as error:  # whatever it is: the polls go on without it
                if not lost:
                    log.warning("wake_ups.lost", channel=self._channel, error=type(error).__name__)
                lost = True
            await backoff.wait()

    async def _hear_out(self, connection: Line) -> None:
        """Until the connection is lost. A wire that only listens would never find out by itself that it is dead."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        while not lost.is_set():
            await connection.execute("select 1")
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), LISTENED)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Line]:
        connection: Line = await asyncpg.connect(
            self._url,
            timeout=CONNECT,
            command_timeout=LISTENED,
            connection_class=Line,
            server_settings={"application_name": self._name},
        )
        try:
            connection.keep_alive()
            await connection.add_listener(self._channel, self._on_word)
            self._opened()
            yield connection
        finally:
            await connection.close()

    @property
    def _on_word(self) -> Callable[..., None]:
        def hear(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
            self._heard(str(payload))

        return hear


class WakeUps:
    """Sends and hears wake-ups. A lost one costs a poll, never a notification."""

    def __init__(self, pool: Pool, direct_url: str) -> None:
        self._pool = pool
        self._listener = Listener("notifier wake-ups", direct_url, WAKE_CHANNEL, self.ring, self._ring_all)
        self._queries = database_queries()
        self._heard: dict[str, list[asyncio.Event]] = {}

    async def send(self, word: str, connection: "Connection | None" = None) -> None:
        """Heard at once, or when the transaction of `connection` commits."""
        await self._queries.wake.fetch(connection or self._pool, channel=WAKE_CHANNEL, word=word)

    def event(self, word: str) -> asyncio.Event:
        """An event that is set whenever the word is heard (and whenever the connection had been lost)."""
        event = asyncio.Event()
        self._heard.setdefault(word, []).append(event)
        return event

    def ring(self, word: str) -> None:
        """Wake the waiters of this very process, without a round trip."""
        for event in self._heard.get(word, []):
            event.set()

    def _ring_all(self) -> None:
        for word in self._heard:
            self.ring(word)

    async def listen(self) -> None:
        """Hear until cancelled."""
        await self._listener.listen()
