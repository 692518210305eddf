"""Which variables a template takes, where, and what for; read from its syntax, without rendering it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import jinja2
from jinja2 import nodes

from notifier.domain.list_cell import READERS, Kind

HOUSE = frozenset({"caller", "notice_code", "optout_email", "today", "days"})  # what every message is given
OPTIONAL = frozenset({"defined", "undefined"})


@dataclass(frozen=True, slots=True)
class Needs:
    """`used`: every variable, with the line where it stands first. `columns`: those that must be given at all; `cells`:
    those of them that must hold something, each with what its readers take it for."""

    used: Mapping[str, int]
    columns: frozenset[str] = frozenset()
    cells: frozenset[tuple[str, Kind]] = frozenset()

    def and_those_of(self, other: "Needs") -> "Needs":
        return Needs({**other.used, **self.used}, self.columns | other.columns, self.cells | other.cells)


def needs_of(templates: Iterable[nodes.Template]) -> Needs:
    """What the templates take together, without what the house gives."""
    return reduce(Needs.and_those_of, map(_needs, templates), Needs({}))


def parse(source: str, name: str) -> nodes.Template:
    """The syntax tree. Raises jinja2.TemplateSyntaxError, with the line."""
    return jinja2.Environment(autoescape=False).parse(source, name)  # noqa: S701 - nothing is rendered


def _needs(tree: nodes.Template) -> Needs:
    bound = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"} | {"loop"}
    free = [name for name in tree.find_all(nodes.Name) if name.name not in bound | HOUSE]
    used: dict[str, int] = {}
    for name in free:
        used[name.name] = min(name.lineno, used.get(name.name, name.lineno))
    optional, asked = set(_optional(tree)), set(_asked_about(tree))
    columns = frozenset(used) - optional
    cells = frozenset((name, kind) for name, kind in _taken(tree, used) if name in columns - asked)
    return Needs(used, columns, cells)


def _optional(tree: nodes.Template) -> Iterator[str]:
    """Variables that the template itself can do without."""
    for test in tree.find_all(nodes.Test):
        if test.name in OPTIONAL and isinstance(test.node, nodes.Name):
            yield test.node.name
    for read in tree.find_all(nodes.Filter):
        if read.name in ("default", "d") and isinstance(read.node, nodes.Name):
            yield read.node.name


def _asked_about(tree: nodes.Template) -> Iterator[str]:
    """Variables whose being empty the template asks about."""
    tests = [branch.test for branch in tree.find_all(nodes.If)] + [one.test for one in tree.find_all(nodes.CondExpr)]
    names = [name for test in tests for name in (test, *test.find_all(nodes.Name))]
    yield from (name.name for name in names if isinstance(name, nodes.Name))


def _taken(tree: nodes.Template, used: Iterable[str]) -> Iterator[tuple[str, Kind]]:
    """Each variable with what a reader takes it for; those that no reader takes are text."""
    read = set()
    for reader in tree.find_all(nodes.Filter):
        if isinstance(reader.node, nodes.Name):
            read.add(reader.node.name)
            yield reader.node.name, READERS.get(reader.name, Kind.TEXT)
    yield from ((name, Kind.TEXT) for name in used if name not in read)
