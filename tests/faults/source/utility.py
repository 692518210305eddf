"""A utility's database with faults: views that wait, lie, lose rows or are gone, and a wire that breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from notifier.storage.runs import Run
from tests.faults.proxy import Proxy, open_proxy, unix
from tests.house import DISTRICT, House

GATE = 4711  # the advisory lock at which a gated view waits

# Reading a gated bill waits until the gate is opened.
GATED = f"""
create table billing.gated (bill_no text primary key);
create function billing.passes(bill text) returns boolean language plpgsql volatile as $$
begin
  if exists (select from billing.gated g where g.bill_no = bill) then
    perform pg_advisory_xact_lock_shared({GATE});
  end if;
  return true;
end $$;
alter view source.bill rename to bill_as_it_is;
create view source.bill as select * from source.bill_as_it_is b where billing.passes(b.bill_no);
"""

# A replica, as its functions tell it, that has replayed all it received an hour ago and receives nothing more.
STALE = """
create schema stale;
create function stale.pg_is_in_recovery() returns boolean language sql as 'select true';
create function stale.pg_last_wal_receive_lsn() returns pg_lsn language sql as $$select '0/2'::pg_lsn$$;
create function stale.pg_last_wal_replay_lsn() returns pg_lsn language sql as $$select '0/1'::pg_lsn$$;
create function stale.pg_last_xact_replay_timestamp() returns timestamptz language sql
  as $$select now() - interval '1 hour'$$;
"""


async def gate(house: House, *bills: str) -> None:
    """Reading these bills waits, from now until `opened`."""
    await house.source.execute(GATED)
    await house.source.executemany("insert into billing.gated values ($1)", [(bill,) for bill in bills])
    await house.source.execute("select pg_advisory_lock($1)", GATE)


async def opened(house: House) -> None:
    await house.source.execute("select pg_advisory_unlock($1)", GATE)


async def waits_at_the_gate(house: House) -> bool:
    return bool(
        await house.source.fetchval(
            "select exists (select from pg_locks where locktype = 'advisory' and objid = $1::integer and not granted"
            " and database = (select oid from pg_database where datname = current_database()))",
            GATE,
        )
    )


async def view_of_bills(house: House, select: str) -> None:
    """Replace source.bill by a select over source.bill_as_it_is, whose columns and types may be others."""
    there = "select exists (select from pg_views where schemaname = 'source' and viewname = 'bill_as_it_is')"
    if await house.source.fetchval(there):
        await house.source.execute("drop view source.bill")
    else:
        await house.source.execute("alter view source.bill rename to bill_as_it_is")
    await house.source.execute(f"create view source.bill as {select}")


async def reconnected(house: House) -> None:
    """Whoever reads the source must connect anew, and meets the database's settings of this moment."""
    await house.source.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )


@asynccontextmanager
async def wire(source: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A wire to the source that can be broken, and the source's URL over it."""
    parts = urlsplit(source)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    async with open_proxy(unix(socket)) as proxy:
        yield proxy, f"postgresql://postgres:@127.0.0.1:{proxy.port}{parts.path}"


async def comes(holds: Callable[[], Awaitable[bool]], within: float = 15) -> None:
    """Until the condition holds. For what no wake-up announces."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


async def many(house: House, count: int, start: int = 0) -> list[str]:
    """So many customers, each with number(n) and a bill. Answers the bills."""
    await house.source.execute(
        "with person as (insert into billing.customer (name, locale) select '測試客戶', 'zh-TW'"
        " from generate_series(1, $1::integer) returning customer_id),"
        " numbered as (select customer_id, $2::integer + (row_number() over ())::integer - 1 as n from person),"
        " owner as (insert into billing.account (account_no, customer_id, district)"
        "   select (80000000000 + n)::text, customer_id, $3 from numbered),"
        " reached as (insert into billing.contact (account_no, mobile)"
        "   select (80000000000 + n)::text, '09' || (12000000 + n) from numbered)"
        " insert into billing.bill (bill_no, account_no, period, amount, issued_on, due_on)"
        " select 'M' || lpad(n::text, 6, '0'), (80000000000 + n)::text, '2026-10', 1234, $4::date - 20, $4::date + 2"
        " from numbered order by n",
        count, start, DISTRICT, house.today,
    )  # fmt: skip
    return [f"M{n:06d}" for n in range(start, start + count)]


async def says(house: House, run: Run, beginning: str) -> str:
    """What the run says it waits for, once that begins so."""
    said: list[str] = []

    async def says_so() -> bool:
        said[:] = [(await house.run(run)).waiting_for or ""]
        return said[0].startswith(beginning)

    await comes(says_so)
    return said[0]


async def left_behind(house: House) -> dict[str, int]:
    """Rows of an audience in the notifier's own tables."""
    tables = ("notification", "queue", "audience", "number_book")
    return {table: await house.app.pool.fetchval(f"select count(*) from notifier.{table}") for table in tables}


NOTHING = {"notification": 0, "queue": 0, "audience": 0, "number_book": 0}


def astray(minutes: int) -> str:
    """A clock so many minutes fast, as its functions tell it."""
    return f"""
create schema astray;
create function astray.now() returns timestamptz language sql
  as $$select pg_catalog.now() + interval '{minutes} minutes'$$;
create function astray.clock_timestamp() returns timestamptz language sql volatile
  as $$select pg_catalog.clock_timestamp() + interval '{minutes} minutes'$$;
"""


async def search_path(house: House, path: str) -> None:
    """Where readers find their functions, from their next connection on, which is at once."""
    name = await house.source.fetchval("select current_database()")
    await house.source.execute(f"alter database {name} set search_path = {path}")
    await reconnected(house)


@asynccontextmanager
async def between(house: House) -> AsyncIterator[Run]:
    """Between plan and dispatch: a run whose audience is drawn, and nobody of it is contacted while this lasts."""
    channels = list(house.app.catalogue.channels)
    for channel in channels:
        assert await house.app.budgets.pause(channel, "the test is not ready")
    yield await house.planned(await house.launch())
    for channel in channels:
        assert await house.app.budgets.resume(channel)
    await house.app.wake_ups.send("lanes")
