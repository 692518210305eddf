"""Payment-deadline reminder: your bill falls due on this day. Launched by the billing group, or every morning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal

from notifier.domain.calendar import Window
from notifier.domain.campaign import Campaign, Expiry, Parameter, Step, Words
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts
from notifier.domain.message import Action, MachinePolicy
from notifier.domain.purpose import Purpose

MOST_TOLD_ONE_BY_ONE = 5  # above this a call would be too long to follow


@dataclass(frozen=True, slots=True)
class Bill:
    bill_no: str
    account_no: str
    period: str
    amount: Decimal
    due_on: date


def compose(facts: Sequence[Facts]) -> Words:
    """The words of one household's reminder. Bills of people with different names are told as a count and a sum only:
    whoever picks up must not learn a neighbour's account."""
    rows = [fact.values for fact in facts]
    bills = sorted((_bill(row) for row in rows), key=lambda bill: (bill.due_on, bill.bill_no))
    names = {row["customer_name"] for row in rows}
    return {
        "bills": bills,
        "count": len(bills),
        "total": sum((bill.amount for bill in bills), Decimal(0)),
        "due_on": bills[0].due_on,
        "summed": len(bills) > MOST_TOLD_ONE_BY_ONE or len(names) > 1,
        "account_no": bills[0].account_no,
        "section": rows[0]["section"],
        "section_phone": rows[0]["section_phone"],
    }


def _bill(row: Words) -> Bill:
    values = {name: row[name] for name in ("bill_no", "account_no", "period", "amount", "due_on")}
    return Bill(**values)  # type: ignore[arg-type]


CAMPAIGN = Campaign(
    name="payment_deadline",
    title="Payment-deadline reminder",
    title_zh="繳費期限提醒",
    purpose=Purpose.COLLECTION,
    owner="電費組",
    schedule="0 9 * * *",
    withdrawn_by=frozenset({"bill.paid"}),
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
    expires=Expiry(at=time(20)),
    merge_household=True,
    machine=MachinePolicy.LEAVE_MESSAGE,
    replies={
        "1": Action.ACKNOWLEDGE,
        "3": Action.PROMISE,
        "4": Action.EXTENSION,
        "7": Action.ALREADY_PAID,
        "8": Action.WRONG_PERSON,
        "9": Action.OPT_OUT,
    },
    public=frozenset({"section", "section_phone"}),
    parameters={
        "days": Parameter(
            int,
            5,
            "bills due from today to this many days ahead, 0 to 60",
            "從今天起幾天內到期的電費，0到60",
            least=0,
            most=60,
        ),
        "district": Parameter(
            str, "", "only this district, for example 楠梓; empty: all", "只限這個轄區，例如楠梓；空白：全部"
        ),
    },
    compose=compose,
)
