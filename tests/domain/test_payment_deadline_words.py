"""The words of the payment-deadline campaign, rendered with Jinja alone: every channel, both locales, few and many."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import jinja2
import pytest

from notifier.domain.lint import lint_template
from notifier.domain.purpose import Purpose
from notifier.domain.reading import bind_filters, spoken_amount, spoken_date
from notifier.domain.sms_length import count_segments

TEMPLATES = Path(__file__).parents[2] / "templates" / "payment_deadline"
TODAY = date(2026, 11, 20)
DUE = date(2026, 12, 5)
LOCALES = ("zh-TW", "en")
CALLERS = {"zh-TW": "台灣電力公司楠梓服務所", "en": "Taipower Nanzi Service Office"}
SECTIONS = {"zh-TW": "電費組", "en": "the Billing Section"}


@dataclass(frozen=True)
class Bill:
    bill_no: str
    account_no: str
    period: str
    amount: Decimal
    due_on: date


def variables(locale: str, count: int, *, summed: bool | None = None) -> dict[str, object]:
    bills = [
        Bill(f"B{n}", f"0412345678{n}", "2026-09/2026-10", Decimal(1234 + n), DUE + timedelta(days=n))
        for n in range(count)
    ]
    return {
        "caller": CALLERS[locale],
        "bills": bills,
        "count": count,
        "total": sum((bill.amount for bill in bills), Decimal(0)),
        "due_on": DUE,
        "summed": count > 5 if summed is None else summed,
        "account_no": bills[0].account_no,
        "section": SECTIONS[locale],
        "section_phone": "07-338-3131",
        "notice_code": "7K3M2Q",
        "optout_email": "optout@example.org",
    }


def template(channel: str, locale: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, autoescape=False
    )
    environment.filters.update(bind_filters(locale, TODAY))
    return environment.get_template(f"{channel}.{locale}.j2")


def render(channel: str, locale: str, count: int, **chosen: bool) -> str:
    return template(channel, locale).render(variables(locale, count, **chosen))


def spoken_lines(locale: str, count: int) -> tuple[list[str], list[str]]:
    lines = [line for line in render("voice", locale, count).splitlines() if line.strip()]
    middle = lines.index("---")
    answers = next(number for number, line in enumerate(lines) if line.startswith("--- "))
    return lines[:middle], lines[middle + 1 : answers]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("channel", ["voice", "sms", "email"])
def test_every_template_is_clean_in_source_and_rendered(channel: str, locale: str) -> None:
    source = (TEMPLATES / f"{channel}.{locale}.j2").read_text(encoding="utf-8")
    assert lint_template(Purpose.COLLECTION, channel, locale, source) == []
    for count in (1, 3, 7):
        assert lint_template(Purpose.COLLECTION, channel, locale, render(channel, locale, count)) == []


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_essential_part_of_a_call(locale: str, count: int) -> None:
    essential, rest = spoken_lines(locale, count)
    values = variables(locale, count)
    assert essential[0].startswith(CALLERS[locale])
    assert CALLERS[locale] in essential[2]  # after two short lines, about 7 s
    assert isinstance(values["total"], Decimal)
    for said in (spoken_amount(values["total"], locale), spoken_date(DUE, locale, TODAY)):
        assert sum(said in line for line in essential) == 2
    assert not any(re.search(r"[0-9]", line) for line in essential + rest)
    assert not any("7K3M2Q" in line for line in essential + rest)


def test_the_chinese_lines_are_short() -> None:
    essential, rest = spoken_lines("zh-TW", 3)
    assert max(map(len, essential + rest)) <= 32


def test_the_keys_of_the_call_are_told() -> None:
    _, rest = spoken_lines("zh-TW", 1)
    assert [key for line in rest for key in re.findall("請按(.+?)。", line)] == [
        "一",
        "三",
        "四",
        "七",
        "八",
        "九",
        "米字鍵",
    ]
    assert "For English, press zero." in rest
    assert "一，九，一，一" in rest[-1]  # the dialogue itself says goodbye, after it has waited for a key


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_an_sms_is_two_segments_at_most(count: int) -> None:
    for locale, encoding in (("zh-TW", "UCS-2"), ("en", "GSM-7")):
        length = count_segments(render("sms", locale, count))
        assert length.encoding == encoding
        assert length.segments <= 2
        assert "\n" not in render("sms", locale, count)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_the_account_is_shown_in_full_unless_the_bills_are_summed(channel: str, locale: str) -> None:
    assert "04-12-3456-78-0" in render(channel, locale, 1)
    assert "04-12-3456-78-0" in render(channel, locale, 3)
    for several in (render(channel, locale, 7), render(channel, locale, 2, summed=True)):
        assert "04-12" not in several
        assert "2026-" not in several


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("count", [1, 3, 7])
def test_an_email_has_three_blocks_that_stand_alone(locale: str, count: int) -> None:
    email = template("email", locale)
    context = email.new_context(variables(locale, count))
    subject, text, html = ("".join(email.blocks[name](context)) for name in ("subject", "text", "html"))
    assert subject == subject.strip()
    assert "\n" not in subject
    for body in (text, html):
        assert CALLERS[locale] in body
        assert "1911" in body
        assert "7K3M2Q" in body
        assert body.count("04-12-3456-78-") == (0 if count > 5 else count)
    assert "\n\n\n" not in text
    assert "<" not in text
    assert "<table" not in html


def test_names_are_escaped_in_html_alone() -> None:
    email = template("email", "en")
    context = email.new_context({**variables("en", 1), "caller": "A & B <Office>"})
    assert "A &amp; B &lt;Office&gt;" in "".join(email.blocks["html"](context))
    assert "A & B <Office>" in "".join(email.blocks["text"](context))


def test_a_missing_variable_is_loud() -> None:
    values = variables("zh-TW", 1)
    del values["section_phone"]
    with pytest.raises(jinja2.UndefinedError):
        template("voice", "zh-TW").render(values)
