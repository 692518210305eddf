"""Named queries: SQL lives in `sql/`, each block with a name and declared, typed parameters.

    -- name: claim(channel text, now timestamptz, most integer)
    select ... where channel = :channel and due_at <= :now limit :most

    -- name: count_all() slow
    select ... what may take minutes; all others are given up after seconds

A `:name` becomes `$n::type` of its declaration, so that the server never has to guess a type. A parameter that is
declared and not used, used and not declared, or a name that stands twice stops the start.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
Executor: TypeAlias = "Connection | asyncpg.Pool[Any]"  # a pool runs a statement on any connection of its own

T = TypeVar("T")

HEADER = re.compile(r"^-- (?:name: )?(?P<name>[a-z_]+)\((?P<params>[^)]*)\)(?P<slow> slow)?\s*$", re.MULTILINE)
REFERENCE = re.compile(r"(?<![:\w]):(?P<name>[a-z_]+)\b")
COMMENT = re.compile(r"--[^\n]*")
SLOW = 300.0  # real seconds a statement whose header says so may take


class QueryError(Exception):
    """A SQL file that does not hold what it declares."""


@dataclass(frozen=True)
class Query:
    """One named statement. `params` in the order of their placeholders; types as PostgreSQL spells them; `within`:
    real seconds it may take, by default what the connection allows."""

    name: str
    text: str
    params: tuple[str, ...]
    types: tuple[str, ...]
    within: float | None = None

    def arguments(self, given: dict[str, Any]) -> Sequence[Any]:
        if given.keys() != set(self.params):
            raise QueryError(f"{self.name} takes {', '.join(self.params)}; got {', '.join(given)}")
        return [given[name] for name in self.params]

    async def fetch(self, connection: Executor, **given: Any) -> list[asyncpg.Record]:
        return await connection.fetch(self.text, *self.arguments(given), timeout=self.within)

    async def fetch_row(self, connection: Executor, **given: Any) -> asyncpg.Record | None:
        return await connection.fetchrow(self.text, *self.arguments(given), timeout=self.within)

    async def fetch_value(self, connection: Executor, **given: Any) -> Any:
        return await connection.fetchval(self.text, *self.arguments(given), timeout=self.within)

    async def execute(self, connection: Executor, **given: Any) -> int:
        """Run it; answers how many rows it touched."""
        status = await connection.execute(self.text, *self.arguments(given), timeout=self.within)
        return int(status.rsplit(" ", 1)[-1]) if status[-1].isdigit() else 0


def load_queries(path: Path) -> dict[str, Query]:
    """The named queries of one SQL file, by name. Raises QueryError."""
    queries: dict[str, Query] = {}
    for query in parse_queries(path.read_text("utf-8"), path.name):
        if query.name in queries:
            raise QueryError(f"{path.name}: {query.name} stands twice")
        queries[query.name] = query
    return queries


def load_into(shape: type[T], path: Path) -> T:
    """The queries of a file as a dataclass with one field each. A name missing on either side stops the start."""
    queries = load_queries(path)
    wanted = {field.name for field in fields(shape)}  # type: ignore[arg-type]
    if missing := sorted(wanted - queries.keys()):
        raise QueryError(f"{path.name}: no query named {missing[0]}")
    if unused := sorted(queries.keys() - wanted):
        raise QueryError(f"{path.name}: nobody uses the query {unused[0]}")
    return shape(**queries)


def load_query(path: Path) -> Query:
    """The only query of a file."""
    (query,) = load_queries(path).values()
    return query


def parse_queries(text: str, where: str) -> Iterable[Query]:
    headers = list(HEADER.finditer(text))
    if not headers:
        raise QueryError(f"{where}: no '-- name: query(parameter type, ...)' line")
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        body = text[header.end() : following.start() if following else len(text)]
        yield _make_query(where, header["name"], header["params"], body, SLOW if header["slow"] else None)


def _make_query(where: str, name: str, declared: str, body: str, within: float | None) -> Query:
    types = dict(_declaration(where, name, part) for part in declared.split(",") if part.strip())
    order = {parameter: number for number, parameter in enumerate(types, 1)}
    used: set[str] = set()

    def place(match: re.Match[str]) -> str:
        parameter = match["name"]
        if parameter not in types:
            raise QueryError(f"{where}: {name} uses :{parameter}, which it does not declare")
        used.add(parameter)
        return f"${order[parameter]}::{types[parameter]}"

    statement = REFERENCE.sub(place, COMMENT.sub("", body)).strip().rstrip(";")
    if unused := [parameter for parameter in types if parameter not in used]:
        raise QueryError(f"{where}: {name} declares {unused[0]} and does not use it")
    return Query(name, f"/* {name} */ {statement}", tuple(types), tuple(types.values()), within)


def _declaration(where: str, name: str, part: str) -> tuple[str, str]:
    words = part.split(maxsplit=1)
    if len(words) != 2:
        raise QueryError(f"{where}: {name} declares {part.strip()!r}: write 'name type'")
    return words[0], words[1].strip()
