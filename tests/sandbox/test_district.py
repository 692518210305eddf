"""The make-believe district: everything real data does wrong is in it, the same every time, and people keep paying."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import phonenumbers
import pytest

from notifier.clock import ScaledClock
from notifier.resources import sql_root
from notifier.sandbox import district_names as cells
from notifier.sandbox.district import (
    DistrictSummary,
    build_district,
    build_large_district,
    create_source_database,
    take_payments,
)
from notifier.storage.queries import load_query

TODAY = date(2026, 12, 1)
MORNING = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
ACCOUNTS = 2_000
AUDIENCE = load_query(sql_root() / "campaigns" / "payment_deadline" / "audience.sql")


@pytest.fixture
async def conn(source_database: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(source_database)
    yield conn
    await conn.close()


async def small(conn: asyncpg.Connection, seed: int = 1) -> DistrictSummary:
    return await build_district(conn, accounts=ACCOUNTS, seed=seed, today=TODAY)


@pytest.mark.parametrize("form", cells.TELEPHONE_FORMS)
async def test_every_form_of_telephone_cell_is_dealt(form: str) -> None:
    for accounts in (cells.SMALLEST, ACCOUNTS):
        assert form in cells.deal(cells.TELEPHONE_SHARES, "mobile", accounts, Random(1))


@pytest.mark.parametrize(
    ("form", "number_type"),
    [
        ("mobile", phonenumbers.PhoneNumberType.MOBILE),
        ("line", phonenumbers.PhoneNumberType.FIXED_LINE),
        ("voip", phonenumbers.PhoneNumberType.VOIP),
        ("premium", phonenumbers.PhoneNumberType.PREMIUM_RATE),
        ("toll_free", phonenumbers.PhoneNumberType.TOLL_FREE),
        ("personal", phonenumbers.PhoneNumberType.PERSONAL_NUMBER),
        ("plus_886", phonenumbers.PhoneNumberType.MOBILE),
        ("prefix_002", phonenumbers.PhoneNumberType.MOBILE),
        ("full_width", phonenumbers.PhoneNumberType.MOBILE),
    ],
)
@pytest.mark.parametrize("serial", [0, 1, 999_999, 1_000_000])
def test_numbers_are_of_the_kind_they_should_be(form: str, number_type: int, serial: int) -> None:
    phone, mobile = cells.TELEPHONE_FORMS[form](serial)
    number = phonenumbers.parse(phone or mobile, "TW")
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.number_type(number) == number_type


async def test_the_dirt_of_real_data_is_in_the_tables(conn: asyncpg.Connection) -> None:
    summary = await small(conn)
    held = {
        "telephone extension": "phone like '%轉%'",
        "telephone two_in_one": "phone like '%/%'",
        "telephone full_width": "mobile ~ '[０-９]'",
        "telephone prefix_002": "mobile like '002886%'",
        "telephone too_short": "mobile = '0912345'",
        "telephone labelled": "phone ~ '^(公司|家)'",
        "telephone spaces": "mobile like ' %'",
        "telephone premium": "phone like '0204-%'",
        "telephone toll_free": "phone like '0800-%'",
        "telephone foreign": "mobile like '+1 %'",
        "telephone short": "phone in ('1911', '110', '119')",
        "email without_at": "email not like '%@%'",
        "locale xx": "locale = 'xx'",
        "prefers sms": "prefers = 'sms'",
        "prefers email": "prefers = 'email'",
        "prefers voice": "prefers = 'voice'",
        "prefers line": "prefers = 'line'",
        "name null": "customer_name is null",
    }
    for kind, condition in held.items():
        found = await conn.fetchval(f"select count(distinct account_no) from source.account where {condition}")
        assert found >= 1, kind
        assert summary.dirt[kind] >= 1, kind
    assert await conn.fetchval("select count(*) from source.account") == ACCOUNTS + summary.dirt["account duplicate"]
    unreachable = "phone is null and mobile is null and email is null"
    assert await conn.fetchval(f"select count(*) from source.account where {unreachable}") >= 1


async def test_shares_are_as_documented(conn: asyncpg.Connection) -> None:
    await small(conn)
    share = "select count(*) filter (where {})::float / count(*)"
    share += " from (select distinct on (account_no) * from source.account) a"
    assert await conn.fetchval(share.format("autopay")) == pytest.approx(0.35, abs=0.001)
    assert await conn.fetchval(share.format("locale = 'en'")) == pytest.approx(0.06, abs=0.02)
    assert await conn.fetchval(share.format("prefers = 'sms'")) == pytest.approx(0.06, abs=0.02)
    assert await conn.fetchval("select count(*) from source.account where life_support") in range(3, 6)


async def test_the_summary_knows_the_audience(conn: asyncpg.Connection) -> None:
    summary = await small(conn)
    rows = await AUDIENCE.fetch(conn, now=MORNING, days=3, district="")
    assert len({row["subject"] for row in rows}) == summary.audience
    assert {row["exclude"] for row in rows} == {None, "nothing_owed", "negative_amount", "no_account_no"}
    assert sum(row["hold"] == "life_support" for row in rows) >= summary.life_support


async def test_households_share_a_number_for_bills_of_one_and_of_several_names(conn: asyncpg.Connection) -> None:
    await small(conn)
    shared = await conn.fetch("""
        select count(*) as bills, count(distinct a.customer_name) as names
        from source.bill b join source.account a on a.account_no = b.account_no
        where b.due_on between $1::date and $1::date + 3 and b.paid_at is null and not a.autopay and a.phone is not null
          and a.mobile is not null
        group by a.mobile having count(*) > 1
    """, TODAY)  # fmt: skip
    assert {row["names"] > 1 for row in shared} == {True, False}


async def test_the_same_seed_makes_the_same_district(source_database: str, empty_database: str) -> None:
    one, other = await asyncpg.connect(source_database), await asyncpg.connect(empty_database)
    await create_source_database(other)
    await small(one)
    await small(other)
    for view in ("account", "bill", "supply_case", "case_event"):
        text = f"select md5(string_agg(v::text, '' order by v::text)) from source.{view} v"
        if view == "supply_case":
            text = text.replace("v::text", "(to_jsonb(v) - 'updated_at')::text")
        assert await one.fetchval(text) == await other.fetchval(text), view
    await one.close()
    await other.close()


async def test_a_customer_can_still_move_in(conn: asyncpg.Connection) -> None:
    await small(conn)
    assert await conn.fetchval("insert into billing.customer (name) values ('林樣本') returning customer_id") > 0


async def test_every_view_has_something_to_show(conn: asyncpg.Connection) -> None:
    await small(conn)
    for view in ("account", "bill", "supply_case", "outage", "office", "meter_reading", "case_event"):
        assert await conn.fetchval(f"select count(*) from source.{view}") > 0, view
    late = "agreed_on < $1 and completed_at is null and cancelled_at is null"
    assert await conn.fetchval(f"select count(*) from source.supply_case where {late}", TODAY) > 0


async def test_too_small_a_district_is_refused(conn: asyncpg.Connection) -> None:
    with pytest.raises(ValueError, match="at least 200"):
        await build_district(conn, accounts=10, seed=1, today=TODAY)


async def test_a_large_district_owes_one_bill_an_account(conn: asyncpg.Connection) -> None:
    await build_large_district(conn, 5_000, today=TODAY)
    rows = await AUDIENCE.fetch(conn, now=MORNING, days=3, district="")
    assert len(rows) == len({row["subject"] for row in rows}) == 5_000
    assert {row["exclude"] for row in rows} == {None}


async def wait_for_payments(conn: asyncpg.Connection, count: int, before: int) -> None:
    async with asyncio.timeout(20):
        while await conn.fetchval("select count(*) from billing.payment") < before + count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_people_keep_paying_and_it_is_known_when(conn: asyncpg.Connection, source_database: str) -> None:
    await small(conn)
    before = await conn.fetchval("select count(*) from billing.payment")
    started = await conn.fetchval("select clock_timestamp()")
    clock = ScaledClock(MORNING, 3600, datetime.now(UTC).timestamp())
    task = asyncio.create_task(take_payments(source_database, clock, per_hour=30, seed=1))
    await wait_for_payments(conn, 20, before)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    ended = await conn.fetchval("select clock_timestamp()")

    paid = await conn.fetch("select * from billing.payment order by payment_id offset $1", before)
    assert all(started < row["received_at"] < ended for row in paid)
    assert all(MORNING < row["paid_at"] <= clock.now() for row in paid)
    settled = await conn.fetch("select * from source.bill where bill_no = any($1)", [row["bill_no"] for row in paid])
    assert len(settled) == len(paid)
    assert all(row["paid_at"] is not None and row["paid"] == row["amount"] for row in settled)
    assert await conn.fetchval("select count(*) from source.case_event where type = 'bill.paid'") == len(paid)


class TickingClock:
    """A clock a minute further at each sleep, which can be waited for."""

    scale = 60.0

    def __init__(self) -> None:
        self._now = MORNING
        self._ticked = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(minutes=1)
        async with self._ticked:
            self._ticked.notify_all()
        await asyncio.sleep(0)

    async def let_tick(self, times: int) -> None:
        async with asyncio.timeout(20), self._ticked:
            for _ in range(times):
                await self._ticked.wait()


async def test_when_everybody_has_paid_nobody_pays_twice(conn: asyncpg.Connection, source_database: str) -> None:
    await build_district(conn, accounts=200, seed=1, today=TODAY)
    owed = "select count(*) from source.bill b join billing.account a using (account_no) where b.paid_at is null"
    owed += " and b.amount > 0 and a.autopay_since is null and b.due_on >= date '2026-12-01'"
    open_bills = await conn.fetchval(owed)
    before = await conn.fetchval("select count(*) from billing.payment")
    clock = TickingClock()
    task = asyncio.create_task(take_payments(source_database, clock, per_hour=1_000_000, seed=1))
    await wait_for_payments(conn, open_bills, before)
    await clock.let_tick(3)  # which find nobody
    assert not task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await conn.fetchval("select count(*) from billing.payment") == before + open_bills
    assert await conn.fetchval(owed) == 0
