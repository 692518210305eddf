"""What keeps an event from being handled: it waits with the reason, keeps nobody else back, and goes on by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from notifier.app import Parts
from notifier.engine import event_inbox
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.acceptance.test_source_down import shut
from tests.conftest import Cluster
from tests.events.kit import ASKED, CAMPAIGN, PAID, effects, happen, inbox, let_events_trigger, sender, told
from tests.faults.proxy import Mode
from tests.faults.source.utility import comes, many, search_path, view_of_bills, wire
from tests.house import TAIPEI, House, open_house

BEFORE_NINE = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)

# A replica that replays all the time and is so many seconds behind; its clock begins to lag when the test says so.
BEHIND = """
create schema behind;
create table behind.since (at timestamptz);
create function behind.pg_is_in_recovery() returns boolean language sql as 'select exists (select from behind.since)';
create function behind.pg_last_wal_receive_lsn() returns pg_lsn language sql as $$select '0/2'::pg_lsn$$;
create function behind.pg_last_wal_replay_lsn() returns pg_lsn language sql as $$select '0/1'::pg_lsn$$;
create function behind.pg_last_xact_replay_timestamp() returns timestamptz language sql
  as 'select min(at) from behind.since';
"""


async def says(house: House, beginning: str, count: int = 1) -> str:
    """What so many pending events wait for, once it begins so."""
    found: list[str] = []

    async def so_many() -> bool:
        found[:] = [
            row["waiting_for"] for row in await inbox(house.app) if (row["waiting_for"] or "").startswith(beginning)
        ]
        return len(found) == count

    await house.until_soon(so_many)
    return found[0]


async def test_while_the_source_is_away(cluster: Cluster, database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house, await sender(house) as system:
        let_events_trigger(house.app)
        await everyone(house)
        bill = await house.bill(await house.customer(mobile=number(1)))
        async with shut(cluster, source_database):
            await system.send(bill)
            await says(house, "the source database: ")
        await told(house)

        assert rung(await house.ledger("call")) == {number(1): 1}
        assert effects(await inbox(house.app)) == ["opened"]


@pytest.mark.parametrize("mode", [Mode.STALL, Mode.DEAF, Mode.REFUSE])
async def test_while_the_wire_to_the_source_is_broken(database: str, source_database: str, mode: Mode) -> None:
    """A silence is told from a lost database of our own, however long it takes to find out."""
    async with (
        wire(source_database) as (proxy, url),
        open_house(database, source_database, source_url=url) as house,
        await sender(house) as system,
    ):
        let_events_trigger(house.app)
        await everyone(house)
        bill = await house.bill(await house.customer(mobile=number(1)))
        await system.send("unknown")
        await told(house)
        proxy.fail(mode)
        if mode is Mode.REFUSE:
            proxy.drop()
        await system.send(bill, 2)
        await says(house, "the source database: ")

        async def feed_says() -> bool:
            (feed,) = await house.app.events.feeds()
            return (feed.waiting_for or "").startswith("the source database: ")

        await house.until_soon(feed_says)
        proxy.fail(Mode.PASS)
        await told(house)

        assert rung(await house.ledger("call")) == {number(1): 1}


@asynccontextmanager
async def behind(house: House) -> AsyncIterator[None]:
    """From now on, until the end of this, the source is a replica that shows the world as it is at this moment."""
    await house.source.execute("insert into behind.since values (clock_timestamp())")
    yield
    await house.source.execute("delete from behind.since")


@pytest.fixture
async def replica(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database) as house:
        let_events_trigger(house.app)
        await everyone(house)
        await house.source.execute(BEHIND)
        await search_path(house, "behind, pg_catalog, public")
        yield house


async def test_a_replica_that_cannot_know_of_it_yet_is_waited_for(replica: House) -> None:
    bill = await replica.bill(await replica.customer(mobile=number(1)))
    async with await sender(replica) as system:
        async with behind(replica):
            await system.send(bill)
            await says(replica, "a source that is up to date: its last word is of")
            assert await replica.ledger() == []
        await told(replica)

    assert rung(await replica.ledger("call")) == {number(1): 1}


async def test_nobody_is_told_by_facts_from_before_the_event(replica: House) -> None:
    """The audience knew of it; then the source falls back behind it, by less than would be too old for others."""
    bill = await replica.bill(await replica.customer(mobile=number(1)))
    for channel in replica.app.catalogue.channels:
        await replica.app.budgets.pause(channel, "the test is not ready")
    await replica.source.execute("insert into behind.since values (clock_timestamp())")
    (moment,) = await replica.source.fetch("delete from behind.since returning at")
    async with await sender(replica) as system:
        await system.send(bill)

        async def opened() -> bool:
            return effects(await inbox(replica.app)) == ["opened"]

        await replica.until_soon(opened)
    await replica.source.execute("insert into behind.since values ($1)", moment["at"])
    for channel in replica.app.catalogue.channels:
        await replica.app.budgets.resume(channel)
    await replica.app.wake_ups.send("lanes")

    async def waits() -> bool:
        (run,) = await replica.app.runs.unfinished()
        return (run.waiting_for or "").startswith("a source that is up to date")

    await comes(waits)
    assert await replica.ledger() == []
    await replica.source.execute("delete from behind.since")
    await told(replica)
    assert rung(await replica.ledger("call")) == {number(1): 1}


async def test_one_that_breaks_the_statements_of_the_others_is_put_aside(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_inbox, "ASIDE", 2.0)
    async with open_house(database, source_database, parts=Parts(web=True, work=True)) as house:
        let_events_trigger(house.app)
        await everyone(house)
        bills = await many(house, 10)
        await view_of_bills(
            house,
            "select b.bill_no, b.account_no, b.period, b.amount, b.paid, b.issued_on, b.due_on"
            f" + 0 / (case when b.bill_no = '{bills[4]}' then 0 else 1 end) as due_on, b.paid_at"
            " from source.bill_as_it_is b",
        )
        await happen(house, *[(ASKED, bill) for bill in bills])

        async def others_told() -> bool:
            return len(rung(await house.ledger("call"))) == 9

        await house.until_soon(others_told)
        await says(house, "the source does not hold its contract: division by zero")
        assert [row["subject"] for row in await inbox(house.app) if row["state"] == "pending"] == [bills[4]]

        await house.source.execute("drop view source.bill; alter view source.bill_as_it_is rename to bill")
        await told(house)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(10)}


async def test_a_campaign_in_trouble_does_not_hold_the_others_up(database: str, source_database: str) -> None:
    parts = Parts(web=True, work=True)  # a timetable would be going through the campaigns
    async with open_house(database, source_database, parts=parts) as house:
        let_events_trigger(house.app)
        campaigns: Any = house.app.catalogue.campaigns
        campaigns["nowhere"] = replace(campaigns[CAMPAIGN], name="nowhere", schedule=None)
        await everyone(house)
        bill = await house.bill(await house.customer(mobile=number(1)))

        async with await sender(house) as system:
            await system.send(bill)
            await says(house, "campaign nowhere: ")

            async def called() -> bool:
                return rung(await house.ledger("call")) == {number(1): 1}

            await house.until_soon(called)
        (row,) = await inbox(house.app)
        assert (row["state"], row["effects"]) == ("pending", {CAMPAIGN: "opened"})


async def test_while_a_run_of_the_campaign_is_being_planned(database: str, source_database: str) -> None:
    """Nobody waits with a lock in hand; when the plan stands, what it tells is not told again."""
    async with open_house(database, source_database, start=BEFORE_NINE, scale=1800) as house:
        let_events_trigger(house.app)
        await everyone(house)
        first, second = await customers(house, 2)
        bills = [row["bill_no"] for row in await house.source.fetch("select bill_no from billing.bill order by 1")]
        async with await sender(house) as system:
            async with house.app.pool.acquire() as planning, planning.transaction():
                await house.app.audiences.take_turns(planning, CAMPAIGN)
                run = await house.launch()
                await system.send(bills[0])
                for turn in range(1, 4):  # one may be quicker than the first try at what has to wait
                    await system.send("another", f"another-{turn}", kind=PAID)
                    await house.until_soon(partial(handled_beside, house, turn))
            await told(house)
        await finished(house, run)

        assert rung(await house.ledger("call")) == {first: 1, second: 1}


async def handled_beside(house: House, others: int) -> bool:
    return [row["state"] for row in await inbox(house.app)] == ["pending", *["ignored"] * others]


async def test_a_worker_that_dies_amid_leaves_nothing_behind(database: str, source_database: str) -> None:
    """Its transaction is cut off between the audience and the end; another worker begins anew."""
    async with open_house(database, source_database, parts=Parts(web=True)) as house:
        let_events_trigger(house.app)
        bill = await house.bill(await house.customer(mobile=number(1)))
        async with await sender(house) as system:
            await system.send(bill)
        inbox_of_one = house.app.event_inbox()

        class Died(Exception):
            pass

        async def dies(*_: Any, **__: Any) -> None:
            raise Died

        inbox_of_one.events.note_effects = dies  # type: ignore[method-assign]
        with pytest.raises(Died):
            await inbox_of_one.handle_some()
        del inbox_of_one.events.note_effects  # type: ignore[attr-defined]
        assert await house.app.pool.fetchval("select count(*) from notifier.notification") == 0
        assert await house.app.runs.by_key("payment_deadline events 2026-12-01") is None

        assert await house.app.event_inbox().handle_some()
        assert effects(await inbox(house.app)) == ["opened"]
        assert await house.app.pool.fetchval("select count(*) from notifier.queue") == 1
