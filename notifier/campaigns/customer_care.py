"""Customer care: the office's own calls to whom it lists, in words chosen for the list."""

from collections.abc import Sequence
from datetime import time, timedelta

from notifier.domain.calendar import Window
from notifier.domain.campaign import Campaign, Expiry, Parameter, Step, Words
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action, MachinePolicy
from notifier.domain.purpose import Purpose


def compose(facts: Sequence[Facts]) -> Words:
    """The variables of one household's words. Of several rows the first speaks: what the words say of them is the same,
    or they would not have been merged."""
    return dict(facts[0].values)


CAMPAIGN = Campaign(
    name="customer_care",
    title="Customer care",
    title_zh="客戶關懷",
    purpose=Purpose.SERVICE,
    owner="業務組",
    window=Window(time(10), time(20), holidays=False),
    plan=(
        Step(
            "voice",
            tries=2,
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
    expires=Expiry(at=time(20), days=6),
    merge_household=True,
    machine=MachinePolicy.LEAVE_MESSAGE,
    replies={"1": Action.ACKNOWLEDGE, "8": Action.WRONG_PERSON, "9": Action.OPT_OUT},
    public=frozenset({"section", "section_phone"}),
    parameters={
        "list": Parameter(str, "", "the name of an uploaded list", "已上傳的名單名稱", required=True),
        "template": Parameter(str, "", "which words it is told in", "使用的範本", required=True),
    },
    listed=True,
    quotes=True,
    compose=compose,
)
