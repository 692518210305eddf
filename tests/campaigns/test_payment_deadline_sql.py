"""Who is reminded of a deadline, and what is true of a bill in the moment of sending."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from notifier.resources import sql_root
from notifier.sandbox.district import build_district
from notifier.storage.queries import Query, load_query

TODAY = date(2026, 12, 1)
MORNING = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)  # nine o'clock in Taipei
ACCOUNT = "07130012340"


def campaign_query(name: str) -> Query:
    return load_query(sql_root() / "campaigns" / "payment_deadline" / f"{name}.sql")


class Source:
    """A source with a handful of bills, told as a story."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn

    async def account(
        self, account_no: str = ACCOUNT, *, autopay: date | None = None, life_support: bool = False
    ) -> None:
        customer = await self.conn.fetchval(
            "insert into billing.customer (name, locale) values ('王示範', 'zh-TW') returning customer_id"
        )
        await self.conn.execute(
            "insert into billing.account (account_no, customer_id, district, autopay_since, life_support)"
            " values ($1, $2, '楠梓', $3, $4)",
            account_no,
            customer,
            autopay,
            life_support,
        )
        await self.contact(account_no, "0900-000-001")

    async def contact(self, account_no: str, mobile: str) -> None:
        await self.conn.execute("insert into billing.contact (account_no, mobile) values ($1, $2)", account_no, mobile)

    async def bill(
        self, bill_no: str, *, days: int = 2, amount: int | None = 1234, account_no: str | None = ACCOUNT
    ) -> None:
        await self.conn.execute(
            "insert into billing.bill (bill_no, account_no, period, amount, issued_on, due_on)"
            " values ($1, $2, '2026-10', $3, $4, $5)",
            bill_no,
            account_no,
            amount,
            TODAY - timedelta(days=26),
            TODAY + timedelta(days=days),
        )

    async def pay(self, bill_no: str, amount: int, at: datetime = MORNING) -> None:
        await self.conn.execute(
            "insert into billing.payment (bill_no, amount, paid_at) values ($1, $2, $3)", bill_no, amount, at
        )

    async def audience(self, *, now: datetime = MORNING, days: int = 3, district: str | None = None) -> list[Any]:
        return await campaign_query("audience").fetch(self.conn, now=now, days=days, district=district)

    async def facts(self, *subjects: str, now: datetime = MORNING) -> dict[str, Any]:
        rows = await campaign_query("facts").fetch(self.conn, subjects=list(subjects), now=now)
        assert len({row["subject"] for row in rows}) == len(rows)
        return {row["subject"]: row for row in rows}


@pytest.fixture
async def source(source_database: str) -> AsyncIterator[Source]:
    conn = await asyncpg.connect(source_database)
    await conn.execute("insert into billing.office (district, section, phone) values ('楠梓', '電費組', '07-200-0102')")
    await conn.execute("insert into billing.office (district, section, phone) values ('楠梓', '業務組', '07-200-0101')")
    yield Source(conn)
    await conn.close()


async def test_columns_and_types_are_what_staging_expects(source: Source) -> None:
    audience = await source.conn.prepare(campaign_query("audience").text)
    assert [(a.name, a.type.name) for a in audience.get_attributes()] == [
        *[(name, "text") for name in ("subject", "occasion", "account_no", "customer_name", "locale", "phone")],
        *[(name, "text") for name in ("mobile", "email", "prefers", "district", "exclude", "hold")],
        ("deadline", "date"),
    ]
    facts = await source.conn.prepare(campaign_query("facts").text)
    assert [(a.name, a.type.name) for a in facts.get_attributes()][:4] == [
        ("subject", "text"),
        ("still_due", "bool"),
        ("reason", "text"),
        ("as_of", "timestamptz"),
    ]


async def test_the_audience_is_who_owes_a_bill_due_in_the_next_days(source: Source) -> None:
    await source.account()
    for bill_no, days in {"YESTERDAY": -1, "TODAY": 0, "LAST": 3, "LATER": 4}.items():
        await source.bill(bill_no, days=days)
    rows = await source.audience(days=3)
    assert {row["subject"]: row["deadline"] for row in rows} == {"TODAY": TODAY, "LAST": TODAY + timedelta(days=3)}
    assert dict(rows[0]) | {"subject": "", "deadline": None} == {
        "subject": "", "occasion": "deadline", "account_no": ACCOUNT, "customer_name": "王示範", "locale": "zh-TW",
        "phone": None, "mobile": "0900-000-001", "email": None, "prefers": None, "district": "楠梓", "exclude": None,
        "hold": None, "deadline": None,
    }  # fmt: skip


async def test_today_is_the_day_in_taipei(source: Source) -> None:
    await source.account()
    await source.bill("B1", days=0)
    just_before = datetime(2026, 11, 30, 15, 59, tzinfo=UTC)
    assert await source.audience(now=just_before, days=0) == []
    assert len(await source.audience(now=just_before + timedelta(minutes=1), days=0)) == 1


async def test_the_paid_and_the_debited_are_left_alone(source: Source) -> None:
    await source.account()
    await source.bill("PAID")
    await source.pay("PAID", 1234)
    await source.account("07130012351", autopay=date(2025, 1, 1))
    await source.bill("DEBITED", account_no="07130012351")
    assert await source.audience() == []


