"""Where lines are cut into clips."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.reading import spoken_amount, spoken_digits
from notifier.domain.script import (
    BETWEEN_CLAUSES,
    BETWEEN_LINES,
    CUT,
    MARKS,
    WITHIN,
    cut_amount,
    cut_digits,
    cut_whole,
    fragments,
    make_personal,
    plain,
)


def texts(line: str, *, slow: bool = False) -> list[str]:
    return [fragment.text for fragment in fragments(line, slow=slow)]


@pytest.mark.parametrize(
    ("amount", "chinese", "slowly", "english"),
    [
        (0, ["零元"], ["零元"], ["zero"]),
        (2, ["二元"], ["二元"], ["two"]),
        (200, ["兩百元"], ["兩百元"], ["two hundred"]),
        (101, ["一百零一元"], ["一百零一元"], ["one hundred", "one"]),
        (112, ["一百一十二元"], ["一百", "一十二元"], ["one hundred", "twelve"]),
        (999, ["九百九十九元"], ["九百", "九十九元"], ["nine hundred", "ninety-nine"]),
        (1000, ["一千元"], ["一千元"], ["one thousand"]),
        (1034, ["一千零", "三十四元"], ["一千零", "三十四元"], ["one thousand", "thirty-four"]),
        (1234, ["一千", "兩百三十四元"], ["一千", "兩百", "三十四元"], ["one thousand", "two hundred", "thirty-four"]),
        (20_034, ["兩萬零", "三十四元"], ["兩萬零", "三十四元"], ["twenty thousand", "thirty-four"]),
        (2_000_000, ["兩百萬元"], ["兩百萬元"], ["two million"]),
        (10**15, ["一千兆元"], ["一千兆元"], ["one quadrillion"]),
    ],
)
def test_an_amount_is_cut_at_its_thousands(
    amount: int, chinese: list[str], slowly: list[str], english: list[str]
) -> None:
    line = f"電費是{cut_amount(spoken_amount(amount, 'zh-TW'))}。"
    assert texts(line) == ["電費是新臺幣", *chinese]
    assert texts(line, slow=True) == ["電費是新臺幣", *slowly]
    line = f"The amount is {cut_amount(spoken_amount(amount, 'en'))}."
    assert texts(line) == texts(line, slow=True) == ["The amount is", *english, "New Taiwan dollars"]


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
@given(st.integers(0, 10**12))
def test_a_cut_amount_is_still_the_amount(locale: str, amount: int) -> None:
    reading = spoken_amount(Decimal(amount), locale)
    assert plain(cut_amount(reading)) == reading
    for slow in (False, True):
        pieces = texts(cut_amount(reading), slow=slow)
        assert "".join(pieces).replace(" ", "") == reading.replace(" ", "")
        assert all(piece == piece.strip() for piece in pieces)


@pytest.mark.parametrize(
    ("locale", "slow", "most"),
    [
        ("zh-TW", False, 1200),  # 1,000 ends, and the thousands with 元, before a number, and with 零
        ("zh-TW", True, 400),
        ("en", False, 150),
        ("en", True, 150),
    ],
)
def test_amounts_up_to_twenty_thousand_need_few_clips(locale: str, slow: bool, most: int) -> None:
    lines = (cut_amount(spoken_amount(amount, locale)) for amount in range(20_001))
    assert len({piece for line in lines for piece in texts(line, slow=slow)}) < most


def test_digits_are_single_clips_with_time_to_write_them_down() -> None:
    line = f"電話是{cut_digits(spoken_digits('07-338', 'zh-TW'))}。"
    assert [(one.text, one.pause) for one in fragments(line)] == [
        ("電話是", WITHIN), ("零", BETWEEN_CLAUSES), ("七", BETWEEN_CLAUSES), ("三", BETWEEN_CLAUSES),
        ("三", BETWEEN_CLAUSES), ("八", BETWEEN_LINES),
    ]  # fmt: skip
    assert texts(f"The number is {cut_digits(spoken_digits('07', 'en'))}.") == ["The number is", "zero", "seven"]


def test_a_date_is_whole() -> None:
    assert texts(f"繳費期限是{cut_whole('十二月五日')}，請記得繳費。") == ["繳費期限是", "十二月五日", "請記得繳費"]


def test_punctuation_after_a_clip_is_its_pause() -> None:
    (first, date, last) = fragments(f"期限是{cut_whole('十二月五日')}，請記得繳費。")
    assert (first.pause, date.pause, last.pause) == (WITHIN, BETWEEN_CLAUSES, BETWEEN_LINES)


def test_a_line_for_everybody_is_one_clip() -> None:
    assert texts("聽清楚了，請按一。") == ["聽清楚了，請按一"]


def test_what_is_personal_stays_so_in_every_clip() -> None:
    line = f"電號是{make_personal(cut_digits(spoken_digits('04', 'zh-TW')))}。"
    assert [(one.text, one.personal) for one in fragments(line)] == [("電號是", False), ("零", True), ("四", True)]


def test_what_is_cut_for_slow_speech_stays_personal_too() -> None:
    line = make_personal(cut_amount(spoken_amount(1234, "zh-TW")))
    for slow in (False, True):
        assert all(one.personal for one in fragments(line, slow=slow))


def test_marks_are_never_heard_nor_seen() -> None:
    line = f"電號是{make_personal(cut_digits('零，四'))}。"
    assert plain(line) == "電號是零，四。"
    assert not any(MARKS.search(one.text) for one in fragments(line))


@pytest.mark.parametrize("line", ["", "。", CUT, f"{CUT}，{CUT}"])
def test_a_line_that_says_nothing_has_no_clip(line: str) -> None:
    assert fragments(line) == ()
