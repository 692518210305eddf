"""What a cell of the customer table says about a telephone: a number that may be dialled, or why there is none.

Only Taiwanese fixed lines, mobiles and VoIP (070) are dialled. A number that could be read in two ways is refused:
a reminder rung through to a stranger is worse than one not rung.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType

LONGEST_CELL = 200  # characters; what follows is not read


class NumberKind(StrEnum):
    FIXED = "fixed"
    MOBILE = "mobile"
    VOIP = "voip"


class NumberReason(StrEnum):
    """Why a cell gives no number."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"  # no digits, or digits in a form that lost some (9.12E+08)
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NO_AREA_CODE = "no_area_code"  # 338-3131: the same digits ring in several cities
    EXTENSION = "extension"  # reached through a switchboard
    FAX = "fax"
    PREMIUM = "premium"  # 020
    TOLL_FREE = "toll_free"  # 0800
    PERSONAL = "personal"  # 099
    SHARED_COST = "shared_cost"  # 050
    SHORT_NUMBER = "short_number"  # 110, 119, 1911
    FOREIGN = "foreign"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may be dialled, in E.164 (+886...)."""

    e164: str
    kind: NumberKind


@dataclass(frozen=True, slots=True)
class NoNumber:
    reason: NumberReason


_DIALLED = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.VOIP: NumberKind.VOIP,
}
_REFUSED = {
    PhoneNumberType.PREMIUM_RATE: NumberReason.PREMIUM,
    PhoneNumberType.TOLL_FREE: NumberReason.TOLL_FREE,
    PhoneNumberType.PERSONAL_NUMBER: NumberReason.PERSONAL,
    PhoneNumberType.UAN: NumberReason.SHARED_COST,
}
_DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−─ー－"}
_SCIENTIFIC = re.compile(r"[0-9]e\+?[0-9]")
_DECIMAL_TAIL = re.compile(r"^\s*([0-9]{8,})\.0+\s*$")  # a column that passed through a spreadsheet as numbers
_FAX_AFTER = re.compile(r"(?<=[0-9])\s*(?:\(\s*(?:傳真|fax)\s*\)|(?:傳真|fax)\s*$)")
_FAX_BEFORE = re.compile(r"(?:傳真|fax)[^0-9+(]*")
_EXTENSION = re.compile(r"(?:轉分機|分機|內線|轉|按|extension|extn?\.?|[#*x])[\s.:]*(?=[0-9])")
_NOT_OURS = re.compile(r"[^0-9+\-(). /xf]+")
_DIVIDER = re.compile(r"([ /]+|(?<!f)(?=\+))")
_TAIWAN = re.compile(r"^(?:(?:\+|00[0-9]?|019)886|886(?=[0-9]{8}))0?")


def read_cell(cell: str | None) -> Number | NoNumber:
    """The first number of the cell that may be dialled; else the reason of the first number found. Never raises."""
    text = _plain(cell or "")
    if not text.strip(" -.;/"):
        return NoNumber(NumberReason.EMPTY)
    if _SCIENTIFIC.search(text) or not re.search(r"[0-9]", text):
        return NoNumber(NumberReason.NOT_A_NUMBER)
    first: NoNumber | None = None
    for candidate in _candidates(text):
        answer = _read_candidate(candidate)
        if isinstance(answer, Number):
            return answer
        first = first or answer
    return first or NoNumber(NumberReason.NOT_A_NUMBER)


def _plain(cell: str) -> str:
    """ASCII digits and signs; invisible characters gone, control characters as blanks or separators."""
    text = unicodedata.normalize("NFKC", cell[:LONGEST_CELL]).translate(_DASHES)
    return "".join(map(_plain_character, text)).lower()


def _plain_character(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character in "\r\n\v\f":
        return ";"
    match unicodedata.category(character):
        case "Cf" | "Mn" | "Me":
            return ""
        case "Nd":
            return str(unicodedata.decimal(character))
        case "Cc" | "Zs" | "Zl" | "Zp":
            return " "
        case _:
            return character


def _candidates(text: str) -> Iterator[str]:
    """The stretches of the cell that each hold one number, with `f` beside a fax and `x` before an extension."""
    text = _DECIMAL_TAIL.sub(r"\1", text)
    text = _FAX_BEFORE.sub(";\x01", _FAX_AFTER.sub("\x01;", text))
    text = _EXTENSION.sub("\x02", text)
    text = re.sub(r"[a-z]", ";", text).replace("\x01", "f").replace("\x02", "x")
    for stretch in _NOT_OURS.split(text):
        yield from (piece for piece in _divide(stretch) if re.search(r"[0-9]", piece))


def _divide(stretch: str) -> Iterator[str]:
    """07/338 3131 is one number and 338-3131/0912345678 are two: blanks and slashes divide only whole numbers."""
    pieces = _DIVIDER.split(stretch)
    part = pieces[0]
    for divider, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        fresh = piece.lstrip("(").startswith("0")
        after_whole = _is_whole(part) and (fresh or "/" in divider)
        if after_whole or (fresh and _is_whole(piece)) or (piece.startswith("+") and _digits(part)):
            yield part
            part = piece
        else:
            part += piece
    yield part


def _is_whole(part: str) -> bool:
    national = _TAIWAN.sub("0", _digits(part.partition("x")[0]))
    return len(national) >= (9 if national.startswith("0") else 7)


def _digits(part: str) -> str:
    return re.sub(r"[^0-9+]", "", part)


def _read_candidate(candidate: str) -> Number | NoNumber:
    number, extension, _ = candidate.partition("x")
    answer = _read_digits(_digits(number))
    if isinstance(answer, NoNumber):
        return answer
    if "f" in candidate:
        return NoNumber(NumberReason.FAX)
    return NoNumber(NumberReason.EXTENSION) if extension else answer


def _read_digits(digits: str) -> Number | NoNumber:
    national = _TAIWAN.sub("0", digits)
    if reason := _unfit(national):
        return NoNumber(reason)
    parsed = phonenumbers.PhoneNumber(country_code=886, national_number=int(national))
    if not phonenumbers.is_valid_number_for_region(parsed, "TW"):
        return NoNumber(NumberReason.INVALID)
    kind = phonenumbers.number_type(parsed)
    if kind not in _DIALLED:
        return NoNumber(_REFUSED.get(kind, NumberReason.INVALID))
    return Number(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), _DIALLED[kind])


def _unfit(national: str) -> NumberReason | None:
    """What the length and the first digits alone rule out. `national` begins with 0 when the area is known."""
    if national.startswith(("+", "00")) and national.strip("0"):
        return NumberReason.FOREIGN
    if re.fullmatch(r"1[0-9]{2,3}", national):
        return NumberReason.SHORT_NUMBER
    if not national.startswith("0"):  # a spreadsheet drops the first 0; nine digits are then still one number only
        if len(national) < 9:
            return NumberReason.NO_AREA_CODE if len(national) in (7, 8) else NumberReason.TOO_SHORT
        national = "0" + national
    least = 10 if national.startswith("09") else 9
    if len(national) < least:
        return NumberReason.TOO_SHORT
    return NumberReason.TOO_LONG if len(national) > 11 else None
