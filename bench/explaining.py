"""EXPLAIN of a named query with its arguments, as the server would run it prepared: planned anew, and generic."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.ground import Connection
from notifier.storage.queries import Query

MODES = ("force_custom_plan", "force_generic_plan")  # asyncpg's statements may go generic from the sixth time on
OPTIONS = "analyze, buffers, timing off, format json"


@dataclass(frozen=True)
class Node:
    """One node of a plan. `rows` over all loops, with what a filter threw away."""

    kind: str
    relation: str | None
    index: str | None
    rows: float
    loops: int


@dataclass(frozen=True)
class Plan:
    nodes: tuple[Node, ...]
    buffers: int  # pages of 8 KiB, hit or read
    milliseconds: float
    raw: Mapping[str, Any]

    @property
    def indexes(self) -> set[str]:
        return {node.index for node in self.nodes if node.index and node.loops}

    def scanned(self, least: int) -> set[str]:
        """Tables read from end to end of which at least so many rows were looked at."""
        return {str(node.relation) for node in self.nodes if node.kind == "Seq Scan" and node.rows >= least}

    def dump(self) -> str:
        return json.dumps(self.raw, indent=1, ensure_ascii=False)


async def explain(connection: Connection, query: Query, given: Mapping[str, Any], mode: str) -> Plan:
    """Run the query inside a transaction that is rolled back, and read its plan."""
    values = [
        await _literal(connection, kind, given[name]) for name, kind in zip(query.params, query.types, strict=True)
    ]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"set local plan_cache_mode = {mode}")
        types = f"({', '.join(query.types)})" if query.types else ""
        await connection.execute(f"prepare explained {types} as {query.text}")
        arguments = f"({', '.join(values)})" if values else ""
        shown = await connection.fetchval(f"explain ({OPTIONS}) execute explained {arguments}")
    finally:
        await transaction.rollback()
        await connection.execute("deallocate explained")
    (answer,) = json.loads(shown) if isinstance(shown, str) else shown
    root = answer["Plan"]
    buffers = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
    return Plan(tuple(_nodes(root)), buffers, answer["Execution Time"], root)


async def _literal(connection: Connection, kind: str, value: Any) -> str:
    """The value as the server would write it, so that nothing is quoted here."""
    text = await connection.fetchval(f"select quote_nullable(($1::{kind})::text)", value)
    return f"{text}::{kind}"


def _nodes(node: Mapping[str, Any]) -> Iterator[Node]:
    loops = node["Actual Loops"]
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    yield Node(node["Node Type"], node.get("Relation Name"), node.get("Index Name"), seen * loops, loops)
    for child in node.get("Plans", ()):
        yield from _nodes(child)
