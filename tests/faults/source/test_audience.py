"""The source fails while an audience is selected: never half of one, and what keeps it is said on the run."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from notifier.commands.progress import read_standing
from notifier.domain.states import RunState
from notifier.engine.preflight import preflight
from notifier.storage.database import LOST
from tests.acceptance.crowd import customers, everyone, number, rung
from tests.faults.proxy import Mode
from tests.faults.source.utility import (
    NOTHING,
    comes,
    gate,
    left_behind,
    many,
    opened,
    says,
    view_of_bills,
    waits_at_the_gate,
    wire,
)
from tests.house import TAIPEI, House, open_house

BEFORE_NINE = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)
MANY = 300
MOST_IN_A_SOCKET = 8192  # bytes the source's server gathers before it writes


@pytest.fixture
async def early(database: str, source_database: str):  # type: ignore[no-untyped-def]
    """Before the window opens: audiences are drawn, nobody is contacted."""
    async with open_house(database, source_database, scale=1, start=BEFORE_NINE) as house:
        yield house


@pytest.mark.long
async def test_the_wire_is_cut_in_the_middle(database: str, source_database: str) -> None:
    async with (
        wire(source_database) as (proxy, url),
        open_house(database, source_database, scale=1, start=BEFORE_NINE, source_url=url) as house,
    ):
        bills = await many(house, MANY)
        await gate(house, bills[-1])
        run = await house.launch()
        await comes(lambda: waits_at_the_gate(house))
        assert proxy.answered > MOST_IN_A_SOCKET, "some of the audience must have come over"

        proxy.drop()

        assert "connection was closed" in await says(house, run, "the source database: ")
        assert await left_behind(house) == NOTHING
        await opened(house)
        planned = await house.planned(run)
        assert (planned.selected, planned.waiting_for) == (MANY, None)
        assert (await left_behind(house))["queue"] == MANY


@pytest.mark.long
async def test_rows_change_under_the_cursor(database: str, source_database: str) -> None:
    """The audience is of one moment; what has happened since is found out when its turn comes."""
    async with open_house(database, source_database) as house:
        bills = await many(house, 6)
        await everyone(house)
        await gate(house, bills[3])
        run = await house.launch()
        await comes(lambda: waits_at_the_gate(house))

        await house.pay(bills[0], bills[5])
        await house.source.execute("delete from billing.bill where bill_no = any ($1::text[])", [bills[1], bills[4]])
        await house.bill(await house.customer(mobile=number(9)))
        await house.source.execute("delete from billing.gated")
        await opened(house)

        ended = await house.ended(run)
        assert (ended.state, ended.selected) == (RunState.WAITING, 6)
        assert rung(await house.ledger("call")) == {number(2): 1, number(3): 1}
        tally = await house.tally(run)
        assert (tally.outcomes, tally.held) == ({"acknowledged": 2, "withdrawn": 2}, {"facts_missing": 2})


@pytest.mark.long
async def test_rows_about_nothing_are_left_out(early: House) -> None:
    """The contract promises a bill number; a row without one must neither stop the others nor be merged with them."""
    await many(early, 3)
    broken = "case when b.bill_no = 'M000001' then null else b.bill_no end as bill_no"
    columns = "b.account_no, b.period, b.amount, b.paid, b.issued_on, b.due_on, b.paid_at"
    await view_of_bills(early, f"select {broken}, {columns} from source.bill_as_it_is b")

    run = await early.planned(await early.launch())

    tally = await early.tally(run)
    assert (tally.selected, tally.excluded, tally.open, tally.difference) == (3, {"no_subject": 1}, 2, 0)


@pytest.mark.long
async def test_too_slow_three_times(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1, start=BEFORE_NINE, audience_seconds=0.5) as house:
        bills = await many(house, 3)
        await gate(house, bills[2])
        run = await house.launch()
        assert await says(house, run, "the source database: ") == "the source database: it took longer than 0.5 s"

        paused = await house.ended(run)

        assert paused.state is RunState.PAUSED
        assert paused.reason == "its audience: it took longer than 0.5 s, 3 times in a row"
        assert await left_behind(house) == NOTHING
        await opened(house)
        await house.move(run, RunState.OPEN)
        assert (await house.planned(run)).selected == 3


@pytest.mark.long
async def test_a_run_can_be_cancelled_while_its_audience_is_selected(early: House) -> None:
    bills = await many(early, 3)
    await gate(early, bills[2])
    run = await early.launch()
    await comes(lambda: waits_at_the_gate(early))

    async with asyncio.timeout(2):
        await early.move(run, RunState.CANCELLED)
    await opened(early)

    other = await early.planned(await early.launch("another"))
    assert other.selected == 3
    assert (await early.run(run)).state is RunState.CANCELLED
    assert (await left_behind(early))["queue"] == 3


@pytest.mark.long
async def test_other_runs_do_not_wait_for_a_slow_one(early: House) -> None:
    """While one audience is selected, the run of the same campaign behind it waits; it is planned next."""
    bills = await many(early, 3)
    await gate(early, bills[2])
    runs = [await early.launch(key) for key in ("first", "second")]
    await comes(lambda: waits_at_the_gate(early))
    await opened(early)
    planned = [await early.planned(run) for run in runs]
    assert Counter((run.selected, run.already_told) for run in planned) == Counter([(3, 0), (0, 3)])


@pytest.mark.long
@pytest.mark.parametrize("mode", [Mode.STALL, Mode.DEAF])
async def test_the_wire_goes_dead_in_the_middle(database: str, source_database: str, mode: Mode) -> None:
    """Nothing is closed and nothing moves: given up by our own watch, for the server cannot say so."""
    async with (
        wire(source_database) as (proxy, url),
        open_house(
            database, source_database, scale=1, start=BEFORE_NINE, source_url=url, audience_seconds=1
        ) as house,
    ):  # fmt: skip
        bills = await many(house, MANY)
        await gate(house, bills[-1])
        run = await house.launch()
        await comes(lambda: waits_at_the_gate(house))
        proxy.fail(mode)

        await says(house, run, "the source database: ")

        assert await left_behind(house) == NOTHING
        await opened(house)
        proxy.fail(Mode.PASS)
        assert (await house.planned(run)).selected == MANY


@pytest.mark.long
async def test_our_own_database_cut_while_the_source_is_ahead(database: str, source_database: str) -> None:
    """The source has filled all the room there is between the two; nobody may wait for room then."""
    async with (
        wire(database) as (proxy, url),
        open_house(url, source_database, scale=1, start=BEFORE_NINE) as house,
    ):
        await many(house, 60_000)
        run = await house.launch()

        name = urlsplit(database).path.lstrip("/")

        async def copies() -> bool:
            return await house.source.fetchval(
                "select exists (select from pg_stat_activity"
                " where datname = $1 and state = 'active' and query ilike 'copy%staging%')",
                name,
            )

        await comes(copies)
        proxy.fail(Mode.STALL)
        await asyncio.sleep(0.3)  # the source fills the room; there is no signal for it
        proxy.drop()
        proxy.fail(Mode.PASS)

        async def drawn() -> bool:
            with suppress(*LOST):
                return (await house.run(run)).state is RunState.OPEN
            return False

        await comes(drawn, within=60)
        assert (await house.run(run)).selected == 60_000


@pytest.mark.long
async def test_a_view_that_was_gone_has_returned(early: House) -> None:
    await many(early, 3)
    await early.source.execute("alter view source.bill rename to bill_under_repair")
    failed = await early.ended(await early.launch())
    assert failed.state is RunState.FAILED
    assert failed.reason == 'the source does not hold its contract: relation "source.bill" does not exist'

    await early.source.execute("alter view source.bill_under_repair rename to bill")

    assert (await early.planned(await early.launch("again"))).selected == 3


@pytest.mark.long
@pytest.mark.parametrize(
    ("left", "what"),
    [
        pytest.param("b.bill_no < 'M000020'", "bills", id="most bills are lost"),
        pytest.param("false", "bills", id="all bills are lost"),
        pytest.param("", "numbers", id="the telephones are lost"),
    ],
)
async def test_an_audience_that_has_shrunk_is_pointed_out(early: House, left: str, what: str) -> None:
    await many(early, 60)
    first = await early.planned(await early.launch("Monday"))
    assert not (await read_standing(early.app, first.id)).has_shrunk
    if what == "bills":
        await view_of_bills(early, f"select b.* from source.bill_as_it_is b where {left}")
    else:
        await early.source.execute("delete from billing.contact")
        await early.source.execute("update billing.bill set bill_no = 'N' || bill_no")

    report = await preflight(early.app, early.app.catalogue.campaign("payment_deadline"), first.params)
    assert (report.has_shrunk, report.tellable_before) == (True, 60)
    second = await early.planned(await early.launch("Tuesday"))
    standing = await read_standing(early.app, second.id)
    assert (standing.has_shrunk, standing.tellable_before) == (True, 60)


@pytest.mark.long
async def test_one_customer_more_or_less_is_nothing(early: House) -> None:
    await customers(early, 3)
    await early.planned(await early.launch("Monday"))
    await early.source.execute("delete from billing.bill where bill_no in (select min(bill_no) from billing.bill)")
    second = await early.planned(await early.launch("Tuesday"))
    assert not (await read_standing(early.app, second.id)).has_shrunk
