"""Values as they are said aloud, in the two locales of the house: 'zh-TW' and 'en'.

Speech engines are never handed digits (eSpeak reads 1,002元 as 一千二元), so everything here is words. Every function
raises ValueError on a locale it does not speak and on a value that cannot be said truthfully.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType

from notifier.domain.written import (
    MONTHS,
    roc_year,
    section_name,
    whole_dollars,
    written_account,
    written_amount,
    written_date,
    written_period,
    zh_or_en,
)

TOO_LARGE = 10**16  # the first number beyond 兆, the largest unit said

_DIGITS = "零一二三四五六七八九"
_SECTIONS = ("", "萬", "億", "兆")  # each ten thousand times the one before
# fmt: off
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
_TENS = [
    "_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
]
# fmt: on
_THOUSANDS = ("", " thousand", " million", " billion", " trillion", " quadrillion")
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_PARTS_OF_DAY = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))  # until this hour
_LAST_WORD = re.compile(r"([ -])(?=\w+$)")
_SYMBOL = re.compile(r"[0-9]|[A-Za-z]|轉分機|分機|轉|#")
_SILENT = re.compile(r"[\s\-().,，+]+")


def spoken_amount(value: Decimal | int, locale: str) -> str:
    """新臺幣一千兩百三十四元; one thousand two hundred thirty-four New Taiwan dollars. Fractions are rounded half up to
    whole dollars. Raises ValueError for negative amounts and from 10^16 on."""
    dollars = whole_dollars(value)
    if zh_or_en(locale) == "zh":
        return f"新臺幣{_zh_number(dollars)}元"
    return f"{_en_number(dollars)} New Taiwan {'dollar' if dollars == 1 else 'dollars'}"


def spoken_count(count: int, locale: str) -> str:
    """A number before its measure word: 兩 (筆), 十二 (筆); two, twelve. Raises ValueError below 0, from 10^16 on."""
    if zh_or_en(locale) == "en":
        return _en_number(count)
    return "兩" if count == 2 else _zh_number(count)


def spoken_ordinal(place: int, locale: str) -> str:
    """A place in a row: 第二 (筆), 第十二 (筆); second, twelfth. Raises ValueError below 1, from 10^16 on."""
    if place < 1:
        raise ValueError("only places from the first on are read aloud")
    if zh_or_en(locale) == "en":
        return _ordinal(place)
    return f"第{_zh_number(place).replace('兩', '二')}"


def spoken_date(day: date, locale: str, today: date) -> str:
    """十二月五日, December fifth; in another year than today's 民國一百一十六年一月五日, January fifth, twenty
    twenty-seven. Raises ValueError in Chinese for a year before the ROC era (1912)."""
    same_year = day.year == today.year
    if zh_or_en(locale) == "zh":
        return f"{'' if same_year else _zh_year(day)}{_zh_number(day.month)}月{_zh_number(day.day)}日"
    spoken = f"{MONTHS[day.month - 1]} {_ordinal(day.day)}"
    return spoken if same_year else f"{spoken}, {_en_year(day.year)}"


def spoken_time(at: time | datetime, locale: str) -> str:
    """下午五點三十分, five thirty p.m.; seconds are dropped. A datetime must already be local."""
    if zh_or_en(locale) == "en":
        return _en_time(at.hour, at.minute)
    part = next(name for until, name in _PARTS_OF_DAY if at.hour < until)
    hour = at.hour % 12 or (0 if at.hour == 0 else 12)
    spoken = f"{part}{spoken_count(hour, locale)}點"
    if at.minute == 0:
        return spoken
    return f"{spoken}{'零' if at.minute < 10 else ''}{_zh_number(at.minute)}分"


def spoken_digits(text: str, locale: str, *, one: str = "一") -> str:
    """Digits and Latin letters one by one: 零，七，三; zero, seven, three. Dashes, blanks and brackets are silent, an
    extension is announced. `one` is how 1 is said in Chinese: 一, or 么 where the house prefers it.

    Raises ValueError when nothing is left to say, or on a sign it cannot say.
    """
    chinese = zh_or_en(locale) == "zh"
    said = [_zh_symbol(symbol, one) if chinese else _en_symbol(symbol) for symbol in _SYMBOL.findall(text)]
    if not said or _SILENT.sub("", _SYMBOL.sub("", text)):
        raise ValueError("cannot be read out digit by digit")  # the text itself may be personal: not in the message
    return ("，" if chinese else ", ").join(said)


def bind_filters(locale: str, today: date) -> dict[str, Callable[[object], str]]:
    """FILTERS for one message: each takes the value alone. Raises ValueError on an unknown locale."""
    zh_or_en(locale)
    return {name: _bind(read, name, locale, today) for name, read in FILTERS.items()}


def _bind(read: Callable[..., str], name: str, locale: str, today: date) -> Callable[[object], str]:
    bound = (locale, today) if name in NEED_TODAY else (locale,)

    def filter_value(value: object) -> str:
        str(value)  # an undefined template variable names itself here; a reader would only say TypeError
        return read(value, *bound)

    return filter_value


FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "spoken_amount": spoken_amount,
        "spoken_count": spoken_count,
        "spoken_ordinal": spoken_ordinal,
        "spoken_date": spoken_date,
        "spoken_time": spoken_time,
        "spoken_digits": spoken_digits,
        "written_amount": written_amount,
        "written_date": written_date,
        "written_account": written_account,
        "written_period": written_period,
        "section_name": section_name,
    }
)
"""Template filters by name: (value, locale), or (value, locale, today) for those in NEED_TODAY."""

NEED_TODAY = frozenset({"spoken_date", "written_date", "written_period"})


def _check(number: int) -> int:
    if not 0 <= number < TOO_LARGE:
        raise ValueError("only numbers from 0 to below 10^16 are read aloud")
    return number


def _zh_number(number: int) -> str:
    """As ICU's zh_Hant spell-out: one 零 for any gap, 十 and not 一十 where a number or a gap-led 萬 section begins,
    兩 before 百, 千, 萬, 億 and 兆."""
    if _check(number) < 10:
        return _DIGITS[number]
    said = ""
    gap = False
    for power in range(len(_SECTIONS) - 1, -1, -1):
        section = number // 10_000**power % 10_000
        if section == 0:
            gap = bool(said)
            continue
        gap = bool(said) and (gap or section < 1000)
        said += ("零" if gap else "") + _zh_section(section, short_ten=not said or power > 0) + _SECTIONS[power]
        if section == 2 and power:
            said = said[:-2] + "兩" + _SECTIONS[power]
        gap = False
    return said


def _zh_section(section: int, *, short_ten: bool) -> str:
    """A number below ten thousand; 10 to 19 begin with 十 when `short_ten`."""
    thousands, hundreds, tens, ones = (section // 10**place % 10 for place in (3, 2, 1, 0))
    said = _zh_place(thousands, "千") + ("零" if thousands and not hundreds and section % 1000 else "")
    said += _zh_place(hundreds, "百") + ("零" if hundreds and not tens and ones else "")
    if tens:
        said += "十" if short_ten and section < 20 else _DIGITS[tens] + "十"
    return said + (_DIGITS[ones] if ones else "")


def _zh_place(digit: int, unit: str) -> str:
    return ("兩" if digit == 2 else _DIGITS[digit]) + unit if digit else ""


def _zh_year(day: date) -> str:
    year = roc_year(day)
    return f"民國{'元' if year == 1 else _zh_number(year)}年"


def _en_number(number: int) -> str:
    if _check(number) == 0:
        return _ONES[0]
    groups = (number // 1000**power % 1000 for power in range(len(_THOUSANDS)))
    said = [_en_hundreds(group) + name for group, name in zip(groups, _THOUSANDS, strict=True) if group]
    return " ".join(reversed(said))


def _en_hundreds(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    said = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest:
        said.append(_en_tens(rest))
    return " ".join(said)


def _en_tens(number: int) -> str:
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def _ordinal(number: int) -> str:
    *head, last = _LAST_WORD.split(_en_number(number))
    return "".join(head) + (f"{last[:-1]}ieth" if last.endswith("y") else _ORDINALS.get(last, f"{last}th"))


def _en_year(year: int) -> str:
    century, rest = divmod(year, 100)
    if 2000 <= year < 2010 or rest == 0:
        return _en_number(year) if year % 1000 < 10 else f"{_en_tens(century)} hundred"
    return f"{_en_tens(century)} {'oh-' if rest < 10 else ''}{_en_tens(rest)}"


def _en_time(hour: int, minute: int) -> str:
    if minute == 0 and hour in (0, 12):
        return "noon" if hour else "midnight"
    minutes = "" if minute == 0 else f" oh {_ONES[minute]}" if minute < 10 else f" {_en_tens(minute)}"
    return f"{_ONES[hour % 12 or 12]}{minutes} {'a.m.' if hour < 12 else 'p.m.'}"


def _zh_symbol(symbol: str, one: str) -> str:
    if symbol == "1":
        return one
    if symbol.isdecimal():
        return _DIGITS[int(symbol)]
    return symbol.upper() if symbol.isascii() and symbol.isalpha() else "分機"


def _en_symbol(symbol: str) -> str:
    if symbol.isdecimal():
        return _ONES[int(symbol)]
    return symbol.upper() if symbol.isascii() and symbol.isalpha() else "extension"
