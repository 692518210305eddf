"""The table of figures on the page "What we promise", written by the run that measured them."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "what-we-promise.md"
BLOCK = re.compile(r"(?<=<!-- figures: written by make faults -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)

Noted = tuple[str, str, Any]  # the test, what it measured, how much


def write_figures(noted: Iterable[Noted], passed: int, minutes: float, page: Path = PAGE) -> None:
    """Put the table in the place of the last one. Raises ValueError when the page has no place for it."""
    text = page.read_text("utf-8")
    written, places = BLOCK.subn(lambda _: _table(noted, passed, minutes), text)
    if places != 1:
        raise ValueError(f"{page.name} does not have one place for the figures")
    page.write_text(written, "utf-8")


def _table(noted: Iterable[Noted], passed: int, minutes: float) -> str:
    rows = [f"| {_words(test)} | {_cell(what)} | {_cell(value)} |" for test, what, value in sorted(_summed(noted))]
    head = f"{date.today()}: {passed} tests passed in {minutes:.0f} minutes on {os.cpu_count()} cores."
    return "\n".join(["", head, "", "| test | what | measured |", "|---|---|---|", *rows, "", ""])


def _summed(noted: Iterable[Noted]) -> list[Noted]:
    """Counts of the same thing by the runs of one test added up, the rest as it is."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    runs: Counter[tuple[str, str]] = Counter()
    rest: list[Noted] = []
    for test, what, value in noted:
        if isinstance(value, dict):
            place = (test.partition("[")[0], what)
            sums.setdefault(place, Counter()).update(value)
            runs[place] += 1
        else:
            rest.append((test, what, value))
    return rest + [(test, f"{what}, in {runs[test, what]} runs", dict(sums[test, what])) for test, what in sums]


def _words(test: str) -> str:
    """`kill/test_kill.py::test_two_hundred_deaths[3]` as a person would say it."""
    file, _, name = test.partition("::")
    return _cell(f"{Path(file).stem.removeprefix('test_')}: {name.removeprefix('test_')}".replace("_", " "))


def _cell(value: object) -> str:
    words = ", ".join(f"{name} {count}" for name, count in value.items()) if isinstance(value, dict) else str(value)
    return words.replace("|", "/").replace("\n", " ")
