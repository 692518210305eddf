"""What belongs to one customer is marked in every clip of a call, whatever a template does to it."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from notifier.domain.script import fragments
from notifier.engine.spoken import Public, VoiceEnvironment

GIVEN: dict[str, Any] = {
    "caller": Public("台灣電力公司"), "name": "王小明", "account_no": "04123456789", "total": Decimal(1234),
    "due_on": date(2026, 12, 5), "today": date(2026, 12, 1), "bills": [{"account_no": "07123456789"}],
}  # fmt: skip


def clips(folder: Path, line: str, locale: str = "zh-TW", **given: Any) -> list[tuple[str, bool]]:
    (folder / "line.j2").write_text(line, "utf-8")
    text = VoiceEnvironment(folder, locale).get_template("line.j2").render(GIVEN | given)
    return [(one.text, one.personal) for one in fragments(text)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{{ caller }}，您好。", [("台灣電力公司，您好", False)]),
        ("電費是{{ total | spoken_amount }}。", [("電費是新臺幣", False), ("一千", False), ("兩百三十四元", False)]),
        ("期限是{{ due_on | spoken_date }}。", [("期限是", False), ("十二月五日", False)]),
        ("請撥{{ '19' | spoken_digits }}。", [("請撥", False), ("一", False), ("九", False)]),
    ],
)
def test_what_is_everybodys(folder: Path, line: str, said: list[tuple[str, bool]]) -> None:
    assert clips(folder, line) == said


@pytest.mark.parametrize(
    "line",
    [
        "{{ name }}您好。",
        "{{ name ~ '先生' }}您好。",
        "{{ name | upper }}您好。",
        "{{ name[0] }}先生您好。",
        "{{ [name] | join }}您好。",
        "{{ '%s先生' | format(name) }}您好。",
        "{% set who = name %}{{ who }}您好。",
        "{{ name | replace('王', '黃') }}您好。",
        "電號{{ account_no | spoken_digits }}。",
        "電號{{ account_no[:4] | spoken_digits }}。",
        "{% for bill in bills %}電號{{ bill.account_no | spoken_digits }}。{% endfor %}",
        "{{ caller ~ name }}。",
    ],
)
def test_no_expression_washes_it_off(folder: Path, line: str) -> None:
    said = clips(folder, line)
    assert any(personal for _, personal in said)
    secret = set("王小明黃零四七")
    assert all(personal for text, personal in said if secret & set(text))


@pytest.mark.parametrize("end", ["\x01", "\x02", "\n", "\x85", "\u2028", "\x1e"])
def test_a_value_cannot_end_its_own_mark(folder: Path, end: str) -> None:
    said = clips(folder, "{{ name }}您好。", name=f"王{end}小明")
    assert said == [("王小明", True), ("您好", False)]
