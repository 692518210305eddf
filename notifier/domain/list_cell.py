"""A cell of an uploaded list: text, and what else it can be read as. Which reading counts, the words decide."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from notifier.domain.written import ROC_EPOCH


class Kind(StrEnum):
    """What the words take a cell for."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"


# What each reader of values takes; every other takes text.
READERS: Mapping[str, Kind] = {
    "spoken_date": Kind.DATE,
    "written_date": Kind.DATE,
    "spoken_amount": Kind.NUMBER,
    "spoken_count": Kind.NUMBER,
    "spoken_ordinal": Kind.NUMBER,
    "written_amount": Kind.NUMBER,
}
WHOLE = frozenset({"spoken_count", "spoken_ordinal"})

_DATE = re.compile(r"(民國)?\s*([0-9]{2,4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?")
_NUMBER = re.compile(
    r"(?:NT\$|\$|新[臺台]幣)?\s*((?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?)\s*元?"
)


class ListCell(str):
    """The text of a cell, which a reader of values takes for what it needs."""

    __slots__ = ("readings",)
    readings: Mapping[str, str]

    def __new__(cls, readings: Mapping[str, str]) -> "ListCell":
        cell = super().__new__(cls, readings["text"])
        cell.readings = readings
        return cell

    def read_by(self, reader: str) -> object:
        """What a reader of values, by its name, takes the cell for. Raises ValueError when it cannot be that."""
        kind = READERS.get(reader, Kind.TEXT)
        if kind not in self.readings:
            raise ValueError(f"a cell that is no {kind}")
        match kind:
            case Kind.DATE:
                return date.fromisoformat(self.readings["date"])
            case Kind.NUMBER:
                number = Decimal(self.readings["number"])
                return int(number) if reader in WHOLE and number == int(number) else number
        return str(self)


def taken_by(reader: str, value: object) -> object:
    """The value as the reader takes it: a cell of a list as what it needs, every other as it is."""
    return value.read_by(reader) if isinstance(value, ListCell) else value


def readings_of(text: str) -> dict[str, str]:
    """Everything the text can be read as."""
    found = {Kind.TEXT.value: text}
    if (day := read_date(text)) is not None:
        found[Kind.DATE.value] = day.isoformat()
    if (number := read_number(text)) is not None:
        found[Kind.NUMBER.value] = str(number)
    return found


def read_date(text: str) -> date | None:
    """2026-12-05, 2026/12/5, 115年12月5日, 民國115.12.5. A year of two digits could be either era's: none."""
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    year = int(match[2])
    if match[1] or 100 <= year < 200:
        year += ROC_EPOCH
    try:
        return date(year, int(match[3]), int(match[4])) if year >= 1900 else None
    except ValueError:
        return None


def read_number(text: str) -> Decimal | None:
    """1234, 1,234.5, NT$1,234, 1,234元. What begins with a zero is a code, and no number; nor is what is negative."""
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return Decimal(match[1].replace(",", "")) if match else None
