import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from random import Random

import cn2an
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from notifier.domain.reading import (
    FILTERS,
    NEED_TODAY,
    bind_filters,
    spoken_amount,
    spoken_count,
    spoken_date,
    spoken_digits,
    spoken_ordinal,
    spoken_time,
)

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("amount", "spoken"),
    [
        (0, "零"),
        (1, "一"),
        (2, "二"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (102, "一百零二"),
        (112, "一百一十二"),
        (200, "兩百"),
        (222, "兩百二十二"),
        (1002, "一千零二"),
        (1234, "一千兩百三十四"),
        (2002, "兩千零二"),
        (2222, "兩千兩百二十二"),
        (10_010, "一萬零一十"),
        (20_000, "兩萬"),
        (22_000, "兩萬兩千"),
        (102_000, "十萬兩千"),
        (120_000, "十二萬"),
        (220_000, "二十二萬"),
        (1_020_000, "一百零二萬"),
        (20_001_000, "兩千萬一千"),
        (100_001_000, "一億零一千"),
        (100_020_000, "一億零兩萬"),
        (1_000_120_000, "十億零十二萬"),
        (200_000_000, "兩億"),
        (10**12, "一兆"),
        (2 * 10**12 + 2, "兩兆零二"),
    ],
)
def test_amounts_in_chinese(amount: int, spoken: str) -> None:
    assert spoken_amount(amount, "zh-TW") == f"新臺幣{spoken}元"


def oracle(number: int) -> str:
    """cn2an in traditional characters, with 兩, and its two departures from ICU undone: it drops the 零 of 一億零一千,
    and says 零一十二萬 where ICU says 零十二萬."""
    said = cn2an.an2cn(number, "low").translate(str.maketrans("万亿", "萬億"))
    if number >= 10**8 and 1000 <= number % 10**8 < 10_000:
        said = said.replace("億", "億零", 1)
    said = re.sub("億零一十(.?)萬", r"億零十\1萬", said)
    said = re.sub("二(?=[百千])", "兩", said)
    return re.sub("(^|億零?)二(?=[萬億])", r"\1兩", said)


def sample() -> Iterator[int]:
    """Every number to 60,000, then around every power and through every magnitude: more than 100,000 in all."""
    yield from range(60_001)
    random = Random(20261120)
    for power in range(5, 13):
        yield from (n for n in range(10**power - 150, 10**power + 150) if n < 10**12)
    for _ in range(38_000):
        yield random.randrange(10 ** random.randint(5, 12))
        # few digits that are not zero: where the rules for 零 are
    for _ in range(8_000):
        yield sum(random.randint(1, 12) * 10 ** random.randint(0, 10) for _ in range(3))


def test_chinese_numbers_agree_with_the_oracle() -> None:
    checked = 0
    for number in sample():
        assert spoken_amount(number, "zh-TW") == f"新臺幣{oracle(number)}元", number
        checked += 1
    assert checked >= 100_000


def in_english(number: int, to: str = "cardinal") -> str:
    """num2words as Americans say it: without its "and" and its commas."""
    return str(num2words(number, to=to)).replace(",", "").replace(" and ", " ")


def test_english_numbers_agree_with_the_oracle() -> None:
    """A third of the sample: the oracle takes 30 us for each."""
    checked = 0
    for number in islice(sample(), 0, None, 3):
        dollars = "dollar" if number == 1 else "dollars"
        assert spoken_amount(number, "en") == f"{in_english(number)} New Taiwan {dollars}"
        checked += 1
    assert checked >= 35_000


@settings(deadline=None)
@given(st.integers(0, 10**15))
def test_large_english_numbers_agree_with_the_oracle(number: int) -> None:
    assert spoken_count(number, "en") == in_english(number)


@settings(deadline=None)
@given(st.integers(0, 10**12))
def test_no_digit_ever_reaches_the_speech_engine(number: int) -> None:
    for locale in ("zh-TW", "en"):
        assert not re.search(r"\d", spoken_amount(number, locale))
        assert not re.search(r"\d", spoken_digits(str(number), locale))


@pytest.mark.parametrize(
    ("amount", "spoken"), [("1234.49", "一千兩百三十四"), ("1234.50", "一千兩百三十五"), ("0.5", "一"), ("-0", "零")]
)
def test_fractions_are_rounded_half_up(amount: str, spoken: str) -> None:
    assert spoken_amount(Decimal(amount), "zh-TW") == f"新臺幣{spoken}元"


@pytest.mark.parametrize("amount", [-1, Decimal("-0.01"), Decimal("NaN"), Decimal("Infinity"), 10**16])
@pytest.mark.parametrize("locale", ["zh-TW", "en"])
def test_an_amount_that_cannot_be_owed_is_refused(amount: Decimal | int, locale: str) -> None:
    with pytest.raises(ValueError, match=r"amount|numbers"):
        spoken_amount(amount, locale)


@pytest.mark.parametrize(
    ("count", "chinese", "english"),
    [(1, "一", "one"), (2, "兩", "two"), (12, "十二", "twelve"), (22, "二十二", "twenty-two")],
)
def test_counts(count: int, chinese: str, english: str) -> None:
    assert (spoken_count(count, "zh-TW"), spoken_count(count, "en")) == (chinese, english)


@pytest.mark.parametrize(
    ("place", "chinese", "english"),
    [
        (1, "第一", "first"),
        (2, "第二", "second"),
        (3, "第三", "third"),
        (10, "第十", "tenth"),
        (12, "第十二", "twelfth"),
        (20, "第二十", "twentieth"),
        (22, "第二十二", "twenty-second"),
        (102, "第一百零二", "one hundred second"),
        (200, "第二百", "two hundredth"),
    ],
)
def test_ordinals(place: int, chinese: str, english: str) -> None:
    assert (spoken_ordinal(place, "zh-TW"), spoken_ordinal(place, "en")) == (chinese, english)


