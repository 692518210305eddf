"""The rest of the make-believe district's year: offices, applications for supply, outages, meters and what happened."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")
DISTRICTS = ("楠梓", "左營", "岡山", "鳳山", "小港")
SECTIONS = ("業務組", "電費組", "設計組", "工務段")
CRITICAL_KINDS = ("aquaculture", "precision electronics")
PAPERS = ("土地使用同意書", "建物使用執照影本", "負責人證明文件")
REASONS = ("管線單位尚未同意路證", "材料尚未到齊", None)

Row = tuple[Any, ...]


class Table(NamedTuple):
    """Rows for one table of schema billing, in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]


class Holder(NamedTuple):
    """What the other tables need to know of an account."""

    account_no: str
    name: str | None
    locale: str | None
    prefers: str | None
    mobile: str | None
    district: str


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), TAIPEI)


def office_phone(district: str, section: str) -> str:
    return f"07-200-0{DISTRICTS.index(district) + 1}0{SECTIONS.index(section) + 1}"


def offices() -> Table:
    rows = [
        (district, section, office_phone(district, section), f"duty.{number}@example.com", f"07-200-0{number}99")
        for number, district in enumerate(DISTRICTS, 1)
        for section in SECTIONS
    ]
    return Table("office", ("district", "section", "phone", "duty_email", "duty_phone"), rows)


def meters(holders: list[Holder], today: date) -> Iterator[Table]:
    """A meter for every account and two readings for each."""
    numbers = [f"M{number:08d}" for number in range(1, len(holders) + 1)]
    yield Table("meter", ("meter_no", "account_no"), [(m, h.account_no) for m, h in zip(numbers, holders, strict=True)])
    readings = [
        (meter, today - timedelta(days=age), 10_000 + 7 * number - 5 * age)
        for number, meter in enumerate(numbers)
        for age in (75, 14)
    ]
    yield Table("meter_reading", ("meter_no", "read_on", "reading"), readings)


def outages(critical: list[Holder], others: list[Holder], today: date) -> Iterator[Table]:
    """Two planned outages, one of them called off; the critical customers are among those affected."""
    rows = [
        ("O20260001", moment(today + timedelta(days=9), 9), moment(today + timedelta(days=9), 12), "更換變壓器", None),
        (
            "O20260002",
            moment(today + timedelta(days=5), 13),
            moment(today + timedelta(days=5), 16),
            "線路遷移",
            moment(today, 8),
        ),
    ]
    yield Table("outage", ("outage_no", "starts_at", "ends_at", "reason", "cancelled_at"), rows)
    affected = [("O20260001", holder.account_no) for holder in critical]
    affected += [("O20260002", holder.account_no) for holder in others]
    yield Table("outage_account", ("outage_no", "account_no"), affected)


CASE_COLUMNS = (
    "case_no", "kind", "account_no", "applicant_name", "locale", "prefers", "mobile", "district", "accepted_at",
    "agreed_on", "stage", "stage_since", "delay_reason", "proposed_dates", "missing_papers", "section",
    "section_phone", "due_on", "completed_at", "cancelled_at",
)  # fmt: skip


def cases(holders: list[Holder], today: date, rng: Random) -> Iterator[Table]:
    """One case per holder, in turn: late, on time, short of papers, reconnected today, cancelled, a complaint."""
    makers = (_late, _on_time, _short_of_papers, _reconnected, _cancelled, _complaint)
    rows, events = [], []
    for number, holder in enumerate(holders):
        case_no = f"S2026{number + 1:05d}"
        case = makers[number % len(makers)](today, rng)
        section = case["section"]
        common: dict[str, Any] = {
            "case_no": case_no,
            "account_no": None if case["kind"] == "new" else holder.account_no,
            "applicant_name": holder.name,
            "locale": holder.locale,
            "prefers": holder.prefers,
            "mobile": holder.mobile,
            "district": holder.district,
            "section_phone": office_phone(holder.district, section),
            "proposed_dates": [],
            "missing_papers": [],
        }
        merged = common | case
        rows.append(tuple(merged.get(column) for column in CASE_COLUMNS))
        events.append(("case.accepted", case_no, case["accepted_at"]))
        if event := case.get("event"):
            events.append((event, case_no, case["stage_since"]))
    yield Table("supply_application", CASE_COLUMNS, rows)
    yield Table("event", ("type", "subject", "occurred_at"), sorted(events, key=lambda event: event[2]))


def _late(today: date, rng: Random) -> dict[str, Any]:
    return {
        "kind": "new", "accepted_at": moment(today - timedelta(days=60), 9),
        "agreed_on": today - timedelta(days=rng.randint(1, 14)),
        "stage": "施工", "stage_since": moment(today - timedelta(days=20), 15), "delay_reason": rng.choice(REASONS),
        "proposed_dates": [today + timedelta(days=7), today + timedelta(days=14)], "section": "設計組",
        "event": "case.delayed",
    }  # fmt: skip


def _on_time(today: date, rng: Random) -> dict[str, Any]:
    return {
        "kind": "increase", "accepted_at": moment(today - timedelta(days=10), 10),
        "agreed_on": today + timedelta(days=rng.randint(5, 30)), "stage": "設計",
        "stage_since": moment(today - timedelta(days=3), 11), "section": "設計組",
    }  # fmt: skip


def _short_of_papers(today: date, rng: Random) -> dict[str, Any]:
    return {
        "kind": "new", "accepted_at": moment(today - timedelta(days=1), 14), "stage": "受理",
        "stage_since": moment(today - timedelta(days=1), 14), "section": "業務組",
        "missing_papers": list(PAPERS[: rng.randint(1, len(PAPERS))]), "event": "case.papers_missing",
    }  # fmt: skip


def _reconnected(today: date, _: Random) -> dict[str, Any]:
    return {
        "kind": "reconnection", "accepted_at": moment(today, 8, 30), "agreed_on": today, "stage": "送電",
        "stage_since": moment(today, 8, 50), "section": "業務組", "due_on": today, "completed_at": moment(today, 8, 50),
        "event": "case.completed",
    }  # fmt: skip


def _cancelled(today: date, _: Random) -> dict[str, Any]:
    return {
        "kind": "new", "accepted_at": moment(today - timedelta(days=30), 9), "stage": "受理",
        "stage_since": moment(today - timedelta(days=12), 9), "section": "業務組",
        "cancelled_at": moment(today - timedelta(days=12), 9), "event": "case.cancelled",
    }  # fmt: skip


def _complaint(today: date, rng: Random) -> dict[str, Any]:
    return {
        "kind": "complaint", "accepted_at": moment(today - timedelta(days=5), 16), "stage": "受理",
        "stage_since": moment(today - timedelta(days=5), 16), "section": "業務組",
        "due_on": today + timedelta(days=rng.randint(-2, 5)),
    }  # fmt: skip
