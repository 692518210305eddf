"""How a call's lines are cut, before anybody hears them."""

import pytest

from notifier.domain.lint import Finding, lint_template
from notifier.domain.lint_call import LONGEST, lint_call, seconds
from notifier.domain.purpose import Purpose

FIRST = {"zh-TW": "{{ caller }}，您好。", "en": "{{ caller }} calling. Hello."}


def found(locale: str, *lines: str) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in lint_call(locale, "\n".join([FIRST[locale], *lines]))]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("您好。\n這裡是{{ caller }}。", 1),
        ("{# {{ caller }} is only said in a comment #}\n\n您好。\n{{ caller }}", 3),
        ("{% if x %}\n您好。\n{% endif %}{{ caller }}", 2),
        ("", 1),
    ],
)
def test_who_is_calling_comes_first(text: str, line: int) -> None:
    (finding,) = lint_call("zh-TW", text)
    assert (finding.rule, finding.line) == ("caller_first", line)


@pytest.mark.parametrize(
    ("locale", "line", "long"),
    [
        ("zh-TW", "字" * 36 + "。", False),
        ("zh-TW", "字" * 37 + "。", True),
        ("en", "word " * 20, False),
        ("en", "word " * 21, True),
        ("zh-TW", "電費是{{ total | spoken_amount }}。", False),
        ("zh-TW", "電費是{{ total | spoken_amount }}，繳費期限是{{ due_on | spoken_date }}。", True),
        ("en", "Please pay {{ total | spoken_amount }} by {{ due_on | spoken_date }}, and certainly not later.", True),
        ("zh-TW", "請撥{{ '1911' | spoken_digits }}查證。", False),
        ("zh-TW", "{{ one }}，{{ two }}，{{ three }}，{{ four }}。", True),
        ("zh-TW", "{# " + "字" * 99 + " #}請按一。", False),
        ("zh-TW", "{% if " + "x" * 99 + " %}", False),
    ],
)
def test_a_line_is_no_longer_than_a_breath(locale: str, line: str, long: bool) -> None:
    assert found(locale, line) == ([("long_line", 2)] if long else [])


def test_the_limit_is_what_the_page_says() -> None:
    assert seconds("字" * 36) == seconds("word " * 20) == LONGEST == 8.0


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("您好\n請匯款", 2),
        ("{# a comment\nof two lines #}\n{% if x\n%}請至 example.com", 4),
        ("{{ 'https://example.org' }}", 1),
        ("一\n\n\n您的电费", 4),
    ],
)
def test_a_mark_of_fraud_is_found_where_it_stands(text: str, line: int) -> None:
    findings: list[Finding] = lint_template(Purpose.SERVICE, "sms", "zh-TW", text)
    assert findings[0].line == line
