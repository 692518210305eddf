"""The utility's database goes away, or answers what it should not: nothing is sent on stale truth."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import urlsplit

import asyncpg
import pytest

from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.conftest import Cluster
from tests.house import FAST, TAIPEI, House, open_house

BEFORE_NINE = datetime(2026, 12, 1, 6, 0, tzinfo=TAIPEI)
MANY = 60
SLOW = FAST | {"voice": Pace(rate=5, burst=50, most_in_flight=10, reserved=0)}


@asynccontextmanager
async def shut(cluster: Cluster, source: str, *, gone: bool = False) -> AsyncIterator[None]:
    """The source takes no connections, and those it has are ended. `gone`: nor is there a database of its name."""
    name = urlsplit(source).path.lstrip("/")
    administrator = await asyncpg.connect(cluster.database("postgres"))
    try:
        await administrator.execute(f"alter database {name} allow_connections false")
        await administrator.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        if gone:
            await administrator.execute(f"alter database {name} rename to {name}_gone")
        yield
        if gone:
            await administrator.execute(f"alter database {name}_gone rename to {name}")
    finally:
        await administrator.execute(f"alter database {name} allow_connections true")
        await administrator.close()


async def waiting(house: House, run: Run) -> str:
    """What the run says it waits for, once it says so. The lanes and the planner are woken until it does."""
    said: list[str] = []

    async def says() -> bool:
        now = await house.app.runs.by_id(run.id)
        assert now is not None
        assert now.state in (RunState.PLANNING, RunState.PREPARING, RunState.OPEN), (now.state, now.reason)
        said[:] = [now.waiting_for] if now.waiting_for else []
        if not said:
            await house.app.wake_ups.send("planner")
            await house.app.wake_ups.send("lanes")
        return bool(said)

    await house.until(says, "lanes")
    return said[0]


@pytest.mark.parametrize("gone", [pytest.param(False, id="refuses"), pytest.param(True, id="is gone")])
async def test_down_at_launch(cluster: Cluster, database: str, source_database: str, gone: bool) -> None:
    async with open_house(database, source_database) as house:
        await customers(house, 3)
        await everyone(house)
        async with shut(cluster, source_database, gone=gone):
            run = await house.launch()
            assert (await waiting(house, run)).startswith("the source database: ")
            assert await house.ledger() == []

        ended = await finished(house, run)

        assert ended.waiting_for is None
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


async def test_down_between_plan_and_call(cluster: Cluster, database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        await customers(house, 3)
        await everyone(house)
        run = await house.planned(await house.launch())
        async with shut(cluster, source_database):
            assert (await waiting(house, run)).startswith("the source database: ")
            assert await house.ledger() == []

        ended = await finished(house, run)

        assert ended.waiting_for is None
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


async def test_down_in_mid_run(cluster: Cluster, database: str, source_database: str) -> None:
    async with open_house(database, source_database, pace=SLOW) as house:
        await customers(house, MANY)
        await everyone(house)
        run = await house.launch()

        async def begun() -> bool:
            return len(await house.ledger("call")) >= 10

        await house.until(begun, "inbox", "lanes")
        async with shut(cluster, source_database):
            await waiting(house, run)
            await house.quiet()
            called = len(await house.ledger("call"))
            assert called < MANY
            await house.app.wake_ups.send("lanes")
            await waiting(house, run)
            assert len(await house.ledger("call")) == called

        await finished(house, run)

        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(MANY)}


async def test_a_view_is_missing_at_launch(house: House) -> None:
    await customers(house, 1)
    await house.source.execute("drop view source.bill")

    run = await house.ended(await house.launch())

    assert run.state is RunState.FAILED
    assert 'relation "source.bill" does not exist' in (run.reason or "")
    assert await house.ledger() == []


async def test_a_column_of_the_audience_changes_its_type(house: House) -> None:
    """A number where a date should be: the query's own cast refuses it, before any byte is copied."""
    await customers(house, 1)
    await house.source.execute("alter table billing.bill rename column due_on to due_day")
    await house.source.execute("drop view source.bill")
    await house.source.execute(
        "create view source.bill as select bill_no, account_no, period, amount, 0::numeric as paid, issued_on,"
        " 20261203 as due_on, null::timestamptz as paid_at from billing.bill"
    )

    run = await house.ended(await house.launch())

    assert run.state is RunState.FAILED
    assert run.reason
    assert await house.ledger() == []


async def test_a_view_breaks_in_mid_run(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        await customers(house, 3)
        await everyone(house)
        run = await house.planned(await house.launch())
        await house.source.execute("alter view source.bill rename to bill_under_repair")

        paused = await house.ended(run)

        assert paused.state is RunState.PAUSED
        assert "the source does not hold its contract" in (paused.reason or "")
        assert await house.ledger() == []

        await house.source.execute("alter view source.bill_under_repair rename to bill")
        await house.move(run, RunState.OPEN)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


async def test_a_bill_the_source_no_longer_knows_is_held(database: str, source_database: str) -> None:
    """A missing row must not pass for a payment."""
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        account = await house.customer(mobile=number(1))
        bill = await house.bill(account)
        run = await house.planned(await house.launch())
        await house.source.execute("delete from billing.bill where bill_no = $1", bill)

        waiting_run = await house.ended(run)

        assert waiting_run.state is RunState.WAITING
        assert (await house.notification(account))["held"] == "facts_missing"
        assert await house.ledger() == []
