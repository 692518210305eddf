"""Reconnection: your supply is back; press 2 if it is not. Triggered by the completion, on any day, after hours too."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import cast

from notifier.domain.calendar import Window
from notifier.domain.campaign import Campaign, Expiry, Parameter, Step, Words
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action, MachinePolicy
from notifier.domain.purpose import Purpose


def compose(facts: Sequence[Facts]) -> Words:
    """The words about one reconnection."""
    values = facts[0].values
    completed_at = cast(datetime, values["completed_at"])
    return {
        "case_no": values["case_no"],
        "completed_at": completed_at,
        "completed_on": completed_at.date(),
        "section": values["section"],
        "section_phone": values["section_phone"],
    }


CAMPAIGN = Campaign(
    name="reconnection",
    title="Reconnection confirmation",
    title_zh="復電通知",
    purpose=Purpose.SERVICE,
    owner="業務組",
    triggers=frozenset({"case.completed"}),
    withdrawn_by=frozenset({"case.cancelled"}),
    window=Window(time(7), time(22), holidays=True),
    plan=(
        Step(
            "voice",
            tries=2,
            wait={
                Disposition.BUSY: timedelta(minutes=5),
                Disposition.NO_ANSWER: timedelta(minutes=15),
                Disposition.DECLINED: timedelta(minutes=15),
                Disposition.HUNG_UP: timedelta(minutes=15),
                Disposition.MACHINE: timedelta(minutes=30),
            },
        ),
        Step("sms"),
        Step("email"),
    ),
    expires=Expiry(at=time(12), days=1),
    machine=MachinePolicy.LEAVE_MESSAGE,
    replies={"1": Action.ACKNOWLEDGE, "2": Action.NO_POWER, "8": Action.WRONG_PERSON, "9": Action.OPT_OUT},
    public=frozenset({"section", "section_phone"}),
    priority=1,
    parameters={
        "hours": Parameter(
            int,
            12,
            "supplies that came back in the last so many hours, 1 to 72",
            "最近幾小時內復電，1到72",
            least=1,
            most=72,
        ),
    },
    compose=compose,
)
