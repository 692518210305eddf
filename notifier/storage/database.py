"""Connections to the notifier's own database: the pool, its codecs, the clock offset, wake-ups."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import asyncpg
import structlog

from notifier.resources import sql_root
from notifier.storage.queries import Query, load_into

log = structlog.get_logger()

WAKE_CHANNEL = "notifier_wake"
Pool: TypeAlias = "asyncpg.Pool[Any]"

# What a lost, refused or overloaded database looks like from here: worth waiting for.
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.TransactionRollbackError,  # deadlock, serialisation
    TimeoutError,
)


@dataclass(frozen=True)
class DatabaseQueries:
    ensure_partitions: Query
    wake: Query
    server_time: Query


def database_queries() -> DatabaseQueries:
    return load_into(DatabaseQueries, sql_root() / "database.sql")


async def set_up_connection(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=to_json, decoder=json.loads, schema="pg_catalog")


def to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _keep_as_is(_connection: Any) -> None:
    """No session state is ever set, so there is none to reset: saves a round trip on every release."""


async def open_pool(
    url: str, *, name: str, size: int = 10, statement_timeout: timedelta = timedelta(seconds=60)
) -> Pool:
    """A pool of at most `size` connections. Raises what the server says when it cannot be reached."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=set_up_connection,
        reset=_keep_as_is,
        command_timeout=statement_timeout.total_seconds(),
        server_settings={
            "application_name": f"notifier {name}",
            "timezone": "UTC",
            # A plan made while a queue was empty reads it from end to end once it is full: 250 notifications a second
            # instead of thousands. Planning anew costs a millisecond for a batch of hundreds.
            "plan_cache_mode": "force_custom_plan",
        },
    )


async def measure_offset(pool: Pool) -> timedelta:
    """How far the database's clock is ahead of this machine's, by the quickest of three round trips."""
    measured = []
    for _ in range(3):
        before = datetime.now(UTC)
        server: datetime = await database_queries().server_time.fetch_value(pool)
        after = datetime.now(UTC)
        measured.append((after - before, server - (before + (after - before) / 2)))
    return min(measured)[1]


class WakeUps:
    """Sends and hears wake-ups. A lost one costs a poll, never a notification."""

    def __init__(self, pool: Pool, direct_url: str) -> None:
        self._pool = pool
        self._url = direct_url
        self._queries = database_queries()
        self._heard: dict[str, list[asyncio.Event]] = {}

    async def send(self, word: str) -> None:
        await self._queries.wake.fetch(self._pool, channel=WAKE_CHANNEL, word=word)

    def event(self, word: str) -> asyncio.Event:
        """An event that is set whenever the word is heard (and whenever the connection had been lost)."""
        event = asyncio.Event()
        self._heard.setdefault(word, []).append(event)
        return event

    def ring(self, word: str) -> None:
        """Wake the waiters of this very process, without a round trip."""
        for event in self._heard.get(word, []):
            event.set()

    async def listen(self) -> None:
        """Hear until cancelled, over a connection of its own (LISTEN does not pass through a transaction pooler)."""
        wait = 0.1
        while True:
            try:
                async with self._connection():
                    wait = 0.1
                    await self._lost.wait()
            except LOST as error:
                log.warning("wake_ups.lost", error=type(error).__name__)
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            wait = min(wait * 2, 5.0)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
        self._lost = asyncio.Event()
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            connection.add_termination_listener(lambda _: self._lost.set())
            await connection.add_listener(WAKE_CHANNEL, self._on_word)
            for word in self._heard:
                self.ring(word)
            yield
        finally:
            with suppress(*LOST):
                await connection.close(timeout=1)

    @property
    def _on_word(self) -> Callable[..., None]:
        def hear(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
            self.ring(str(payload))

        return hear
