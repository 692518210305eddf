"""Where the lines of a call are cut into clips, and how long the silence after each is.

A line that says the same to everybody is one clip. Amounts are cut at the thousands, digits are single clips, a date is
whole; said slowly, or in English, an amount is cut at the hundreds, too. So two thousand clips serve a million calls in
both languages and at both paces. The cuts are marks in the line itself, which `plain` takes out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

CUT = "\x01"  # one clip ends here and another begins
PERSONAL = "\x02"  # begins a clip whose words belong to one customer
SLOW_CUT = "\x03"  # a cut for whoever speaks slowly: then a break there is natural, and slow clips are the long ones
MARKS = re.compile(f"[{CUT}{PERSONAL}{SLOW_CUT}]")

BETWEEN_LINES = 800  # milliseconds
BETWEEN_CLAUSES = 250
WITHIN = 30  # where no pause is written: the clips' own edges are trimmed away
_ENDS = re.compile(r"[\s。，、；：？！.,;:?!]+$")
_BEGINS = re.compile(r"^[\s。，、；：？！.,;:?!]+")
# Chinese with its punctuation; or English words, of which one in capitals, or without a vowel, is an abbreviation.
_VOWELLESS = r"(?<![A-Za-z])[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{2,}(?![A-Za-z])"
_WORDS_ONLY = re.compile(
    r"[\u3007\u3400-\u9fff\uf900-\ufaff，。、；：？！「」（）\s]+|(?:(?![A-Z]{2}|"
    + _VOWELLESS
    + r")[A-Za-z]|[\s,.;:?!'’-])+"
)
_ZH_THOUSANDS = re.compile(r"^(新臺幣)(.*[千萬億兆]零?)?(.*)$")
_ZH_HUNDREDS = re.compile(r"(?<=百)(?![零元])")  # 一元 by itself has another tone than in 一百零一元
_EN_PIECES = re.compile(r".* (?:thousand|million|billion|trillion|quadrillion)\b|\S+ hundred|New Taiwan dollars?|\S+")


@dataclass(frozen=True, slots=True)
class Fragment:
    """One clip's words, without the punctuation around them, and the milliseconds of silence that follow them."""

    text: str
    pause: int
    personal: bool = False


def plain(line: str) -> str:
    """The line as it is read, without marks."""
    return MARKS.sub("", line)


@lru_cache(maxsize=2000)  # most lines are everybody's, 3 us each otherwise; more, and collecting garbage takes 0.1 s
def fragments(line: str, *, slow: bool = False) -> tuple[Fragment, ...]:
    """The clips of a marked line, in order. Punctuation, at the end of a clip or at the beginning of the next, is a
    pause; after the line there is a longer one."""
    found: list[Fragment] = []
    for piece, personal in _pieces(line, slow):
        bare = MARKS.sub("", piece)
        words = _ENDS.sub("", _BEGINS.sub("", bare))
        if found and _BEGINS.match(bare):
            found[-1] = replace(found[-1], pause=max(found[-1].pause, _pause_of(_BEGINS.match(bare))))
        if words:
            found.append(Fragment(words, _pause_of(_ENDS.search(bare)), personal))
    return (*found[:-1], replace(found[-1], pause=BETWEEN_LINES)) if found else ()


def _pieces(line: str, slow: bool) -> Iterator[tuple[str, bool]]:
    """Each with whether it belongs to one customer."""
    for piece in line.split(CUT):
        for part in piece.split(SLOW_CUT) if slow else [piece]:
            yield part, piece.startswith(PERSONAL)


def _pause_of(punctuation: re.Match[str] | None) -> int:
    return BETWEEN_CLAUSES if punctuation and punctuation[0].strip() else WITHIN


@lru_cache(maxsize=2000)
def is_readable(line: str) -> bool:
    """Whether no digit, abbreviation or symbol of the line would reach a speech engine, which reads them wrong: 1,002元
    as 一千二元, 3月 as "three yue"."""
    return all(_WORDS_ONLY.fullmatch(one.text) for one in fragments(line))


def cut_amount(reading: str) -> str:
    """An amount as `spoken_amount` reads it, cut before its number and at its thousands: 新臺幣|一千|兩百三十四元.
    Whole thousands keep their 元: a clip of one syllable sounds torn off. In English its words are so long that it is
    cut at the hundreds and before the currency, too: a thousand ends would be 35 MB."""
    if found := _ZH_THOUSANDS.match(reading):
        currency, thousands, rest = found[1], found[2] or "", _ZH_HUNDREDS.sub(SLOW_CUT, found[3])
        number = thousands + rest if rest == "元" else f"{thousands}{CUT}{rest}".removeprefix(CUT)
        return f"{currency}{CUT}{number}{CUT}"
    return CUT + f" {CUT}".join(_EN_PIECES.findall(reading)) + CUT


def cut_whole(reading: str) -> str:
    return f"{CUT}{reading}{CUT}"


def cut_digits(reading: str) -> str:
    """Digits as `spoken_digits` reads them, each a clip of its own, with the comma that makes the pause."""
    comma = "，" if "，" in reading else ", "
    return CUT + CUT.join(f"{digit}{comma}" for digit in reading.split(comma)).removesuffix(comma) + CUT


def make_personal(marked: str) -> str:
    """The same words, every clip of them marked as belonging to one customer."""
    pieces = [piece for piece in marked.split(CUT) if piece]
    return CUT + "".join(f"{PERSONAL}{piece}{CUT}" for piece in pieces)


CUTTERS = {"spoken_amount": cut_amount, "spoken_date": cut_whole, "spoken_digits": cut_digits}
