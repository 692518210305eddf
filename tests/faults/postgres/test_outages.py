"""The database is away, broken, full or locked in the middle of a run. Processes neither exit nor spin, say that they
are not ready, send nothing in the dark, and go on by themselves within ten seconds."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from tests.faults.postgres.server import OwnServer, Wired
from tests.faults.postgres.story import tell
from tests.faults.proxy import Mode

pytestmark = [pytest.mark.long, pytest.mark.timeout(150), pytest.mark.usefixtures("hasty")]

AWAY = 6.0  # real seconds
LONGER = 9.0  # than a statement may take, or the lease of a claim nearly
MINUTE = 60.0
FULL = 4 * 2**20  # bytes of the disk under the log

Note = Callable[[str, object], None]


@asynccontextmanager
async def stopped(wire: Wired, mode: str) -> AsyncIterator[None]:
    await wire.server.stop(mode)
    yield
    await wire.server.start()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_the_server_is_stopped(wire: Wired, source_database: str, mode: str, record_property: Note) -> None:
    await tell(wire.url, wire.proxy, source_database, record_property, stopped(wire, mode), AWAY)


@asynccontextmanager
async def broken(wire: Wired, mode: Mode) -> AsyncIterator[None]:
    wire.proxy.fail(mode)
    if mode is Mode.REFUSE:
        wire.proxy.drop()
    yield
    wire.proxy.fail(Mode.PASS)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.STALL, Mode.DEAF])
async def test_the_wire_breaks(wire: Wired, source_database: str, mode: Mode, record_property: Note) -> None:
    await tell(wire.url, wire.proxy, source_database, record_property, broken(wire, mode), LONGER)


@asynccontextmanager
async def read_only(wire: Wired) -> AsyncIterator[None]:
    """As after a failover to a standby, and back."""
    async with wire.server.administrator() as administrator:
        await administrator.execute(f"alter database {wire.name} set default_transaction_read_only = on")
        await administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", wire.name
        )
        yield
        await administrator.execute(f"alter database {wire.name} reset default_transaction_read_only")


async def test_read_only_for_a_minute(wire: Wired, source_database: str, record_property: Note) -> None:
    seen = await tell(wire.url, wire.proxy, source_database, record_property, read_only(wire), MINUTE)
    assert "the database is read-only" in seen.words


@asynccontextmanager
async def locked(wire: Wired, table: str) -> AsyncIterator[None]:
    async with wire.server.administrator(wire.name) as administrator, administrator.transaction():
        await administrator.execute(f"lock table {table} in access exclusive mode")
        yield


@pytest.mark.parametrize("table", ["notifier.queue", "notifier.receipt"])
async def test_a_table_is_locked(wire: Wired, source_database: str, table: str, record_property: Note) -> None:
    """Such as by a migration. Statements that wait are ended by the server after four seconds."""
    seen = await tell(wire.url, wire.proxy, source_database, record_property, locked(wire, table), LONGER, within=6)
    assert any("the database fails: " in words for words in seen.words)


@asynccontextmanager
async def crowded(wire: Wired) -> AsyncIterator[None]:
    """Others have taken every connection there is, and ours have been ended."""
    async with wire.server.administrator() as administrator, AsyncExitStack() as stack:
        ours = "from pg_stat_activity where datname = $1"
        await take_all(wire.server, stack)
        while await administrator.fetchval(f"select exists (select {ours})", wire.name):
            await administrator.execute(f"select pg_terminate_backend(pid) {ours}", wire.name)
            await take_all(wire.server, stack)
        yield


async def take_all(server: OwnServer, stack: AsyncExitStack) -> None:
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            other = await asyncpg.connect(server.url("postgres"))
            stack.callback(other.terminate)


async def test_no_connection_is_left(wire: Wired, source_database: str, record_property: Note) -> None:
    seen = await tell(wire.url, wire.proxy, source_database, record_property, crowded(wire), AWAY)
    assert any("TooManyConnectionsError" in words for words in seen.words)


@pytest.fixture
def small_disk(server: OwnServer) -> Iterator[Path]:
    """A disk of 4 MiB that the server may write to."""
    if os.geteuid() != 0:
        pytest.skip("A DISK THAT FILLS UP IS NOT TESTED: only root may mount one")
    with tempfile.TemporaryDirectory(prefix="notifier-disk-") as folder:
        Path(folder).chmod(0o755)
        disk = Path(folder) / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={FULL}", "tmpfs", str(disk)], capture_output=True, text=True
        )
        if mounted.returncode:
            if os.environ.get("CI"):
                pytest.fail(f"no disk could be mounted: {mounted.stderr}")
            pytest.skip(f"A DISK THAT FILLS UP IS NOT TESTED: {mounted.stderr}")
        try:
            tables = disk / "tables"
            tables.mkdir()
            subprocess.run(["chown", server.server.system_user, str(tables)], check=True)
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)


@asynccontextmanager
async def the_log_on(disk: Path, wire: Wired) -> AsyncIterator[None]:
    """The partitions of attempts and receipts, and their indexes, lie on the small disk. Afterwards they are gone: a
    server that misses a disk cannot make checkpoints."""
    space = f"disk_{wire.name}"
    async with wire.server.administrator(wire.name) as administrator:
        await administrator.execute("select notifier.ensure_partitions('2026-12-01')")
        await administrator.execute(f"create tablespace {space} location '{disk / 'tables'}'")
        rows = await administrator.fetch(
            "select c.oid::regclass::text as name, c.relkind = 'i' as index from pg_class c"
            " where c.relnamespace = 'notifier'::regnamespace and c.relkind in ('r', 'i')"
            " and c.relname ~ '^(attempt|receipt)_\\d{6}'"
        )
        for row in rows:
            kind = "index" if row["index"] else "table"
            await administrator.execute(f"alter {kind} {row['name']} set tablespace {space}")
    yield
    async with wire.server.administrator() as administrator:
        await administrator.execute(f"drop database {wire.name} with (force)")
        await administrator.execute(f"drop tablespace {space}")


@asynccontextmanager
async def full(disk: Path) -> AsyncIterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


async def test_the_disk_under_the_log_is_full(
    wire: Wired, source_database: str, small_disk: Path, record_property: Note
) -> None:
    """It shows as soon as the pages that were begun are full; what fits into a page that has room is still kept."""
    async with the_log_on(small_disk, wire):
        seen = await tell(
            wire.url, wire.proxy, source_database, record_property, full(small_disk), LONGER, within=8, steady=False
        )
    assert any("DiskFullError" in words for words in seen.words)
