from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.written import (
    mask_account,
    mask_phone,
    written_account,
    written_amount,
    written_date,
    written_period,
)

TODAY = date(2026, 11, 20)


def test_amounts() -> None:
    assert written_amount(Decimal("1234.5"), "zh-TW") == "新臺幣1,235元"
    assert written_amount(1234, "en") == "NT$1,234"
    with pytest.raises(ValueError, match="amount"):
        written_amount(-1, "en")


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (date(2026, 12, 5), "12月5日", "December 5"),
        (date(2027, 1, 5), "116年1月5日", "January 5, 2027"),
    ],
)
def test_dates(day: date, chinese: str, english: str) -> None:
    assert (written_date(day, "zh-TW", TODAY), written_date(day, "en", TODAY)) == (chinese, english)


@pytest.mark.parametrize(
    ("period", "chinese", "english"),
    [
        ("2026-10", "10月", "October"),
        ("2025-12", "114年12月", "December 2025"),
        ("2026-09/2026-10", "9至10月", "September to October"),
        ("2025-09/2025-10", "114年9至10月", "September to October 2025"),
        ("2025-12/2026-01", "114年12月至115年1月", "December 2025 to January 2026"),
        ("2026-13", "2026-13", "2026-13"),
        ("秋季", "秋季", "秋季"),
    ],
)
def test_periods(period: str, chinese: str, english: str) -> None:
    assert written_period(period, "zh-TW", TODAY) == chinese
    assert written_period(period, "en", TODAY) == english


@pytest.mark.parametrize("account", ["04123456789", "04-12-3456-78-9", " 04 12345678 9"])
def test_an_account_is_printed_as_on_the_bill(account: str) -> None:
    assert written_account(account) == "04-12-3456-78-9"
    assert mask_account(account) == "04-**-****-**-9"


@pytest.mark.parametrize("account", ["", "0412345678", "041234567890", "0412345678x"])
def test_a_malformed_account_is_refused_and_not_quoted(account: str) -> None:
    with pytest.raises(ValueError, match=r"^an account number has 11 digits$"):
        written_account(account)
    assert mask_account(account) == "*" * min(len(account), 11)


@pytest.mark.parametrize(
    ("number", "masked"),
    [("+886912345678", "+886*****678"), ("0912-345-678", "*****678"), ("+14155550100", "*****100"), ("1911", "***")],
)
def test_a_telephone_is_masked(number: str, masked: str) -> None:
    assert mask_phone(number) == masked


@settings(deadline=None)
@given(st.text())
def test_a_mask_never_raises(text: str) -> None:
    assert len(mask_phone(text)) <= 12
    assert len(mask_account(text)) <= 15
