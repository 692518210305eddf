"""`notifier migrate`: once, and then nothing to do."""

from notifier.commands.exits import Exit
from notifier.storage.migrations import find_migrations
from tests.cli.conftest import Call


def test_migrate_applies_what_is_missing_and_then_nothing(call: Call, empty_database: str) -> None:
    first = call("migrate", "--json", DATABASE_URL=empty_database)
    second = call("migrate", DATABASE_URL=empty_database)
    third = call("migrate", "--json", DATABASE_URL=empty_database)

    assert (first.code, first.json) == (Exit.DONE, {"applied": [migration.name for migration in find_migrations()]})
    assert (second.code, second.out.strip()) == (
        Exit.DONE, "Nothing to do: the database has this version's tables.",
    )  # fmt: skip
    assert third.json == {"applied": []}
