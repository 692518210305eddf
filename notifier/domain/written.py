"""Values as they are printed in an SMS, an e-mail or a page, and masked where only a trace of them may show.

The masks never raise, whatever a cell holds; the rest raise ValueError on what they cannot print truthfully.
"""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

ROC_EPOCH = 1911  # 民國 1 is 1912
# fmt: off
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
# fmt: on

_ACCOUNT = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})([0-9]{2})([0-9])")
_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])(?:/([0-9]{4})-(0[1-9]|1[0-2]))?")


def zh_or_en(locale: str) -> Literal["zh", "en"]:
    """The language of a locale of the house. Raises ValueError on any other."""
    match locale:
        case "zh-TW":
            return "zh"
        case "en":
            return "en"
    raise ValueError(f"locale {locale!r}: only 'zh-TW' and 'en' are spoken and written")


def whole_dollars(value: Decimal | int) -> int:
    """NT$ rounded half up to whole dollars. Raises ValueError for a negative amount and for what is no number."""
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise ValueError("an amount must be a number, not negative")
    return int(amount.to_integral_value(ROUND_HALF_UP))


def roc_year(day: date) -> int:
    """The year of the ROC era. Raises ValueError before its first, 1912."""
    if day.year <= ROC_EPOCH:
        raise ValueError(f"{day} is before the ROC era")
    return day.year - ROC_EPOCH


def written_amount(value: Decimal | int, locale: str) -> str:
    """新臺幣1,234元, NT$1,234; rounded as `whole_dollars` does."""
    dollars = f"{whole_dollars(value):,}"
    return f"新臺幣{dollars}元" if zh_or_en(locale) == "zh" else f"NT${dollars}"


def written_date(day: date, locale: str, today: date) -> str:
    """12月5日, December 5; in another year than today's 116年1月5日, January 5, 2027."""
    elsewhere = day.year != today.year
    if zh_or_en(locale) == "zh":
        return f"{f'{roc_year(day)}年' if elsewhere else ''}{day.month}月{day.day}日"
    return f"{MONTHS[day.month - 1]} {day.day}{f', {day.year}' if elsewhere else ''}"


def written_period(period: str, locale: str, today: date) -> str:
    """The months a bill is for: '2026-09/2026-10' is 9至10月, September-October; with the year when it is not today's.
    Any other form is the utility's own wording and is printed as it stands."""
    chinese = zh_or_en(locale) == "zh"
    match = _PERIOD.fullmatch(period.strip())
    if not match:
        return period
    months = [(int(match[1]), int(match[2]))]
    if match[3]:
        months.append((int(match[3]), int(match[4])))
    return _zh_months(months, today) if chinese else _en_months(months, today)


def written_account(account: str, locale: str = "zh-TW") -> str:
    """An account number in full as the bill shows it, 04-12-3456-78-9. Raises ValueError unless it has 11 digits."""
    zh_or_en(locale)
    match = _ACCOUNT.fullmatch(re.sub(r"[\s-]", "", account))
    if not match:
        raise ValueError("an account number has 11 digits")  # not quoted: it would end up in a log
    return "-".join(match.groups())


def mask_account(account: str) -> str:
    """04-**-****-**-9: enough to tell two accounts apart in a log, not enough to find one."""
    match = _ACCOUNT.fullmatch(re.sub(r"[\s-]", "", account))
    return f"{match[1]}-**-****-**-{match[5]}" if match else "*" * min(len(account), 11)


def mask_phone(number: str) -> str:
    """+886*****678: the last three digits. A number too short to hide anything in is hidden whole."""
    digits = re.sub(r"[^0-9]", "", number)
    if len(digits) < 7:
        return "***"
    return f"{'+886' if number.startswith('+886') else ''}*****{digits[-3:]}"


def _zh_months(months: list[tuple[int, int]], today: date) -> str:
    (year, month), (last_year, last_month) = months[0], months[-1]
    lead = "" if year == last_year == today.year else f"{year - ROC_EPOCH}年"
    tail_year = "" if last_year == year else f"{last_year - ROC_EPOCH}年"
    if len(months) == 1:
        return f"{lead}{month}月"
    return f"{lead}{month}{'月' if tail_year else ''}至{tail_year}{last_month}月"


def _en_months(months: list[tuple[int, int]], today: date) -> str:
    (year, month), (last_year, last_month) = months[0], months[-1]
    tail = "" if year == last_year == today.year else f" {last_year}"
    if len(months) == 1:
        return f"{MONTHS[month - 1]}{tail}"
    first = MONTHS[month - 1] + ("" if year == last_year else f" {year}")
    return f"{first} to {MONTHS[last_month - 1]}{tail}"


# The sections of a district office, as an English message names them. A name that is not here becomes "our office":
# one Chinese character would double the price of an English SMS, and an English voice cannot say it.
SECTIONS_IN_ENGLISH = {
    "業務組": "Customer Service Section",
    "電費組": "Billing Section",
    "設計組": "Design Section",
    "工務段": "Works Section",
    "總務組": "General Affairs Section",
}


def section_name(section: str, locale: str) -> str:
    """Who answers for the matter: 電費組, the Billing Section. Raises ValueError for no name at all."""
    if not section.strip():
        raise ValueError("a section without a name")
    if zh_or_en(locale) == "zh":
        return section
    return f"the {SECTIONS_IN_ENGLISH[section]}" if section in SECTIONS_IN_ENGLISH else "our office"
