"""Health of a process without HTTP: fails when this container holds no connection to the database but our own."""

import asyncio

import asyncpg

from notifier.settings import read_settings

HELD = """
select count(*) from pg_stat_activity
where usename = current_user and client_addr is not distinct from inet_client_addr() and pid <> pg_backend_pid()
"""


async def main() -> None:
    connection = await asyncpg.connect(read_settings().database_url.get_secret_value(), timeout=5)
    held = await connection.fetchval(HELD, timeout=3)
    await connection.close()
    if not held:
        raise SystemExit("no connection to the database is held")


asyncio.run(main())
