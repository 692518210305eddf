"""How the lines of a call read before they are spoken: who calls is said first, and no line is longer than one breath.

A line is heard once, by somebody who may be eighty and stands in a hallway. Eight seconds are what a listener of that
age can hold: some twenty words, as plain-speech guides have it for a sentence, or thirty-six Chinese characters at the
pace of our engines. What is longer is two lines, with a silence between them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal

from notifier.domain.lint import Finding
from notifier.domain.reading import FILTERS, NEED_TODAY

LONGEST = 8.0  # seconds
CHARACTERS = 4.5  # Chinese ones that an engine speaks in a second
WORDS = 2.5  # English ones
TODAY = date(2026, 12, 1)
RAW = {"zh-TW": "一二三四五六七八九十", "en": "one two three four"}  # a value that nobody has said how long it is
WORST: Mapping[str, object] = {
    "spoken_amount": Decimal(987_654),
    "spoken_count": 12,
    "spoken_ordinal": 12,
    "spoken_date": date(2027, 12, 27),  # of another year: then the year is said, too
    "spoken_time": time(23, 55),
    "spoken_digits": "0733831311",
    "section_name": "業務組",
}
SPEAKS = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_READ = re.compile(r"\|\s*(\w+)\s*$")
_LITERAL = re.compile(r"^\s*'([^']*)'|^\s*\"([^\"]*)\"")
_HAN = re.compile(r"[\u3007\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z][\w'’-]*|[0-9]+")


def lint_call(locale: str, text: str) -> list[Finding]:
    """What is wrong with how a voice template is cut into lines."""
    lines = [(number, line) for number, line in enumerate(_without_tags(text), 1) if line.strip()]
    return [*_first_line(lines), *_long_lines(locale, lines)]


def seconds(words: str) -> float:
    """How long the words take, said at the plain pace."""
    return len(_HAN.findall(words)) / CHARACTERS + len(_WORD.findall(words)) / WORDS


def _without_tags(text: str) -> list[str]:
    """The lines as they stand, without what is not said; as many as there were."""
    for pattern in (_COMMENT, _TAG):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text.split("\n")


def _first_line(lines: list[tuple[int, str]]) -> Iterator[Finding]:
    number, line = lines[0] if lines else (1, "")
    if "caller" not in "".join(SPEAKS.findall(line)):
        yield Finding(
            "caller_first",
            "a call says in its first line who is calling: a silent or nameless start is taken for a fraud's",
            "電話的第一句必須說明是誰來電，否則會被當成詐騙",
            line.strip(),
            number,
        )


def _long_lines(locale: str, lines: list[tuple[int, str]]) -> Iterator[Finding]:
    for number, line in lines:
        long = seconds(SPEAKS.sub(lambda match: _worst(match[1], locale), line))
        if long > LONGEST:
            yield Finding(
                "long_line",
                f"a line of up to {long:.0f} seconds; an elderly listener holds {LONGEST:.0f}: make two of it",
                f"一句最長約 {long:.0f} 秒，年長者一次只能聽清 {LONGEST:.0f} 秒：請分成兩句",
                line.strip(),
                number,
            )


def _worst(expression: str, locale: str) -> str:
    """The longest that an expression may be read as."""
    reader = _READ.search(expression)
    if reader is None:
        return RAW[locale]
    name = reader[1]
    literal = _LITERAL.search(expression)
    value = (literal[1] or literal[2] or "") if literal else WORST.get(name)
    read: Callable[..., str] | None = FILTERS.get(name)
    if value is None or read is None:
        return RAW[locale]
    return read(value, locale, TODAY) if name in NEED_TODAY else read(value, locale)
