"""A list as a spreadsheet saves it: CSV in UTF-8, UTF-16 or Big5, or XLSX. Read a row at a time, within limits: a file
that unfolds to gigabytes is refused before it does."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from notifier.domain.list_heading import MOST_COLUMNS
from notifier.domain.list_row import UNREADABLE, Cell, CellError

MOST_BYTES = 64 * 2**20  # of the file; 300,000 rows of six columns are 15 MiB as XLSX, 25 MiB as CSV
MOST_UNFOLDED = 512 * 2**20  # bytes of an XLSX in all, of which those 300,000 rows take 100 MiB
MOST_PARTS = 1000  # of an XLSX
MOST_ROWS = 1_000_000
MOST_WIDE = 100  # rows that reach beyond the last column a list may have: each takes as long as it is wide
ODD = 0.01  # of a Big5 file's lines may hold a character of nobody's; of a file in another encoding nearly all do
ZIP = b"PK\x03\x04"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

Line = tuple[int, Sequence[Cell]]


class UnreadableFile(Exception):
    """Why a file is no list. `fault` is stable; `detail` says where.

    too_large      more than MOST_BYTES
    too_many_rows  more than MOST_ROWS
    not_a_table    neither CSV nor XLSX, or broken
    a_bomb         an XLSX that unfolds to more than MOST_UNFOLDED
    encoding       neither UTF-8, UTF-16 nor Big5
    old_excel      an XLS of before 2007
    """

    def __init__(self, fault: str, detail: str = "") -> None:
        super().__init__(f"{fault}: {detail}" if detail else fault)
        self.fault = fault
        self.detail = detail


def read_lines(content: bytes) -> Iterator[Line]:
    """Every row that is not empty, with its line in the file, the headings first. Raises UnreadableFile."""
    if len(content) > MOST_BYTES:
        raise UnreadableFile("too_large")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile("old_excel")
    lines = _sheet(content) if content.startswith(ZIP) else _csv(content)
    for number, line in enumerate(lines):
        if number > MOST_ROWS:
            raise UnreadableFile("too_many_rows")
        yield line


# -- CSV


def _csv(content: bytes) -> Iterator[Line]:
    text = _decode(content)
    if "\x00" in text:
        raise UnreadableFile("not_a_table", "NUL")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    began = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield began, row
            began = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile("not_a_table", str(began)) from error


def _decode(content: bytes) -> str:
    marked = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), None)
    try:
        return content.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        if marked:
            raise UnreadableFile("encoding", str(content.count(b"\n", 0, error.start) + 1)) from error
    return _decode_big5(content)


def _decode_big5(content: bytes) -> str:
    """A name may hold a character that its office drew itself: then its row is bad, not the file."""
    text = content.decode("cp950", errors="replace")
    odd = [number for number, line in enumerate(text.splitlines(), 1) if UNREADABLE in line]
    if len(odd) > max(1, ODD * (text.count("\n") + 1)):
        raise UnreadableFile("encoding", str(odd[0]))
    return text


def _delimiter(text: str) -> str:
    """What the headings are divided by."""
    headings = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=headings.count)


# -- XLSX


def _sheet(content: bytes) -> Iterator[Line]:
    """The first sheet that is not hidden. Of a formula, what it last came to."""
    _refuse_bombs(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile, SyntaxError, AttributeError) as error:
        raise UnreadableFile("not_a_table", type(error).__name__) from error
    try:
        sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
        if sheet is None:
            raise UnreadableFile("not_a_table")
        sheet.reset_dimensions()  # what a file says of its own size need not be so
        wide = 0
        for number, row in enumerate(sheet.iter_rows(), 1):  # with a max_col each row would be filled up to it
            wide += len(row) > MOST_COLUMNS
            if wide > MOST_WIDE:
                raise UnreadableFile("not_a_table", str(number))
            cells = [_cell(cell.value, cell.data_type) for cell in row]
            if any(cell is not None for cell in cells):
                yield number, cells
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise UnreadableFile("not_a_table", type(error).__name__) from error
    finally:
        book.close()


def _refuse_bombs(content: bytes) -> None:
    """By what the directory says of the parts; one that is larger than it says fails its checksum when it is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            sizes = [part.file_size for part in parts.infolist()]
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnreadableFile("not_a_table", type(error).__name__) from error
    if len(sizes) > MOST_PARTS or sum(sizes) > MOST_UNFOLDED:
        raise UnreadableFile("a_bomb")


def _cell(value: Any, kind: str | None) -> Cell:
    match value:
        case None | "":
            return None
        case _ if kind == "e":
            return CellError()
        case bool():
            return str(value).upper()
        case int() | float():
            return Decimal(str(value)) if value == value and abs(value) != float("inf") else CellError()
        case datetime():
            return value.date() if value.time() == time(0) else f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value
        case time():
            return f"{value:%H:%M}"
    return str(value)
