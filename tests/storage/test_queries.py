"""Every named query is prepared against the migrated schema: parameters and columns are what the code expects."""

from pathlib import Path

import asyncpg
import pytest

from notifier.resources import sql_root
from notifier.storage.queries import QueryError, load_queries, parse_queries

FILES = sorted(path.name for path in sql_root().glob("*.sql"))


@pytest.mark.parametrize("name", FILES)
async def test_every_query_can_be_prepared(database: str, name: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction():
            if name == "planner.sql":
                await prepare_planner(connection)
            for query in load_queries(sql_root() / name).values():
                statement = await connection.prepare(query.text)
                assert len(statement.get_parameters()) == len(query.params), query.name
    finally:
        await connection.close()


async def prepare_planner(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The planner's statements stand on its two temporary tables."""
    queries = load_queries(sql_root() / "planner.sql")
    await connection.execute(queries["create_staging"].text)
    await queries["screen"].execute(
        connection, campaign="payment_deadline", purpose="collection", now=await connection.fetchval("select now()"),
        zone="Asia/Taipei", expiry_days=0, expiry_at=__import__("datetime").time(20), locales=["en"],
        default_locale="en", merge=True, preferences=["sms"], first_steps=[-1] * 16, again=None,
    )  # fmt: skip


BROKEN = [
    ("-- name: a()\nselect :b", "does not declare"),
    ("-- name: a(b integer)\nselect 1", "does not use"),
    ("-- name: a(b)\nselect :b", "write 'name type'"),
    ("select 1", "no '-- name"),
]


@pytest.mark.parametrize(("text", "complaint"), BROKEN)
def test_a_query_that_does_not_hold_what_it_declares_stops_the_start(text: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        list(parse_queries(text, "broken.sql"))


def test_a_name_may_stand_once(folder: Path) -> None:
    (folder / "double.sql").write_text("-- name: a()\nselect 1;\n-- name: a()\nselect 2;")
    with pytest.raises(QueryError, match="stands twice"):
        load_queries(folder / "double.sql")


def test_casts_and_times_are_not_parameters() -> None:
    (query,) = parse_queries("-- name: a(b integer)\nselect :b::text, to_char(now(), 'HH24:MI')", "good.sql")
    assert query.text == "/* a */ select $1::integer::text, to_char(now(), 'HH24:MI')"
