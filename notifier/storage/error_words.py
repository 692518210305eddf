"""What a database's error says, without the cells it quotes: kept on runs, shown to operators, written to logs."""

import re

import asyncpg

# Classes of SQLSTATE whose messages name objects and conditions only: connection, access, catalogue, rollback, limits,
# operator, system. Bad data, constraints and functions that raise quote what they met: of those the condition is kept.
NAME_OBJECTS_ONLY = frozenset({"08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58"})
KNOWN_TYPE = re.compile(
    r"\btype (boolean|smallint|integer|bigint|numeric|real|double precision|date|time|timestamp(?: with time zone)?"
    r"|interval|uuid|jsonb?)\b"
)
FIELDS = {"table": "table_name", "column": "column_name", "type": "data_type_name", "constraint": "constraint_name"}


def without_cells(error: BaseException) -> str:
    """One line: the message where it can hold no cell, else the condition, its code and the objects it is about."""
    if not isinstance(error, asyncpg.PostgresError):
        return _first_line(error) if isinstance(error, OSError | asyncpg.InterfaceError) else type(error).__name__
    sqlstate = error.sqlstate or ""
    # With a context it comes from inside a function, which may have put anything into its message.
    if sqlstate[:2] in NAME_OBJECTS_ONLY and not getattr(error, "context", None):
        return str(error.args[0]).strip().partition("\n")[0] or type(error).__name__
    return f"{_condition(error)} ({', '.join([sqlstate, *_objects(error)])})"


def _condition(error: asyncpg.PostgresError) -> str:
    """The condition's name as the manual has it: `invalid text representation`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _objects(error: asyncpg.PostgresError) -> list[str]:
    named = {word: getattr(error, field, None) for word, field in FIELDS.items()}
    if found := KNOWN_TYPE.search(str(error.args[0])):
        named["type"] = named["type"] or found[1]
    return [f"{word} {name}" for word, name in named.items() if name]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
