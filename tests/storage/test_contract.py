"""The source contract: what is expected, what is found, and who may do more than read."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from notifier.resources import sql_root
from notifier.storage.contract import Complaint, check_source, expected_contract

CONTRACT = (sql_root() / "source" / "contract.sql").read_text("utf-8")


@pytest.fixture
async def source(source_database: str) -> AsyncIterator[asyncpg.Connection]:
    """The sample source, as the administrator; tests `set role` to become the reader."""
    conn = await asyncpg.connect(source_database)
    yield conn
    await conn.close()


async def complaints_of_reader(conn: asyncpg.Connection, role: str = "notifier_source_reader") -> list[Complaint]:
    await conn.execute(f"set role {role}")
    try:
        return await check_source(conn)
    finally:
        await conn.execute("reset role")


def test_the_contract_names_its_views_columns_and_types() -> None:
    expected = expected_contract(CONTRACT)
    assert list(expected) == ["account", "bill", "supply_case", "outage", "office", "meter_reading", "case_event"]
    assert expected["bill"] == {
        "bill_no": "text",
        "account_no": "text",
        "period": "text",
        "amount": "numeric",
        "paid": "numeric",
        "issued_on": "date",
        "due_on": "date",
        "paid_at": "timestamptz",
    }
    assert expected["supply_case"]["proposed_dates"] == "date[]"
    assert expected["case_event"]["event_id"] == "bigint"


def test_comments_in_the_contract_may_hold_anything() -> None:
    text = """
        create view source.a as select
          -- one, two; null::text as no
          null::text as yes, -- 'x'
          null::date[] as d;
    """
    assert expected_contract(text) == {"a": {"yes": "text", "d": "date[]"}}


@pytest.mark.parametrize(
    "text", ["", "create view source.a as select 1::text as b;", "create view source.a as select b from c;"]
)
def test_a_contract_that_cannot_be_read_is_loud(text: str) -> None:
    with pytest.raises(ValueError, match=r"declares no view|expected 'null::type as name'"):
        expected_contract(text)


async def test_the_contract_itself_can_be_installed_and_keeps_itself(empty_database: str) -> None:
    conn = await asyncpg.connect(empty_database)
    await conn.execute(CONTRACT)
    await conn.execute((sql_root() / "source" / "reader.sql").read_text("utf-8"))
    assert await complaints_of_reader(conn) == []
    await conn.close()


async def test_the_sample_source_is_well(source: asyncpg.Connection) -> None:
    assert await complaints_of_reader(source) == []


async def test_the_reader_is_installed_twice_without_harm(source: asyncpg.Connection) -> None:
    await source.execute((sql_root() / "source" / "reader.sql").read_text("utf-8"))
    assert await complaints_of_reader(source) == []


async def test_the_reader_reads_the_views_and_nothing_else(source: asyncpg.Connection) -> None:
    await source.execute("set role notifier_source_reader")
    assert await source.fetchval("select count(*) from source.bill") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await source.fetch("select * from billing.bill")


async def test_a_database_without_the_schema_says_so(empty_database: str) -> None:
    conn = await asyncpg.connect(empty_database)
    first = (await check_source(conn))[0]
    assert first.problem == "schema source is missing"
    assert first.remedy
    await conn.close()


async def test_a_missing_view_and_column_are_named(source: asyncpg.Connection) -> None:
    await source.execute("drop view source.outage; alter view source.bill rename column period to months")
    found = {(c.view, c.column): c.problem for c in await complaints_of_reader(source)}
    assert found == {
        ("outage", ""): "view source.outage is missing",
        ("bill", "period"): "column source.bill.period is missing",
    }


async def test_a_wrong_type_says_what_was_found_and_expected(source: asyncpg.Connection) -> None:
    await source.execute("""
        drop view source.office;
        create view source.office as
            select district::varchar(20) as district, section, phone, duty_email, duty_phone, 1 as extra
            from billing.office;
        grant select on source.office to notifier_source_reader
    """)
    [complaint] = await complaints_of_reader(source)
    assert (complaint.view, complaint.column) == ("office", "district")
    assert complaint.problem == "column source.office.district is character varying, expected text"
    assert "::text as district" in complaint.remedy


async def test_numbers_with_a_precision_are_the_same_type(source: asyncpg.Connection) -> None:
    await source.execute("""
        drop view source.meter_reading;
        create view source.meter_reading as
            select ''::text as account_no, ''::text as meter_no, current_date as read_on, 1::numeric(9, 2) as reading;
        grant select on source.meter_reading to notifier_source_reader
    """)
    assert await complaints_of_reader(source) == []


async def test_a_view_that_may_not_be_read_is_named(source: asyncpg.Connection) -> None:
    await source.execute("revoke select on source.account from notifier_source_reader")
    [complaint] = await complaints_of_reader(source)
    assert complaint.view == "account"
    assert complaint.problem == "the role has no SELECT on view source.account"


async def test_a_schema_that_may_not_be_used_is_named(source: asyncpg.Connection) -> None:
    await source.execute("revoke usage on schema source from notifier_source_reader")
    [complaint] = await complaints_of_reader(source)
    assert complaint.problem == "the role has no USAGE on schema source"


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        ("grant insert on billing.payment to {role}", "role {role} may INSERT on billing.payment"),
        ("grant update (amount) on billing.bill to {role}", "role {role} may UPDATE on billing.bill"),
        ("grant delete, truncate on source.office to {role}", "role {role} may DELETE, TRUNCATE on source.office"),
        ("grant create on schema billing to {role}", "role {role} may CREATE tables in schema billing"),
    ],
)
async def test_a_role_that_could_write_is_named(source: asyncpg.Connection, grant: str, problem: str) -> None:
    # Roles belong to the server: a role of this test alone, dropped again, lest another test meets its grants.
    role = f"writer_{await source.fetchval('select oid from pg_database where datname = current_database()')}"
    await source.execute(f"create role {role} in role notifier_source_reader")
    try:
        await source.execute(grant.format(role=role))
        assert [c.problem for c in await complaints_of_reader(source, role)] == [problem.format(role=role)]
    finally:
        await source.execute(f"drop owned by {role}; drop role {role}")


async def test_many_writable_tables_are_one_complaint(source: asyncpg.Connection) -> None:
    await source.execute("grant insert on all tables in schema billing to notifier_source_reader")
    [complaint] = await complaints_of_reader(source)
    assert "may INSERT on billing.account, and write to 11 more tables of schema billing" in complaint.problem


async def test_a_role_that_may_create_schemas_is_named(source: asyncpg.Connection) -> None:
    name = await source.fetchval("select quote_ident(current_database())")
    await source.execute(f"grant create on database {name} to notifier_source_reader")
    [complaint] = await complaints_of_reader(source)
    assert "may CREATE schemas in database" in complaint.problem


async def test_a_superuser_is_refused_in_one_sentence(source: asyncpg.Connection) -> None:
    [complaint] = await check_source(source)
    assert "is a superuser" in complaint.problem
    assert "notifier_source_reader" in complaint.remedy
