"""Does the utility's database keep the contract? Compares schema `source` with sql/source/contract.sql, and looks
whether the role that reads it could do more than read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from notifier.resources import sql_root
from notifier.storage.queries import Connection, Query, load_queries

SCHEMA = "source"
READER = "notifier_source_reader"

Expected = dict[str, dict[str, str]]  # view -> column -> type, in the order of the file

_COMMENT = re.compile(r"--[^\n]*")
_VIEW = re.compile(rf"create\s+view\s+{SCHEMA}\.(\w+)\s+as\s+select\b(.*?);", re.DOTALL | re.IGNORECASE)
_COLUMN = re.compile(r"\s*null::(\w+(?:\[\])?)\s+as\s+(\w+)\s*", re.IGNORECASE)

_SHORT_NAMES = {"timestamp with time zone": "timestamptz"}  # as the catalogue spells it: as the contract does


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with the source and what to do about it. `view` and `column` are '' where it concerns neither."""

    view: str
    column: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Found:
    """A column as the source has it."""

    type: str
    readable: bool


def expected_contract(text: str) -> Expected:
    """The views, columns and types that `text` (contract.sql) promises. Raises ValueError on a line it cannot read."""
    views = {name: _columns(name, body) for name, body in _VIEW.findall(_COMMENT.sub("", text))}
    if not views:
        raise ValueError("the contract declares no view")
    return views


def _columns(view: str, body: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    for line in body.split(","):
        match = _COLUMN.fullmatch(line)
        if match is None:
            raise ValueError(f"view {view}: expected 'null::type as name', found {line.strip()!r}")
        columns[match[2]] = match[1].lower()
    return columns


def compare(expected: Expected, found: Mapping[str, Mapping[str, Found]]) -> Iterator[Complaint]:
    """What `found` lacks of `expected`; columns and views beyond it are nobody's concern."""
    for view, columns in expected.items():
        if view not in found:
            remedy = f"create it as sql/source/contract.sql describes ({len(columns)} columns)"
            yield Complaint(view, "", f"view {SCHEMA}.{view} is missing", remedy)
            continue
        yield from _compare_columns(view, columns, found[view])
        yield from _unreadable(view, [name for name in columns if name in found[view]], found[view])


def _compare_columns(view: str, columns: Mapping[str, str], found: Mapping[str, Found]) -> Iterator[Complaint]:
    for name, wanted in columns.items():
        column = f"column {SCHEMA}.{view}.{name}"
        if name not in found:
            remedy = f"add it to the view; null::{wanted} as {name} if you have no such value"
            yield Complaint(view, name, f"{column} is missing", remedy)
        elif (has := _SHORT_NAMES.get(found[name].type, found[name].type)) != wanted:
            remedy = f"cast it in the view: ...::{wanted} as {name}"
            yield Complaint(view, name, f"{column} is {has}, expected {wanted}", remedy)


def _unreadable(view: str, names: Iterable[str], found: Mapping[str, Found]) -> Iterator[Complaint]:
    hidden = [name for name in names if not found[name].readable]
    if not hidden:
        return
    whole = len(hidden) == len(found)
    what = f"view {SCHEMA}.{view}" if whole else f"columns {', '.join(hidden)} of {SCHEMA}.{view}"
    remedy = f"grant select on {SCHEMA}.{view} to the role (sql/source/reader.sql)"
    yield Complaint(view, "" if whole else hidden[0], f"the role has no SELECT on {what}", remedy)


async def check_source(conn: Connection) -> list[Complaint]:
    """All that is wrong with the source as the connected role sees it; empty when all is well. Reads the catalogue."""
    root = sql_root()
    expected = expected_contract((root / "source" / "contract.sql").read_text(encoding="utf-8"))
    queries = load_queries(root / "source_check.sql")
    complaints = await _check_views(conn, queries, expected)
    complaints += await _check_role(conn, queries)
    return complaints


async def _check_views(conn: Connection, queries: Mapping[str, Query], expected: Expected) -> list[Complaint]:
    [schema] = await queries["describe_schema"].fetch(conn, schema_name=SCHEMA)
    if not schema["present"]:
        remedy = "create it and the views of sql/source/contract.sql (sql/source/README.md tells how)"
        return [Complaint("", "", f"schema {SCHEMA} is missing", remedy)]
    found: dict[str, dict[str, Found]] = {}
    for row in await queries["list_columns"].fetch(conn, schema_name=SCHEMA):
        found.setdefault(row["view"], {})[row["column"]] = Found(row["type"], row["readable"])
    complaints = list(compare(expected, found))
    if not schema["usable"]:
        remedy = f"grant usage on schema {SCHEMA} to the role (sql/source/reader.sql)"
        complaints.insert(0, Complaint("", "", f"the role has no USAGE on schema {SCHEMA}", remedy))
    return complaints


async def _check_role(conn: Connection, queries: Mapping[str, Query]) -> list[Complaint]:
    [role] = await queries["describe_role"].fetch(conn)
    name, remedy = role["role"], f"read the source through a login that is a member of {READER} and of nothing else"
    if role["superuser"]:
        return [Complaint("", "", f"role {name} is a superuser, or can become one, and may write anything", remedy)]
    complaints = []
    if role["may_create"]:
        complaints.append(Complaint("", "", f"role {name} may CREATE schemas in database {role['database']}", remedy))
    for row in await queries["list_writable"].fetch(conn):
        complaints += _writable(name, dict(row), remedy)
    return complaints


def _writable(role: str, row: Mapping[str, object], remedy: str) -> Iterator[Complaint]:
    schema, table = row["schema"], row["first_table"]
    view = str(table) if schema == SCHEMA and table else ""
    if row["may_create"]:
        yield Complaint("", "", f"role {role} may CREATE tables in schema {schema}", remedy)
    if table:
        more = f", and write to {row['more']} more tables of schema {schema}" if row["more"] else ""
        yield Complaint(view, "", f"role {role} may {row['privileges']} on {schema}.{table}{more}", remedy)
