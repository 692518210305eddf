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
    PERSONAL,
    WITHIN,
    cut_amount,
    cut_digits,
    cut_whole,
    fragments,
    make_personal,
    plain,
)


def texts(line: str) -> list[str]:
    return [fragment.text for fragment in fragments(line)]


@pytest.mark.parametrize(
    ("amount", "chinese", "english"),
    [
        (0, ["零元"], ["zero New Taiwan dollars"]),
        (1, ["一元"], ["one New Taiwan dollar"]),
        (999, ["九百九十九元"], ["nine hundred ninety-nine New Taiwan dollars"]),
        (1000, ["一千元"], ["one thousand New Taiwan dollars"]),
        (1034, ["一千零", "三十四元"], ["one thousand", "thirty-four New Taiwan dollars"]),
        (1234, ["一千", "兩百三十四元"], ["one thousand", "two hundred thirty-four New Taiwan dollars"]),
        (20_034, ["兩萬零", "三十四元"], ["twenty thousand", "thirty-four New Taiwan dollars"]),
        (2_000_000, ["兩百萬元"], ["two million New Taiwan dollars"]),
    ],
)
def test_an_amount_is_cut_at_its_thousands(amount: int, chinese: list[str], english: list[str]) -> None:
    assert texts(f"電費是{cut_amount(spoken_amount(amount, 'zh-TW'))}。") == ["電費是新臺幣", *chinese]
    assert texts(f"The amount is {cut_amount(spoken_amount(amount, 'en'))}.") == ["The amount is", *english]


@pytest.mark.parametrize("locale", ["zh-TW", "en"])
@given(st.integers(0, 10**12))
def test_a_cut_amount_is_still_the_amount(locale: str, amount: int) -> None:
    reading = spoken_amount(Decimal(amount), locale)
    assert plain(cut_amount(reading)) == reading
    assert all(piece == piece.strip() for piece in texts(cut_amount(reading)))


def test_amounts_up_to_twenty_thousand_need_few_clips() -> None:
    clips = {piece for amount in range(20_001) for piece in texts(cut_amount(spoken_amount(amount, "zh-TW")))}
    assert len(clips) < 1200  # 1,000 ends, and the thousands with 元, before a number, and with 零


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


def test_marks_are_never_heard_nor_seen() -> None:
    line = f"電號是{make_personal(cut_digits('零，四'))}。"
    assert plain(line) == "電號是零，四。"
    assert not any(CUT in one.text or PERSONAL in one.text for one in fragments(line))


@pytest.mark.parametrize("line", ["", "。", CUT, f"{CUT}，{CUT}"])
def test_a_line_that_says_nothing_has_no_clip(line: str) -> None:
    assert fragments(line) == ()
