"""Numbered migrations, applied once each, in order, by one process at a time."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from notifier.resources import sql_root
from notifier.storage.queries import Connection

NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
LOCK = "select pg_advisory_xact_lock(hashtext('notifier.migrate'))"
LEDGER = """
create table if not exists public.notifier_migration (
  version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now()
)"""


class MigrationError(Exception):
    """The database and the files disagree. The message says what to do."""


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def find_migrations(folder: Path | None = None) -> list[Migration]:
    """All migrations by number. Raises MigrationError on a gap or a doubled number."""
    files = sorted((folder or sql_root() / "migrations").glob("*.sql"))
    found = [Migration(_number(file), file.name, file.read_text("utf-8")) for file in files]
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("migrations must be numbered 0001, 0002, ... without a gap")
    return found


def _number(file: Path) -> int:
    match = NAME.match(file.name)
    if match is None:
        raise MigrationError(f"{file.name}: a migration is named 0001_what_it_does.sql")
    return int(match[1])


async def migrate(connection: Connection) -> list[Migration]:
    """Apply what is missing, all in one transaction; answers what was applied."""
    async with connection.transaction():
        await connection.execute(LOCK)
        await connection.execute(LEDGER)
        pending = await _pending(connection)
        for migration in pending:
            await connection.execute(migration.text)
            await connection.execute(
                "insert into public.notifier_migration (version, name, checksum) values ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        await connection.execute("select notifier.ensure_partitions(now())")
        return pending


async def missing_migrations(connection: Connection) -> list[Migration]:
    """What has not been applied yet. Raises MigrationError when an applied one was changed or is unknown here."""
    if await connection.fetchval("select to_regclass('public.notifier_migration')") is None:
        return find_migrations()
    return await _pending(connection)


async def _pending(connection: Connection) -> list[Migration]:
    known = {migration.version: migration for migration in find_migrations()}
    applied = await connection.fetch("select version, name, checksum from public.notifier_migration")
    for row in applied:
        migration = known.get(row["version"])
        if migration is None:
            raise MigrationError(f"the database has {row['name']}, newer than this program: upgrade the program")
        if migration.checksum != row["checksum"]:
            raise MigrationError(f"{row['name']} was changed after it had been applied: restore the file")
    done = {row["version"] for row in applied}
    return [migration for version, migration in known.items() if version not in done]