def test_ordinals_agree_with_the_oracles() -> None:
    """In Chinese a place in a row takes 二, never 兩: as cn2an says every number."""
    for place in [*range(1, 10_000), 10**5 + 22, 10**6, 10**9 + 1, 10**12 - 1]:
        simplified = cn2an.an2cn(place, "low").translate(str.maketrans("万亿", "萬億"))
        assert (
            spoken_ordinal(place, "zh-TW") == f"第{simplified.removeprefix('一') if 10 <= place < 20 else simplified}"
        )
        assert spoken_ordinal(place, "en") == in_english(place, "ordinal")


@pytest.mark.parametrize("place", [0, -1, 10**16])
@pytest.mark.parametrize("locale", ["zh-TW", "en"])
def test_there_is_no_place_before_the_first(place: int, locale: str) -> None:
    with pytest.raises(ValueError, match=r"places|numbers"):
        spoken_ordinal(place, locale)


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (date(2026, 12, 5), "十二月五日", "December fifth"),
        (date(2026, 2, 28), "二月二十八日", "February twenty-eighth"),
        (date(2026, 10, 10), "十月十日", "October tenth"),
        (date(2026, 12, 31), "十二月三十一日", "December thirty-first"),
        (date(2027, 1, 5), "民國一百一十六年一月五日", "January fifth, twenty twenty-seven"),
        (date(2025, 12, 5), "民國一百一十四年十二月五日", "December fifth, twenty twenty-five"),
        (date(2005, 3, 1), "民國九十四年三月一日", "March first, two thousand five"),
        (date(2000, 3, 1), "民國八十九年三月一日", "March first, two thousand"),
        (date(1912, 1, 1), "民國元年一月一日", "January first, nineteen twelve"),
    ],
)
def test_dates(day: date, chinese: str, english: str) -> None:
    assert spoken_date(day, "zh-TW", TODAY) == chinese
    assert spoken_date(day, "en", TODAY) == english


@settings(deadline=None)
@given(st.dates(date(1912, 1, 1), date(2199, 12, 31)))
def test_english_dates_agree_with_the_oracle(day: date) -> None:
    year = num2words(day.year, to="year").replace(" and ", " ")
    expected = f"{day:%B} {num2words(day.day, to='ordinal')}"
    assert spoken_date(day, "en", TODAY) == (expected if day.year == TODAY.year else f"{expected}, {year}")


def test_a_date_before_the_era_is_refused() -> None:
    with pytest.raises(ValueError, match="ROC"):
        spoken_date(date(1911, 12, 31), "zh-TW", TODAY)


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        (time(17, 30), "下午五點三十分", "five thirty p.m."),
        (time(0, 0), "凌晨零點", "midnight"),
        (time(0, 5), "凌晨零點零五分", "twelve oh five a.m."),
        (time(2, 2), "凌晨兩點零二分", "two oh two a.m."),
        (time(9, 0), "上午九點", "nine a.m."),
        (time(12, 0), "中午十二點", "noon"),
        (time(12, 20), "中午十二點二十分", "twelve twenty p.m."),
        (time(14, 2, 59), "下午兩點零二分", "two oh two p.m."),
        (time(20, 45), "晚上八點四十五分", "eight forty-five p.m."),
    ],
)
def test_times(at: time, chinese: str, english: str) -> None:
    assert (spoken_time(at, "zh-TW"), spoken_time(at, "en")) == (chinese, english)
    assert spoken_time(datetime.combine(TODAY, at), "en") == english


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("1911", "一，九，一，一", "one, nine, one, one"),
        (
            "(07)338-3131",
            "零，七，三，三，八，三，一，三，一",
            "zero, seven, three, three, eight, three, one, three, one",
        ),
        ("338 3131 轉 12", "三，三，八，三，一，三，一，分機，一，二", None),
        ("31#12", "三，一，分機，一，二", "three, one, extension, one, two"),
        ("7k3M", "七，K，三，M", "seven, K, three, M"),
        ("04", "零，四", "zero, four"),
    ],
)
def test_digits_one_by_one(text: str, chinese: str, english: str | None) -> None:
    assert spoken_digits(text, "zh-TW") == chinese
    assert english is None or spoken_digits(text, "en") == english


def test_the_house_may_prefer_yao() -> None:
    assert spoken_digits("1911", "zh-TW", one="么") == "么，九，么，么"


@pytest.mark.parametrize("text", ["", " - ", "07-338?", "電話07"])
def test_what_cannot_be_read_out_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="digit by digit"):
        spoken_digits(text, "en")


@pytest.mark.parametrize("name", sorted(FILTERS))
@pytest.mark.parametrize("locale", ["zh-CN", "zh", "en-US", ""])
def test_an_unknown_locale_is_refused(name: str, locale: str) -> None:
    values: dict[str, object] = {"amount": 1, "count": 1, "ordinal": 1, "date": TODAY, "time": time(9), "digits": "1"}
    value = values.get(name.partition("_")[2], "04123456789")
    with pytest.raises(ValueError, match="locale"):
        FILTERS[name](value, locale, *([TODAY] if name in NEED_TODAY else []))


def test_bound_filters_take_the_value_alone() -> None:
    filters = bind_filters("zh-TW", TODAY)
    assert set(filters) == set(FILTERS)
    assert filters["spoken_date"](date(2026, 12, 5)) == "十二月五日"
    assert filters["written_amount"](1234) == "新臺幣1,234元"
    with pytest.raises(ValueError, match="locale"):
        bind_filters("fr", TODAY)
