"""The source fails while it is asked what is true now: nothing is told on stale, missing or doubtful truth."""

import json
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.queries import parse_queries
from notifier.storage.source import CampaignQueries
from tests.acceptance.crowd import everyone, finished, number, rung
from tests.faults.proxy import Mode
from tests.faults.source.utility import (
    STALE,
    astray,
    between,
    comes,
    gate,
    many,
    opened,
    reconnected,
    says,
    search_path,
    view_of_bills,
    wire,
)
from tests.house import FAST, House, open_house

SLOWLY = FAST | {"voice": Pace(rate=5, burst=10, most_in_flight=10, reserved=0)}
NOBODY: Mapping[str, int] = {}


@pytest.mark.long
async def test_two_truths_hold_and_one_told_twice_does_not(database: str, source_database: str) -> None:
    """A join that doubles rows: which amount is told must not be left to chance."""
    async with open_house(database, source_database) as house:
        await many(house, 3)
        await everyone(house)
        async with between(house) as run:
            await view_of_bills(
                house,
                "select * from source.bill_as_it_is union all"
                " select * from source.bill_as_it_is where bill_no = 'M000001'"
                " union all select bill_no, account_no, period, amount + 100, paid, issued_on, due_on, paid_at"
                " from source.bill_as_it_is where bill_no = 'M000002'",
            )

        assert (await house.ended(run)).state is RunState.WAITING

        assert rung(await house.ledger("call")) == {number(0): 1, number(1): 1}
        assert (await house.tally(run)).held == {"facts_contradict": 1}


async def test_what_a_cell_held_is_kept_nowhere(database: str, source_database: str) -> None:
    """A date that a clerk typed a name into: the reason names the trouble, not the customer."""
    with capture_logs() as logs:
        async with open_house(database, source_database) as house:
            await many(house, 3)
            async with between(house) as run:
                await view_of_bills(
                    house,
                    "select bill_no, account_no, period, amount, paid, issued_on, '王小明 0912345678'::text as due_on,"
                    " paid_at from source.bill_as_it_is",
                )

            paused = await house.ended(run)
            second = await house.ended(await house.launch("another"))

            assert await house.ledger() == []
            kept = await house.app.pool.fetch("select * from notifier.run")
    reason = "the source does not hold its contract: "
    assert paused.state is RunState.PAUSED
    assert paused.reason == f"{reason}invalid datetime format (22007, type date)"
    assert second.state is RunState.FAILED
    for name in ("王小明", "0912345678"):
        assert name not in json.dumps([*map(str, kept), *map(str, logs)], ensure_ascii=False)


@pytest.mark.long
async def test_an_hour_behind(database: str, source_database: str) -> None:
    """A replica that lags: audiences may be drawn from it, but nobody is told before it has caught up."""
    async with open_house(database, source_database, scale=60) as house:
        bills = await many(house, 4)
        await everyone(house)
        await house.source.execute(STALE)
        await search_path(house, "stale, pg_catalog, public")
        run = await house.planned(await house.launch())
        assert run.selected == 4
        await says(house, run, "a source that is up to date: its last word is of")
        await house.pay(bills[0])

        await search_path(house, "pg_catalog, public")
        ended = await finished(house, run)

        assert ended.waiting_for is None
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(1, 4)}
        assert (await house.tally(run)).outcomes == {"acknowledged": 3, "withdrawn": 1}


@pytest.mark.long
@pytest.mark.parametrize("minutes", [-120, 120])
async def test_a_clock_that_is_off_is_no_replica_that_lags(database: str, source_database: str, minutes: int) -> None:
    async with open_house(database, source_database) as house:
        await many(house, 2)
        await everyone(house)
        await house.source.execute(astray(minutes))
        await search_path(house, "astray, pg_catalog, public")

        await finished(house, await house.launch())

        assert rung(await house.ledger("call")) == {number(0): 1, number(1): 1}


@pytest.mark.long
async def test_a_clock_that_is_fast_hides_no_replica_that_lags(database: str, source_database: str) -> None:
    """An hour behind by a clock an hour fast: its last word looks as if it were of now."""
    async with open_house(database, source_database) as house:
        await many(house, 2)
        await house.source.execute(astray(60) + STALE)
        await search_path(house, "stale, astray, pg_catalog, public")
        run = await house.launch()
        await says(house, run, "a source that is up to date: its last word is of")
        assert await house.ledger() == []


@pytest.mark.long
async def test_too_slow_for_some(database: str, source_database: str) -> None:
    """The facts of one customer take for ever: the others do not wait for them, nor is anything told of them."""
    async with open_house(database, source_database) as house:
        bills = await many(house, 20)
        await everyone(house)
        async with between(house) as run:
            await gate(house, bills[0])

        async def told() -> bool:
            return len(await house.ledger("call")) == 19

        await comes(told, within=80)
        assert number(0) not in rung(await house.ledger("call"))
        await says(house, run, "a source that answers within a second")
        await opened(house)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(20)}


