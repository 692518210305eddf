"""What the commands put on the screen: sentences, tables that survive a narrow window, JSON."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import typer
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from notifier.commands.words import PHRASES, say

GAP = 2  # columns between columns
LEAST = 14  # columns the last column needs


Cell: TypeAlias = str | Text


def screen() -> Console:
    return Console(highlight=False, markup=False, emoji=False)


def error_screen() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def tell(sentence: str) -> None:
    """One sentence, left whole: a terminal wraps it, a script reads it."""
    screen().print(sentence, soft_wrap=True)


def print_json(value: object) -> None:
    """To stdout, whole: times as ISO 8601, Chinese as it is."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset | set | tuple):
        return list(value)
    return str(value)


def listing(heads: Sequence[str], rows: Sequence[Sequence[Cell]], width: int) -> RenderableType:
    """A table whose last column folds; or, where that would leave it too little room, one block of lines per row."""
    firsts = [max(cell_len(str(cell)) for cell in column) for column in list(zip(heads, *rows, strict=True))[:-1]]
    if width - sum(firsts) - GAP * len(firsts) < LEAST:
        return Group(*[_block(heads, row) for row in rows])
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0), show_header=any(heads))
    for head in heads[:-1]:
        table.add_column(head, no_wrap=True)
    table.add_column(heads[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _block(heads: Sequence[str], row: Sequence[Cell]) -> RenderableType:
    if not any(heads):
        return Group(Text("  ").join([_text(cell) for cell in row[:-1]]), Padding(_text(row[-1]), (0, 0, 1, 2)))
    return Group(pairs([(head, cell) for head, cell in zip(heads, row, strict=True) if str(cell)]), Text(""))


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def pairs(lines: Sequence[tuple[str, RenderableType]]) -> RenderableType:
    """Names on the left, what they stand for on the right."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for name, value in lines:
        grid.add_row(name, value)
    return grid


def figures(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The largest first."""
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def channel_words(name: str) -> str:
    return say(f"channel.{name}") if f"channel.{name}" in PHRASES else name


def engine_words(name: str) -> str:
    return say(f"engine.{name}") if f"engine.{name}" in PHRASES else name
