"""What a digest says: a section's open answers, in Chinese and then in English."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.domain.calendar import Calendar
from notifier.domain.message import LOCALES, EmailMessage
from notifier.domain.written import mask_account, section_name, written_date
from notifier.storage.digests import Counts, Listed

FOLDER = "office"


@dataclass(frozen=True, slots=True)
class DigestWords:
    """`caller`: the name of the house by locale."""

    root: Path
    caller: Mapping[str, str]
    calendar: Calendar

    def word(self, section: str, listed: Sequence[Listed], counts: Counts, *, now: datetime) -> EmailMessage:
        """The mail, without the reference that is its own."""
        today = self.calendar.local(now).date()
        given = {
            "section": section,
            "section_en": section_name(section, "en"),
            "caller": [self.caller[locale] for locale in LOCALES],
            "counts": counts,
            "answers": [self._shown(one, today) for one in listed],
            "left_out": counts.open - len(listed),
        }
        templates = _environment(self.root)
        subject, text, html = (
            templates.get_template(f"{FOLDER}/digest.{part}.j2").render(given) for part in ("subject", "text", "html")
        )
        return EmailMessage("zh-TW", " ".join(subject.split()), text.strip() + "\n", html, reference="")

    def _shown(self, one: Listed, today: date) -> dict[str, Any]:
        return {
            "id": one.id,
            "subjects": one.subjects,
            "account": mask_account(one.account_no) if one.account_no else "",
            "district": one.district or "",
            "action": one.action,
            "value": one.value or "",
            "value_words": _value(one.value or "", today),
            "standing": one.standing,
            "overdue": one.overdue,
            "new": one.new,
            "claimed_by": one.claimed_by or "",
            "at_words": self._moment(one.at, today),
            "due_words": self._moment(one.due_at, today),
        }

    def _moment(self, moment: datetime, today: date) -> list[str]:
        local = self.calendar.local(moment)
        return [f"{written_date(local.date(), locale, today)} {local:%H:%M}" for locale in LOCALES]


def _value(value: str, today: date) -> list[str]:
    """What was chosen: a day as it is written, anything else as it stands."""
    with suppress(ValueError):
        day = date.fromisoformat(value)
        return [written_date(day, locale, today) for locale in LOCALES]
    return [value, value]


def _environment(root: Path) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(root), undefined=jinja2.StrictUndefined, autoescape=False
    )