@pytest.mark.long
async def test_too_slow_for_all(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        bills = await many(house, 3)
        await everyone(house)
        async with between(house) as run:
            await gate(house, *bills)
        await says(house, run, "a source that answers within a second")
        assert await house.ledger() == []
        await opened(house)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


@pytest.mark.long
@pytest.mark.parametrize("mode", [Mode.STALL, Mode.DEAF])
async def test_the_wire_goes_dead(database: str, source_database: str, mode: Mode) -> None:
    async with (
        wire(source_database) as (proxy, url),
        open_house(database, source_database, source_url=url, pace=SLOWLY) as house,
    ):
        await many(house, 40)
        await everyone(house)
        run = await house.launch()

        async def begun() -> bool:
            return len(await house.ledger("call")) >= 10

        await comes(begun)
        proxy.fail(mode)
        await says(house, run, "")
        await comes(lambda: waits(house, run.id))
        await house.quiet()
        called = len(await house.ledger("call"))
        assert called < 40
        proxy.fail(Mode.PASS)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(40)}


async def waits(house: House, run: int) -> bool:
    found = await house.app.runs.by_id(run)
    return bool(found and found.waiting_for)


@pytest.mark.long
async def test_a_join_that_loses_a_tenth(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        await many(house, 60)
        await everyone(house)
        async with between(house) as run:
            await view_of_bills(house, "select * from source.bill_as_it_is where bill_no not like '%7'")

        assert (await house.ended(run)).state is RunState.WAITING

        tally = await house.tally(run)
        assert (tally.outcomes, tally.held) == ({"acknowledged": 54}, {"facts_missing": 6})
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(60) if n % 10 != 7}


LOST = [
    pytest.param("select * from source.bill_as_it_is where false", "the source no longer knows", id="bills"),
    pytest.param(
        "select bill_no, account_no, period, null::numeric as amount, paid, issued_on, due_on, paid_at"
        " from source.bill_as_it_is", "the source no longer knows", id="amounts",
    ),
    pytest.param(
        "select bill_no, account_no, period, amount, paid, issued_on, null::date as due_on, paid_at"
        " from source.bill_as_it_is", "cannot be told: see what is held", id="dates",
    ),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("select", "why"), LOST)
async def test_a_join_that_loses_all(database: str, source_database: str, select: str, why: str) -> None:
    """The run pauses itself, nobody is withdrawn, and nobody is told an amount or a day that is not there."""
    async with open_house(database, source_database) as house:
        await many(house, 120)
        await everyone(house)
        async with between(house) as run:
            await view_of_bills(house, select)

        paused = await house.ended(run)

        assert paused.state is RunState.PAUSED
        assert why in (paused.reason or "")
        assert await house.ledger() == []
        tally = await house.tally(run)
        assert tally.outcomes == {}
        await view_of_bills(house, "select * from source.bill_as_it_is")
        await house.move(run, RunState.OPEN)
        ended = await house.ended(run, states=frozenset({RunState.FINISHED, RunState.WAITING}))
        tally = await house.tally(ended)
        assert tally.outcomes["acknowledged"] == 120 - sum(tally.held.values())
        assert sum(tally.held.values()) < 40  # what was held before there were enough to tell


@pytest.mark.long
async def test_a_bill_of_the_year_10000(database: str, source_database: str) -> None:
    """No date of Python can hold it: the run says so instead of failing over it for ever."""
    async with open_house(database, source_database) as house:
        bills = await many(house, 2)
        async with between(house) as run:
            await house.source.execute("update billing.bill set due_on = '12026-12-03' where bill_no = $1", bills[0])
        paused = await house.ended(run)
        assert paused.state is RunState.PAUSED
        assert (paused.reason or "").startswith("the source does not hold its contract: a value that cannot be read")


UNCAST = """
-- facts(subjects text[], now timestamptz)
select b.bill_no as subject, true as still_due, null::text as reason, now() as as_of, b.bill_no, b.account_no,
       'X' as customer_name, b.period, b.amount, '王小明' as due_on, '楠梓' as district, '電費組' as section,
       '07-338-3131' as section_phone
  from source.bill b where b.bill_no = any(:subjects) or b.account_no <> '' and :now > '2000-01-01'
"""


@pytest.mark.long
async def test_values_of_the_wrong_type_and_rows_nobody_asked_for(
    database: str, source_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign's own facts.sql without casts: a text where a date was, and rows of subjects that were not asked."""
    with capture_logs() as logs:
        async with open_house(database, source_database) as house:
            bills = await many(house, 2)
            async with between(house) as run:
                (query,) = parse_queries(UNCAST, "facts.sql")
                audience = house.app.source.queries("payment_deadline").audience
                monkeypatch.setattr(house.app.source, "queries", lambda _: CampaignQueries(audience, query))
            assert list(await house.app.source.facts("payment_deadline", bills[:1], house.clock.now())) == bills[:1]

            assert (await house.ended(run)).state is RunState.WAITING

            assert await house.ledger() == []
            (reason,) = (await house.tally(run)).held
            assert "王小明" not in reason
    assert "王小明" not in str(logs)


@pytest.mark.long
async def test_its_connections_are_ended_in_mid_run(database: str, source_database: str) -> None:
    async with open_house(database, source_database, pace=SLOWLY) as house:
        await many(house, 30)
        await everyone(house)
        run = await house.launch()
        for least in (5, 15, 25):

            async def begun(least: int = least) -> bool:
                return len(await house.ledger("call")) >= least

            await comes(begun)
            await reconnected(house)
        await finished(house, run)
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(30)}
