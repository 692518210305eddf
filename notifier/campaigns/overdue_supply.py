"""Overdue supply date: your application has passed the day that was agreed; this is where it stands; which new day
suits you? Triggered by the event of a delay, and by a sweep that finds delays nobody reported."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import cast

from notifier.domain.calendar import Window
from notifier.domain.campaign import Campaign, Expiry, Parameter, Step, Words
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action, MachinePolicy
from notifier.domain.purpose import Purpose
from notifier.domain.script import is_readable

# As the office's own system names them; what it calls otherwise is said as it stands, in Chinese.
STAGES_IN_ENGLISH = {
    "受理": "acceptance",
    "設計": "design",
    "施工": "construction",
    "檢驗": "inspection",
    "送電": "connection",
}
BEING_WORKED_ON = "處理"  # of a stage whose name a voice could misread
LAST_DIGITS = 4  # of an acceptance number: enough for its owner to know it, too few for anybody else


def compose(facts: Sequence[Facts]) -> Words:
    """The words about one case. The reason for the delay is free text: one that a voice could misread is not spoken."""
    values = facts[0].values
    stage, reason = values["stage"], values["delay_reason"]
    if not isinstance(stage, str):
        raise ValueError("a case without a stage")
    since = cast("datetime | None", values["stage_since"])
    return {
        "case_no": values["case_no"],
        "case_digits": "".join(c for c in str(values["case_no"]) if c.isascii() and c.isdigit())[-LAST_DIGITS:],
        "agreed_on": values["agreed_on"],
        "stage": stage,
        "spoken_stage": stage if is_readable(stage) else BEING_WORKED_ON,
        "stage_en": STAGES_IN_ENGLISH.get(stage, ""),
        "stage_since": since.date() if since else None,
        "reason": str(reason).strip("。.") if reason else "",
        "spoken_reason": str(reason).strip("。.") if reason and is_readable(str(reason)) else "",
        "section": values["section"],
        "section_phone": values["section_phone"],
    }


def proposes(facts: Sequence[Facts]) -> Sequence[date]:
    """The new days that the section could do."""
    return cast("Sequence[date]", facts[0].values["proposed_dates"] or ())


CAMPAIGN = Campaign(
    name="overdue_supply",
    title="Overdue supply date",
    title_zh="供電時程逾期通知",
    purpose=Purpose.SERVICE,
    owner="業務組",
    triggers=frozenset({"case.delayed", "case.overdue"}),
    withdrawn_by=frozenset({"case.completed", "case.cancelled"}),
    again="second_slip",
    quotes=True,
    window=Window(time(9), time(20), holidays=False),
    plan=(
        Step(
            "voice",
            tries=3,
            wait={
                Disposition.BUSY: timedelta(minutes=20),
                Disposition.NO_ANSWER: timedelta(hours=3),
                Disposition.DECLINED: timedelta(hours=3),
                Disposition.HUNG_UP: timedelta(hours=3),
                Disposition.MACHINE: timedelta(hours=3),
            },
        ),
        Step("sms"),
        Step("email"),
    ),
    expires=Expiry(at=time(20), days=5),
    machine=MachinePolicy.LEAVE_MESSAGE,
    replies={
        "1": Action.CHOOSE_DATE,
        "2": Action.CHOOSE_DATE,
        "3": Action.CHOOSE_DATE,
        "4": Action.CALL_BACK_MORNING,
        "5": Action.CALL_BACK_AFTERNOON,
        "8": Action.WRONG_PERSON,
        "9": Action.OPT_OUT,
    },
    proposes=proposes,
    public=frozenset({"section", "section_phone", "stage", "spoken_stage", "stage_en", "reason", "spoken_reason"}),
    priority=3,
    parameters={
        "district": Parameter(
            str, "", "only this district, for example 楠梓; empty: all", "只限這個轄區，例如楠梓；空白：全部"
        ),
    },
    compose=compose,
)
