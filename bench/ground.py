"""Where it is measured: an embedded server with the notifier's database, a large district and a bare one beside."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import asyncpg

from notifier.app import App, open_app
from notifier.clock import ScaledClock
from notifier.domain.campaign import read_parameters
from notifier.engine.opening import open_run
from notifier.sandbox.district import build_large_district, create_source_database
from notifier.settings import Pace, Settings
from notifier.storage.embedded import database_url, temporary_server
from notifier.storage.migrations import migrate

Connection: TypeAlias = "asyncpg.Connection[Any]"

TAIPEI = ZoneInfo("Asia/Taipei")
MORNING = datetime(2026, 12, 1, 9, 30, tzinfo=TAIPEI)  # a Tuesday: the campaign's window is open for hours
CAMPAIGN = "payment_deadline"
CHANNEL = "sms"  # one rendered SMS each, into the null channel
UNLIMITED = Pace(rate=1e9, burst=1e9)
IN_FLIGHT = 1000  # requests at the same time: room for two batches
FILLED = ("notification", "queue", "audience")  # what a fan-out writes
EMPTIED = (*FILLED, "attempt", "receipt", "in_flight", "run")


@dataclass(frozen=True)
class Ground:
    """Can be handed to another process."""

    url: str  # with DATABASE to be filled in
    clock: str

    def database(self, name: str) -> str:
        return self.url.replace("DATABASE", name)

    def settings(self) -> Settings:
        return Settings(
            database_url=self.database("notifier"),  # type: ignore[arg-type]
            source_url=self.database("source"),  # type: ignore[arg-type]
            clock=self.clock,
            pace={CHANNEL: UNLIMITED},
            concurrency=IN_FLIGHT,
            options={"null": CHANNEL},
        )

    @asynccontextmanager
    async def connect(self, database: str) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.database(database))
        try:
            yield connection
        finally:
            await connection.close()


@contextmanager
def open_ground() -> Iterator[Ground]:
    with temporary_server() as server:
        clock = ScaledClock(MORNING.astimezone(UTC), 1, time.time())
        yield Ground(database_url(server, "DATABASE"), clock.spell())


async def prepare(ground: Ground, accounts: int) -> None:
    """The three databases: notifier (migrated), source (a large district) and raw (empty)."""
    async with ground.connect("postgres") as connection:
        for name in ("notifier", "source", "raw"):
            await connection.execute(f"drop database if exists {name} with (force)")
            await connection.execute(f"create database {name} template template0")
    async with ground.connect("notifier") as connection:
        await migrate(connection)
    async with ground.connect("source") as connection:
        await create_source_database(connection)
        await build_large_district(connection, accounts, today=MORNING.date())
    async with opened(ground) as app:
        await app.keeper().ensure_partitions()
        await app.set_up_budgets()


async def server_version(ground: Ground) -> str:
    async with ground.connect("postgres") as connection:
        version: str = await connection.fetchval("show server_version")
        return version


async def empty(ground: Ground, *, number_book: bool = False) -> None:
    """No runs, as on the first day; the number book stays unless told otherwise."""
    tables = (*EMPTIED, "number_book") if number_book else EMPTIED
    async with ground.connect("notifier") as connection:
        await connection.execute(f"truncate {', '.join('notifier.' + table for table in tables)}")


async def settle_disk(ground: Ground) -> None:
    """Let what was written before not be written out during the next measurement."""
    async with ground.connect("postgres") as connection:
        await connection.execute("checkpoint")


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[App]:
    async with open_app(ground.settings(), name="bench") as app:
        yield app


async def launch(app: App, key: str) -> int:
    campaign = app.catalogue.campaign(CAMPAIGN)
    run, _ = await open_run(
        app.runs, app.catalogue, app.wake_ups,
        campaign=campaign, key=key, params=read_parameters(campaign, {}), now=app.clock.now(),
    )  # fmt: skip
    return run.id


@dataclass(frozen=True)
class Planned:
    """`selected`: audience rows; `queued`: notifications that came of them."""

    run: int
    seconds: float
    selected: int
    queued: int
    peak_mb: float


def soon(seconds: float = 3.0) -> float:
    """A moment (monotonic, the same for all processes) at which several begin together."""
    return time.monotonic() + seconds


LEASE = timedelta(seconds=30)
