"""What is read aloud can be written down again, and is the same: nobody hears two values in one reading."""

import re
from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from notifier.domain.reading import (
    TOO_LARGE,
    spoken_amount,
    spoken_count,
    spoken_date,
    spoken_digits,
    spoken_ordinal,
    spoken_time,
)

ZH_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"兩": 2}
ZH_UNITS = {"十": 10, "百": 100, "千": 1000}
ZH_SECTIONS = {"萬": 10**4, "億": 10**8, "兆": 10**12}
EN_WORDS = {num2words(number): number for number in [*range(20), *range(20, 100, 10)]}
EN_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15}
ORDINALS = {num2words(day, to="ordinal"): day for day in range(1, 32)}
MONTHS = [date(2026, month, 1).strftime("%B") for month in range(1, 13)]
PARTS_OF_DAY = {"凌晨": 0, "上午": 0, "中午": 12, "下午": 12, "晚上": 12}
TODAY = date(2026, 11, 20)


def zh_number(words: str) -> int:
    total = section = digit = 0
    for word in words:
        if word in ZH_DIGITS:
            digit = ZH_DIGITS[word]
        elif word in ZH_UNITS:
            section, digit = section + (digit or 1) * ZH_UNITS[word], 0
        else:
            total, section, digit = total + (section + digit) * ZH_SECTIONS[word], 0, 0
    return total + section + digit


def en_number(words: str) -> int:
    total = group = 0
    for word in re.split("[ -]", words):
        if word in EN_SCALES:
            total, group = total + group * EN_SCALES[word], 0
        else:
            group = group * 100 if word == "hundred" else group + EN_WORDS[word]
    return total + group


def number(words: str, locale: str) -> int:
    return zh_number(words) if locale == "zh-TW" else en_number(words)


def en_year(words: str) -> int:
    """Two thousand five; or by the century: nineteen oh-five, nineteen hundred, twenty twenty-seven."""
    if " hundred" in words or "thousand" in words:
        return en_number(words)
    century, _, rest = words.partition(" ")
    return en_number(century) * 100 + en_number(rest.removeprefix("oh-"))


numbers = st.integers(0, TOO_LARGE - 1) | st.integers(0, 10**6)
each_locale = pytest.mark.parametrize("locale", ["zh-TW", "en"])


@each_locale
@settings(deadline=None, max_examples=500)
@given(numbers)
def test_amounts_and_counts(locale: str, value: int) -> None:
    amount = re.sub("新臺幣|元| New Taiwan dollars?", "", spoken_amount(value, locale))
    assert number(amount, locale) == value
    assert number(spoken_count(value, locale), locale) == value


@settings(deadline=None, max_examples=500)
@given(st.integers(1, TOO_LARGE - 1) | st.integers(1, 1000))
def test_ordinals(place: int) -> None:
    chinese = spoken_ordinal(place, "zh-TW")
    assert chinese[0] == "第"
    assert zh_number(chinese[1:]) == place
    assert "兩" not in chinese


days = st.dates(date(1912, 1, 1), date(2199, 12, 31)) | st.dates(date(2026, 1, 1), date(2026, 12, 31))


@settings(deadline=None, max_examples=500)
@given(days)
def test_dates(day: date) -> None:
    chinese = re.fullmatch("(?:民國(.+)年)?(.+)月(.+)日", spoken_date(day, "zh-TW", TODAY))
    assert chinese is not None
    year, month, of_month = (chinese[n] for n in (1, 2, 3))
    era = 1 if year == "元" else zh_number(year) if year else TODAY.year - 1911
    assert date(1911 + era, zh_number(month), zh_number(of_month)) == day
    assert (year is None) == (day.year == TODAY.year), "the year is said only when it is another"

    words, _, spoken_year = spoken_date(day, "en", TODAY).partition(", ")
    month_name, ordinal = words.split(" ")
    year_read = en_year(spoken_year) if spoken_year else TODAY.year
    assert date(year_read, MONTHS.index(month_name) + 1, ORDINALS[ordinal]) == day
    assert (spoken_year == "") == (day.year == TODAY.year)


def test_every_minute_of_a_day() -> None:
    for minute in range(24 * 60):
        at = time(minute // 60, minute % 60)
        assert zh_time(spoken_time(at, "zh-TW")) == at
        assert en_time(spoken_time(at, "en")) == at


def zh_time(words: str) -> time:
    part, hour, minute = words[:2], *re.split("[點分]", words[2:])[:2]
    of_day = zh_number(hour) % 12 + PARTS_OF_DAY[part]
    return time(of_day, zh_number(minute))


def en_time(words: str) -> time:
    if words in ("noon", "midnight"):
        return time(12 if words == "noon" else 0)
    hour, *minute, half = words.split(" ")
    of_hour = en_number(" ".join(minute).removeprefix("oh ")) if minute else 0
    return time(EN_WORDS[hour] % 12 + (12 if half == "p.m." else 0), of_hour)


@settings(deadline=None)
@given(st.text("0123456789", min_size=1, max_size=20), st.sampled_from(["一", "么"]))
def test_digit_strings(digits: str, one: str) -> None:
    chinese = spoken_digits(digits, "zh-TW", one=one).split("，")
    assert "".join(str((ZH_DIGITS | {"么": 1})[digit]) for digit in chinese) == digits
    assert "".join(str(EN_WORDS[digit]) for digit in spoken_digits(digits, "en").split(", ")) == digits


def test_no_two_values_sound_the_same() -> None:
    for locale in ("zh-TW", "en"):
        assert len({spoken_amount(value, locale) for value in range(100_000)}) == 100_000
        year = [TODAY + timedelta(days=n) for n in range(-400, 800)]
        assert len({spoken_date(day, locale, TODAY) for day in year}) == len(year)
