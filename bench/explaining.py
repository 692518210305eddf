"""EXPLAIN of a named query with its arguments, as the server would run it prepared: planned anew, and generic."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bench.ground import Connection
from notifier.storage.queries import Query

MODES = (
    "force_custom_plan",
)  # as every pool of ours asks for; planned once, an empty queue stays empty for the planner
OPTIONS = "analyze, buffers, timing off, format json"


@dataclass(frozen=True)
class Node:
    """One node of a plan. `rows` over all loops, with what a filter threw away; `unmatched`: by a join's condition."""

    kind: str
    relation: str | None
    index: str | None
    rows: float
    loops: int
    unmatched: float


@dataclass(frozen=True)
class Plan:
    nodes: tuple[Node, ...]
    buffers: int  # pages of 8 KiB, hit or read
    milliseconds: float
    raw: Mapping[str, Any]

    def uses(self, index: str) -> bool:
        """Whether an index of this name, in which * stands for anything, has a part in the plan."""
        return any(fnmatchcase(node.index, index) for node in self.nodes if node.index)

    @property
    def most_compared(self) -> float:
        """Pairs of rows that one join compared in vain: the square of a batch where it should have been the batch."""
        return max((node.unmatched for node in self.nodes), default=0)

    def scanned(self, least: int) -> set[str]:
        """Tables read from end to end of which at least so many rows were looked at."""
        return {str(node.relation) for node in self.nodes if node.kind == "Seq Scan" and node.rows >= least}

    def outline(self) -> str:
        return "\n".join(_outline(self.raw))


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
    nodes = tuple(_node(node) for node in _all(root))
    return Plan(nodes, _pages(root) + _pages_aside(root), answer["Execution Time"], root)


def _pages(node: Mapping[str, Any]) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])


def _pages_aside(root: Mapping[str, Any]) -> int:
    """Of the changes nobody reads the result of: they run at the end and are not counted with the root."""
    read = {f"CTE {node['CTE Name']}" for node in _all(root) if "CTE Name" in node}
    changes = [node for node in root.get("Plans", ()) if node["Node Type"] == "ModifyTable"]
    return sum(_pages(node) for node in changes if node.get("Subplan Name") not in read)


def _all(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _all(child)


async def _literal(connection: Connection, kind: str, value: Any) -> str:
    """The value as the server would write it, so that nothing is quoted here."""
    text = await connection.fetchval(f"select quote_nullable(($1::{kind})::text)", value)
    return f"{text}::{kind}"


def _node(node: Mapping[str, Any]) -> Node:
    loops = node["Actual Loops"]
    seen = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops
    unmatched = node.get("Rows Removed by Join Filter", 0) * loops
    return Node(node["Node Type"], node.get("Relation Name"), node.get("Index Name"), seen, loops, unmatched)


def _outline(node: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    names = [
        node[key] for key in ("Subplan Name", "Node Type", "Index Name", "Relation Name", "CTE Name") if key in node
    ]
    removed = sum(node.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter", "Index Recheck"))
    yield (
        f"{'  ' * depth}{' '.join(names)}: expected {node['Plan Rows']}, found {node['Actual Rows']:g} x"
        f" {node['Actual Loops']}, threw away {removed}, {_pages(node)} pages"
    )
    for child in node.get("Plans", ()):
        yield from _outline(child, depth + 1)
