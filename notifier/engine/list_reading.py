"""From a file to a list: its headings, its rows, and of each that is bad the reason. As many come out as went in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from notifier.domain.list_heading import BadHeading, Heading, read_headings
from notifier.domain.list_row import ListRow, plain, read_row, spoil
from notifier.engine.list_file import read_lines


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column that the words may use: how many of the taken rows have something in it, and how many of those read as
    a date and as a number."""

    name: str
    title: str
    cells: int
    dates: int
    numbers: int


@dataclass(frozen=True, slots=True)
class ReadList:
    """`digest`: of the file, so that the same file is recognised."""

    digest: bytes
    columns: tuple[ListColumn, ...]
    rows: tuple[ListRow, ...]

    @property
    def bad(self) -> int:
        return sum(row.reason is not None for row in self.rows)

    @property
    def taken(self) -> int:
        return len(self.rows) - self.bad

    @property
    def without_account(self) -> int:
        return sum(row.reason is None and row.account_no is None for row in self.rows)


def read_list(content: bytes) -> ReadList:
    """Raises UnreadableFile and BadHeading."""
    lines = iter(read_lines(content))
    _, titles = next(lines, (0, ()))
    headings = read_headings(_trimmed([plain(title) for title in titles]))
    rows = _without_twins(read_row(headings, line, cells) for line, cells in lines)
    if not rows:
        raise BadHeading("no_rows")
    return ReadList(sha256(content).digest(), _columns(headings, rows), rows)


def _trimmed(titles: Sequence[str]) -> Sequence[str]:
    """Without the empty columns that a spreadsheet leaves at the end."""
    last = max((number for number, title in enumerate(titles, 1) if title), default=0)
    return titles[:last]


def _without_twins(rows: Iterable[ListRow]) -> tuple[ListRow, ...]:
    """Of two rows about one customer the first counts."""
    first: dict[str, int] = {}
    kept = []
    for row in rows:
        if row.reason is None and row.key is not None:
            line = first.setdefault(row.key, row.line)
            kept.append(row if line == row.line else spoil(row, f"same_as_line: {line}"))
        else:
            kept.append(row)
    return tuple(kept)


def _columns(headings: Sequence[Heading], rows: Sequence[ListRow]) -> tuple[ListColumn, ...]:
    counts: Mapping[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.reason is None:
            for name, readings in row.cells.items():
                count = counts[name]
                count[0] += 1
                count[1] += "date" in readings
                count[2] += "number" in readings
    return tuple(ListColumn(one.name, one.title, *counts[one.name]) for one in headings if one.name)