async def test_a_bill_that_cannot_be_told_is_listed_with_its_reason(source: Source) -> None:
    await source.account()
    await source.account("0713001234")
    await source.bill("ZERO", amount=0)
    await source.bill("CREDIT", amount=-80)
    await source.bill("LOST", account_no=None)
    await source.bill("SHORT", account_no="0713001234")
    await source.bill("PARTLY", amount=1000)
    await source.pay("PARTLY", 400)
    assert {row["subject"]: row["exclude"] for row in await source.audience()} == {
        "ZERO": "nothing_owed",
        "CREDIT": "negative_amount",
        "LOST": "no_account_no",
        "SHORT": "no_account_no",
        "PARTLY": None,
    }


async def test_life_support_is_held_for_a_person(source: Source) -> None:
    await source.account(life_support=True)
    await source.bill("B1")
    assert [row["hold"] for row in await source.audience()] == ["life_support"]


async def test_a_district_narrows_and_an_empty_one_does_not(source: Source) -> None:
    await source.account()
    await source.bill("B1")
    found = {district: len(await source.audience(district=district)) for district in ("楠梓", "岡山", "", None)}
    assert found == {"楠梓": 1, "岡山": 0, "": 1, None: 1}


async def test_a_repeated_account_row_repeats_in_the_audience_and_not_in_the_facts(source: Source) -> None:
    await source.account()
    await source.contact(ACCOUNT, "0900-000-002")
    await source.bill("B1")
    assert {row["mobile"] for row in await source.audience()} == {"0900-000-001", "0900-000-002"}
    assert list(await source.facts("B1")) == ["B1"]


async def test_facts_hold_what_the_words_need(source: Source) -> None:
    await source.account()
    await source.bill("B1", amount=1000)
    await source.pay("B1", 400)
    before = await source.conn.fetchval("select now()")
    fact = (await source.facts("B1"))["B1"]
    assert (fact["still_due"], fact["reason"]) == (True, None)
    assert timedelta(0) <= fact["as_of"] - before < timedelta(seconds=5)
    assert {name: fact[name] for name in list(fact.keys())[4:]} == {
        "bill_no": "B1", "account_no": ACCOUNT, "customer_name": "王示範", "period": "2026-10", "amount": Decimal(600),
        "due_on": TODAY + timedelta(days=2), "district": "楠梓", "section": "電費組", "section_phone": "07-200-0102",
    }  # fmt: skip


async def test_a_payment_in_between_is_told_with_its_local_time(source: Source) -> None:
    await source.account()
    await source.bill("B1")
    await source.bill("B2")
    assert all(fact["still_due"] for fact in (await source.facts("B1", "B2")).values())
    await source.pay("B1", 1234, at=datetime(2026, 12, 1, 6, 2, 59, tzinfo=UTC))
    await source.pay("B2", 1234, at=datetime(2026, 11, 30, 15, 30, tzinfo=UTC))
    facts = await source.facts("B1", "B2", now=MORNING + timedelta(hours=6))
    assert {subject: (fact["still_due"], fact["reason"]) for subject, fact in facts.items()} == {
        "B1": (False, "paid at 14:02"),
        "B2": (False, "paid at 23:30 on 2026-11-30"),
    }


async def test_a_payment_taken_back_is_owed_again(source: Source) -> None:
    await source.account()
    await source.bill("B1")
    await source.pay("B1", 1234)
    await source.pay("B1", -1234)
    assert (await source.facts("B1"))["B1"]["still_due"] is True


async def test_autopay_and_nothing_owed_have_their_reasons(source: Source) -> None:
    await source.account(autopay=date(2026, 11, 30))
    await source.bill("DEBITED")
    await source.account("07130012351")
    await source.bill("ZERO", amount=0, account_no="07130012351")
    await source.bill("CREDIT", amount=-80, account_no="07130012351")
    facts = await source.facts("DEBITED", "ZERO", "CREDIT")
    assert not any(fact["still_due"] for fact in facts.values())
    assert {subject: fact["reason"] for subject, fact in facts.items()} == {
        "DEBITED": "autopay",
        "ZERO": "nothing owed",
        "CREDIT": "nothing owed",
    }


async def test_what_is_not_known_has_no_row(source: Source) -> None:
    """A missing row holds the notification; a bill whose account a broken join lost must not pass for paid or owed."""
    await source.account()
    await source.bill("B1")
    await source.bill("ORPHAN", account_no="07130099999")
    assert list(await source.facts("B1", "ORPHAN", "NEVER HEARD OF")) == ["B1"]


def scanned(plan: dict[str, Any]) -> set[str]:
    """The tables a plan reads from end to end."""
    here = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return here.union(*(scanned(part) for part in plan.get("Plans", [])))


@pytest.fixture
async def district(source_database: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(source_database)
    await build_district(conn, accounts=10_000, seed=1, today=TODAY)
    yield conn
    await conn.close()


async def test_facts_are_found_by_index_among_20_000_bills(district: asyncpg.Connection) -> None:
    subjects = [row[0] for row in await district.fetch("select bill_no from billing.bill order by bill_no limit 500")]
    text = campaign_query("facts").text
    plan = json.loads(await district.fetchval("explain (format json) " + text, subjects, MORNING))[0]["Plan"]
    assert scanned(plan) <= {"office"}  # twenty rows


async def test_one_day_of_the_audience_is_found_by_index(district: asyncpg.Connection) -> None:
    text = campaign_query("audience").text
    plan = json.loads(await district.fetchval("explain (format json) " + text, MORNING, 0, ""))[0]["Plan"]
    assert not scanned(plan) & {"bill", "payment"}
