"""Migrations are applied once, by one process at a time, and never changed behind their back."""

import asyncio

import asyncpg
import pytest

from notifier.storage.migrations import MigrationError, find_migrations, migrate, missing_migrations


async def test_many_processes_migrate_at_once(empty_database: str) -> None:
    async def one() -> int:
        connection = await asyncpg.connect(empty_database)
        try:
            return len(await migrate(connection))
        finally:
            await connection.close()

    applied = await asyncio.gather(*(one() for _ in range(5)))
    assert sorted(applied) == [0, 0, 0, 0, len(find_migrations())]


async def test_a_changed_migration_is_refused(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert await missing_migrations(connection) == []
    await connection.execute("update public.notifier_migration set checksum = 'other' where version = 1")
    with pytest.raises(MigrationError, match="was changed"):
        await migrate(connection)
    await connection.execute("insert into public.notifier_migration values (9999, '9999_future.sql', 'x')")
    with pytest.raises(MigrationError, match=r"newer than this program|was changed"):
        await migrate(connection)
    await connection.close()


async def test_partitions_can_be_made_by_several_at_once(database: str) -> None:
    connections = [await asyncpg.connect(database) for _ in range(4)]
    await asyncio.gather(*(c.execute("select notifier.ensure_partitions('2031-05-05')") for c in connections))
    count = await connections[0].fetchval(
        "select count(*) from pg_class where relname in ('attempt_203105', 'receipt_203105')"
    )
    assert count == 2
    for connection in connections:
        await connection.close()


async def test_roles_may_do_their_part_only(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("set role notifier_web")
    await connection.fetch("select id from notifier.attempt limit 1")
    for statement in ("update notifier.notification set outcome = 'reached'", "delete from notifier.queue"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.execute("reset role")
    await connection.execute("set role notifier_worker")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("delete from notifier.schedule")
    await connection.close()
