"""`notifier migrate`: the tables of this version."""

import asyncpg
import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit
from notifier.commands.opening import carry_out, settings_or_fail
from notifier.commands.options import AsJson
from notifier.commands.terminal import print_json, tell
from notifier.commands.words import say
from notifier.storage.migrations import Migration
from notifier.storage.migrations import migrate as apply_migrations

HELP = "Bring the database to this version.\n\nApplies the migrations that are missing, all in one transaction."


def register(app: typer.Typer) -> None:
    app.command("migrate", help=HELP, epilog=examples("notifier migrate", "notifier migrate --json"))(migrate)


def migrate(as_json: AsJson = False) -> None:
    async def work() -> Exit:
        applied = await _apply()
        if as_json:
            print_json({"applied": [migration.name for migration in applied]})
        else:
            for migration in applied:
                tell(say("migrate.applied", name=migration.name))
            if not applied:
                tell(say("migrate.nothing"))
        return Exit.DONE

    carry_out(work())


async def _apply() -> list[Migration]:
    settings = settings_or_fail()
    url = settings.direct_database_url or settings.database_url
    connection = await asyncpg.connect(url.get_secret_value(), timeout=10)
    try:
        return await apply_migrations(connection)
    finally:
        await connection.close()
