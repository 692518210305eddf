"""Alarm to the crew on duty: a reconnection promised for today is about to be late, or is handed over after hours.
Asked again until somebody takes it over by key."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import cast

from notifier.domain.calendar import Window
from notifier.domain.campaign import Campaign, Expiry, Step, Words
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action
from notifier.domain.purpose import Purpose


def compose(facts: Sequence[Facts]) -> Words:
    """The words about one reconnection that waits, for a colleague."""
    values = facts[0].values
    accepted_at = cast(datetime, values["accepted_at"])
    return {
        "case_no": values["case_no"],
        "case_digits": "".join(c for c in str(values["case_no"]) if c.isascii() and c.isdigit()),
        "accepted_at": accepted_at,
        "accepted_on": accepted_at.date(),
        "district": values["district"],
        "section": values["section"],
        "section_phone": values["section_phone"],
    }


CAMPAIGN = Campaign(
    name="reconnection_alarm",
    title="Reconnection about to be late",
    title_zh="復電逾時警示",
    purpose=Purpose.SAFETY,
    owner="業務組",
    triggers=frozenset({"case.same_day_at_risk", "case.handed_over"}),
    withdrawn_by=frozenset({"case.completed", "case.cancelled"}),
    until_acknowledged=True,
    window=Window(time(0), time(0), holidays=True),
    plan=(
        Step(
            "voice",
            tries=3,
            wait={
                Disposition.BUSY: timedelta(minutes=2),
                Disposition.NO_ANSWER: timedelta(minutes=5),
                Disposition.DECLINED: timedelta(minutes=5),
                Disposition.HUNG_UP: timedelta(minutes=5),
                Disposition.MACHINE: timedelta(minutes=5),
            },
        ),
        Step("email"),
    ),
    expires=Expiry(at=time(8), days=1),
    replies={"1": Action.ACKNOWLEDGE},
    public=frozenset({"section", "section_phone", "district"}),
    priority=1,
    rings_per_day=200,
    compose=compose,
)
