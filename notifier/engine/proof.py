"""Whether a campaign's words can be made of what its facts.sql gives: tried with made-up facts, as long as any are."""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

import jinja2

from notifier.domain.campaign import Campaign, Words
from notifier.domain.channel import AddressKind, Channel
from notifier.domain.facts import Facts
from notifier.domain.lint import Finding
from notifier.domain.list_cell import ListCell
from notifier.domain.message import LOCALES, SmsMessage
from notifier.engine.linting import TemplateFinding
from notifier.engine.rendering import CannotRender, Rendering
from notifier.engine.template_words import HOUSE, needs_of, parse

TODAY = date(2026, 12, 1)
SUBJECTS = (1, 2, 6)  # told one by one, together, and as a sum
CODE, REFERENCE = "7K3M2QA", "1.0.0"
LONG_DAY = date(2027, 12, 27)
LONG_DAYS = (LONG_DAY, date(2027, 12, 28), date(2027, 12, 29))
BY_NAME: Mapping[str, object] = {
    "account_no": "07000000001",
    "case_no": "S202600001",
    "period": "2026-09/2026-10",
    "section": "業務組",
    "section_phone": "07-338-3131#1234",
    "email": "somebody@customer.example",
}
BY_TYPE: Mapping[str, object] = {
    "text": "範例文字",
    "numeric": Decimal(987_654),
    "int2": 12,
    "int4": 12,
    "int8": 12,
    "float8": 12.5,
    "bool": True,
    "date": LONG_DAY,
    "time": time(23, 55),
    "timestamp": datetime(2027, 12, 27, 23, 55),  # local time, as the source gives it
    "date[]": [LONG_DAY, date(2027, 12, 28)],
    "timestamptz": datetime(2027, 12, 27, 15, 55, tzinfo=UTC),
    "text[]": ["範例", "範例二"],
    "_text": ["範例", "範例二"],
    "_date": [LONG_DAY, date(2027, 12, 28)],
}
NAMED = re.compile(r"(\S+\.j2): (.*)", re.DOTALL)
CELL = ListCell({"text": "高雄市楠梓區示範里活動中心", "date": LONG_DAY.isoformat(), "number": "12"})


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, and how many segments the longest SMS takes."""

    findings: tuple[TemplateFinding, ...]
    segments: int


def made_up_facts(columns: Mapping[str, str], count: int) -> list[Facts]:
    """Facts of these columns by type, as long as they come."""
    values = {name: BY_NAME.get(name, BY_TYPE.get(kind, "範例")) for name, kind in columns.items()}
    return [Facts(f"S{number}", True, None, datetime(2026, 12, 1, tzinfo=UTC), dict(values)) for number in range(count)]


def prove(
    campaign: Campaign, columns: Mapping[str, str], rendering: Rendering, channels: Mapping[str, Channel]
) -> Proof:
    """Every template of the campaign with every made-up household. `columns`: of facts.sql, with their types;
    `channels`: those that are configured."""
    found: list[TemplateFinding] = []
    segments = 0
    for template in rendering.templates(campaign):
        told = campaign.told_with({"template": template})
        for count in SUBJECTS:
            try:
                words = _compose(told, columns, rendering, count)
            except Exception as error:  # whatever it is: a campaign that cannot be composed is what is looked for
                return Proof((TemplateFinding(f"campaigns/{campaign.name}/facts.sql", _not_composed(error)),), 0)
            found += _unknown(told, words, rendering)
            more, longest = _render(told, words, rendering, channels)
            found, segments = found + more, max(segments, longest)
    return Proof(tuple(dict.fromkeys(found)), segments)


def _compose(campaign: Campaign, columns: Mapping[str, str], rendering: Rendering, count: int) -> Words:
    words = campaign.compose(made_up_facts(columns, count))
    if not campaign.listed:
        return words
    with suppress(CannotRender):  # a broken template is said elsewhere
        return {**dict.fromkeys(rendering.needs(campaign).used, CELL), **words}
    return words


def _not_composed(error: Exception) -> Finding:
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__} {error} at {where.name}:{where.lineno}"
    return Finding(
        "cannot_compose",
        f"what it selects is not what the campaign composes its words of: {what}",
        f"查詢結果不符通知作業所需：{what}",
        "",
    )


def _unknown(campaign: Campaign, words: Words, rendering: Rendering) -> Iterator[TemplateFinding]:
    """Variables that neither the campaign nor the house gives, each where it stands first."""
    for channel in dict.fromkeys(step.channel for step in campaign.plan):
        for locale in LOCALES:
            name = campaign.template_name(channel, locale)
            try:
                needs = needs_of([parse(rendering.source(name), name)])
            except (OSError, jinja2.TemplateError):
                continue
            for variable in sorted(needs.used.keys() - words.keys() - HOUSE):
                reason = f"nothing gives the variable {variable}: neither facts.sql nor what is composed of it"
                reason_zh = f"沒有任何查詢欄位提供變數 {variable}"
                yield TemplateFinding(
                    name, Finding("unknown_variable", reason, reason_zh, variable, needs.used[variable])
                )


def _render(
    campaign: Campaign, words: Words, rendering: Rendering, channels: Mapping[str, Channel]
) -> tuple[list[TemplateFinding], int]:
    found, segments = [], 0
    for channel in dict.fromkeys(step.channel for step in campaign.plan):
        if channel not in channels:
            continue
        for locale in LOCALES:
            name = campaign.template_name(channel, locale)
            try:
                rendered = rendering.render(
                    campaign, channels[channel], locale, words, code=CODE, reference=REFERENCE, today=TODAY,
                    days=LONG_DAYS if campaign.proposes else (),
                )  # fmt: skip
            except CannotRender as error:
                if _is_news(error):
                    found.append(_not_rendered(error, name, channels[channel]))
                continue
            if isinstance(rendered.message, SmsMessage):
                segments = max(segments, rendered.message.segments)
    return found, segments


def _is_news(error: CannotRender) -> bool:
    """A variable that is not given and a file that is not there are said where they stand."""
    return not isinstance(error.__cause__, jinja2.UndefinedError | jinja2.TemplateNotFound | jinja2.TemplateSyntaxError)


def _not_rendered(error: CannotRender, name: str, channel: Channel) -> TemplateFinding:
    """A call is said in both languages: the error knows better which of them it was."""
    file, words = match.groups() if (match := NAMED.match(str(error))) else (name, str(error))
    rule = "too_long_sms" if channel.abilities.address is AddressKind.MOBILE and "segments" in words else "unsayable"
    reason, reason_zh = f"with the longest values: {words}", f"以最長的資料試寫：{words}"
    return TemplateFinding(file, Finding(rule, reason, reason_zh, "", _line(error)))


def _line(error: CannotRender) -> int:
    """Of the template, where the error knows it."""
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause is not None else []
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename.endswith(".j2")), 0)
