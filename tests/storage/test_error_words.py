"""What is kept of a database's error names the trouble, and quotes no cell."""

import asyncpg
import pytest

from notifier.storage.error_words import without_cells

SECRET = "王小明 0912345678"

SAID = {
    "select 1 from source.bill_gone": 'relation "source.bill_gone" does not exist',
    "select no_such_column from source.bill": 'column "no_such_column" does not exist',
    "select 'x'::text - 1": "operator does not exist: text - integer",
    f"select '{SECRET}'::date": "invalid datetime format (22007, type date)",
    f"select '{SECRET}'::integer": "invalid text representation (22P02, type integer)",
    f"select '{SECRET}'::numeric": "invalid text representation (22P02, type numeric)",
    f"select '{SECRET} for type date'::boolean": "invalid text representation (22P02, type boolean)",
    "select 1 / 0": "division by zero (22012)",
    "insert into billing.contact values (1, null)": "not null violation (23502, table contact, column account_no)",
    f"do $$begin raise exception '{SECRET}'; end$$": "raise (P0001)",
    f"do $$begin raise exception '{SECRET}' using errcode = '42P01'; end$$": "undefined table (42P01)",
}


@pytest.mark.parametrize("statement", SAID)
async def test_words_of_an_error(source_database: str, statement: str) -> None:
    connection = await asyncpg.connect(source_database)
    try:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute(statement)
    finally:
        await connection.close()
    said = without_cells(caught.value)
    assert said == SAID[statement]
    assert "王小明" not in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (asyncpg.InterfaceError("connection is closed"), "connection is closed"),
        (TimeoutError(), "TimeoutError"),
        (ValueError(SECRET), "ValueError"),
    ],
)
def test_words_of_what_is_no_answer_of_the_server(error: Exception, said: str) -> None:
    assert without_cells(error) == said
