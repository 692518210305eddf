"""One row of an uploaded list: whom it is about and what the words may say; or why it is bad."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from notifier.domain.lint import lint_said
from notifier.domain.list_cell import readings_of
from notifier.domain.list_heading import Heading, Role
from notifier.domain.purpose import Purpose
from notifier.domain.telephone import NoNumber, read_cell

LONGEST_CELL = 200  # characters: a call or a text that says more of one customer is no notice any more
UNREADABLE = "�"  # in the place of a byte that no character of the file's encoding has

_DIVIDERS = re.compile(r"[\s\-‐‑‒–—―−─－_]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LOCALES = {
    "": "",
    **dict.fromkeys(("zh-tw", "zh", "zh_tw", "中文", "國語", "華語", "chinese", "mandarin"), "zh-TW"),
    **dict.fromkeys(("en", "en-us", "en_us", "英文", "英語", "english"), "en"),
}


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell whose formula came to no value."""


Cell = str | Decimal | date | CellError | None


class Spoilt(Exception):
    """Why a row is bad, as a reason that is kept."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row by its line in the file. Of a bad one `reason` says why, and nothing is read of it."""

    line: int
    account_no: str | None = None
    telephone: str | None = None
    locale: str | None = None
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reason: str | None = None

    @property
    def key(self) -> str | None:
        """What makes two rows the same customer."""
        return self.account_no or self.telephone


def read_row(headings: Sequence[Heading], line: int, cells: Sequence[Cell]) -> ListRow:
    """The row as it counts. Never raises."""
    try:
        return _read(headings, line, cells)
    except Spoilt as spoilt:
        kept = {str(number): {"text": plain(cell)} for number, cell in enumerate(cells, 1) if cell is not None}
        return ListRow(line, cells=kept, reason=str(spoilt))


def spoil(row: ListRow, reason: str) -> ListRow:
    """The same row, bad for this reason."""
    return ListRow(row.line, row.account_no, row.telephone, row.locale, row.cells, reason)


def plain(cell: Cell) -> str:
    """The cell's text, without what no eye sees and no voice says. A number is written without exponent."""
    match cell:
        case None | CellError():
            return ""
        case Decimal():
            return f"{cell.normalize():f}"
        case date():
            return cell.isoformat()
    return _CONTROL.sub(" ", cell).strip()


def _read(headings: Sequence[Heading], line: int, cells: Sequence[Cell]) -> ListRow:
    columns = list(zip(headings, [*cells, *[None] * (len(headings) - len(cells))], strict=False))
    _refuse_spoilt(headings, cells, columns)
    account = _account([cell for heading, cell in columns if heading.role is Role.ACCOUNT])
    telephone = None if account else _telephone(columns)
    if account is None and telephone is None:
        raise Spoilt("no_account_or_telephone")
    values = {heading.name: text for heading, cell in columns if heading.name and (text := plain(cell))}
    _refuse_marks_of_fraud(headings, values)
    return ListRow(line, account, telephone, _locale(columns), {name: _readings(text) for name, text in values.items()})


def _refuse_spoilt(headings: Sequence[Heading], cells: Sequence[Cell], columns: Sequence[tuple[Heading, Cell]]) -> None:
    if any(plain(cell) for cell in cells[len(headings) :]):
        raise Spoilt("cell_without_heading")
    for heading, cell in columns:
        text = plain(cell)
        if not heading.title and text:
            raise Spoilt("cell_without_heading")
        if isinstance(cell, CellError):
            raise Spoilt(f"cell_is_an_error: {heading.title}")
        if UNREADABLE in text:
            raise Spoilt(f"cell_unreadable: {heading.title}")
        if len(text) > LONGEST_CELL:
            raise Spoilt(f"cell_too_long: {heading.title}")


def _account(cells: Sequence[Cell]) -> str | None:
    """The eleven digits. A spreadsheet drops the zero that leads a number, and of a cell that is a number it may be
    given back; a text of ten digits is as likely to lack one in the middle, which would be another customer's."""
    for cell in cells:
        digits = _DIVIDERS.sub("", unicodedata.normalize("NFKC", plain(cell)))
        if not digits:
            continue
        if isinstance(cell, Decimal) and re.fullmatch("[0-9]{10}", digits):
            digits = f"0{digits}"
        if re.fullmatch("[0-9]{10}", digits):
            raise Spoilt("account_has_10_digits")
        if not re.fullmatch("[0-9]{11}", digits):
            raise Spoilt("account_not_11_digits")
        return digits
    return None


def _telephone(columns: Sequence[tuple[Heading, Cell]]) -> str | None:
    """The first number that may be dialled, a mobile before a fixed line."""
    given = [plain(cell) for role in (Role.MOBILE, Role.TELEPHONE) for heading, cell in columns if heading.role is role]
    text = ";".join(filter(None, given))
    if not text:
        return None
    reading = read_cell(text)
    if isinstance(reading, NoNumber):
        raise Spoilt(f"no_number: {reading.reason.value}")
    return reading.e164


def _locale(columns: Sequence[tuple[Heading, Cell]]) -> str | None:
    for heading, cell in columns:
        if heading.role is Role.LOCALE:
            text = plain(cell).casefold()
            if text not in _LOCALES:
                raise Spoilt("unknown_locale")
            return _LOCALES[text] or None
    return None


def _refuse_marks_of_fraud(headings: Sequence[Heading], values: Mapping[str, str]) -> None:
    """A cell is said to customers as it stands: what no template may say, no cell may, either."""
    if not lint_said(Purpose.SERVICE, "", "\n".join(values.values())):
        return
    titles = {heading.name: heading.title for heading in headings}
    for name, text in values.items():
        for finding in lint_said(Purpose.SERVICE, "", text):
            raise Spoilt(f"forbidden_{finding.rule}: {titles[name]}")


@lru_cache(maxsize=20_000)  # of a column of places or days most cells repeat
def _readings(text: str) -> Mapping[str, str]:
    return readings_of(text)
