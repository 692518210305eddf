"""Wires that are cut, or die without a word; and what a dead one leaves behind at the server."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from notifier.domain.attempt_id import AttemptId, make_attempt_id
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.engine.inbox import Intake
from notifier.settings import Pace
from notifier.storage.attempts import AttemptStore
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import LISTENED, LOST, Pool, WakeUps, open_pool
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.faults.postgres.server import Wired
from tests.faults.postgres.story import RECOVERED, a_story, comes, tell_of_a_blow
from tests.faults.proxy import Mode, Proxy, open_proxy, unix
from tests.house import FAST, MORNING, open_house

Note = Callable[[str, object], None]


@asynccontextmanager
async def over_a_wire(database: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A wire to a database of the shared cluster, and its URL over it."""
    parts = urlsplit(database)
    folder = parse_qs(parts.query)["host"][0]
    async with open_proxy(unix(f"{folder}/.s.PGSQL.5432")) as proxy:
        yield proxy, f"postgresql://postgres:@127.0.0.1:{proxy.port}{parts.path}?sslmode=disable"


@asynccontextmanager
async def pool_over(url: str, **options: Any) -> AsyncIterator[Pool]:
    pool = await open_pool(url, name="test", **options)
    try:
        yield pool
    finally:
        pool.terminate()


@pytest.mark.long
async def test_all_connections_are_cut_in_mid_run(
    database: str, source_database: str, record_property: Note, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And none is to be had for a moment."""
    monkeypatch.setattr("notifier.engine.dispatcher.LEASE", 2.0)
    quick = FAST | {"voice": Pace(rate=0.02, burst=6, most_in_flight=60, reserved=0)}  # 24 a second
    async with (
        over_a_wire(database) as (proxy, url),
        a_story(url, source_database, proxy, record_property, town=22, scale=1200, pace=quick) as (story, judge),
    ):
        run = await story.begun(calls=5)
        proxy.fail(Mode.REFUSE)
        proxy.drop()
        assert (await story.ready())[0] == 503
        proxy.fail(Mode.PASS)
        await story.recovered()
        await story.told(run)
        await judge()


async def test_a_callback_is_answered_in_time_although_nothing_moves(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier hangs up on a customer after 15 s."""
    monkeypatch.setattr("notifier.engine.inbox.STORED_WITHIN", 0.3)
    async with over_a_wire(database) as (proxy, url), pool_over(url) as pool:
        intake = Intake(AttemptStore(pool), WakeUps(pool, url))
        running = asyncio.create_task(intake.run())
        await pool.execute("select notifier.ensure_partitions($1)", MORNING)
        try:
            await intake.take([word("first")])
            proxy.fail(Mode.STALL)
            with pytest.raises(LOST):
                await intake.take([word("second")])
            proxy.fail(Mode.PASS)
            await intake.take([word("second")])
        finally:
            running.cancel()
        assert await pool.fetchval("select count(*) from notifier.receipt") == 2


def word(key: str) -> Receipt:
    attempt = AttemptId(make_attempt_id(MORNING, bytes(10)))
    return Receipt(attempt, ReceiptKind.CALLBACK, key, "ringing", MORNING)


async def test_a_dead_wire_costs_one_statement_and_no_more(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is not answered in time: whatever else lies idle is not trusted any more."""
    monkeypatch.setattr("notifier.storage.database.ANSWER", 0.3)
    async with over_a_wire(database) as (proxy, url), pool_over(url, size=5) as pool:
        await asyncio.gather(*(pool.fetch("select pg_sleep(0.05)") for _ in range(5)))
        assert pool.get_size() == 5
        proxy.forget()
        with pytest.raises(TimeoutError):
            await pool.fetch("select 1")
        assert pool.trouble() == "select: TimeoutError"
        for _ in range(5):
            assert await pool.fetchval("select 1") == 1
        assert pool.trouble() is None


async def test_the_kernel_asks_a_silent_server(database: str) -> None:
    """For statements that may take minutes."""
    async with over_a_wire(database) as (_, url), pool_over(url) as pool, pool.acquire() as connection:
        wire = connection._transport.get_extra_info("socket")
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


@pytest.mark.long
async def test_nobody_waits_for_a_second_connection_while_holding_one(database: str, source_database: str) -> None:
    """With a single one everything still goes its way, the schedule's firing too."""
    async with open_house(database, source_database, scale=2400, pool_size=1) as house:
        await customers(house, 2)
        await everyone(house)
        nine = MORNING.replace(hour=9, minute=0)

        async def is_due() -> bool:
            return await house.app.pool.execute("update notifier.schedule set next_at = $1", nine) == "UPDATE 1"

        await comes(is_due)

        async def fired() -> bool:
            return bool(await house.app.runs.latest())

        await comes(fired)
        await finished(house, (await house.app.runs.latest())[0][0])
        assert rung(await house.ledger("call")) == {number(0): 1, number(1): 1}


@pytest.mark.long
@pytest.mark.usefixtures("hasty")
async def test_every_connection_is_forgotten(wire: Wired, source_database: str, record_property: Note) -> None:
    """Half-open for ever, as by a firewall that lost its table; new connections pass."""

    async def forgotten() -> None:
        wire.proxy.forget()

    await tell_of_a_blow(wire, source_database, record_property, forgotten)


@pytest.mark.long
@pytest.mark.usefixtures("hasty")
async def test_a_process_of_the_server_is_killed(wire: Wired, source_database: str, record_property: Note) -> None:
    """kill -9: the server ends all others and recovers as after a crash."""
    await tell_of_a_blow(wire, source_database, record_property, partial(wire.server.kill_backend, wire.name))


@pytest.mark.long
async def test_whoever_listens_finds_out_that_nobody_speaks(database: str, record_property: Note) -> None:
    async with over_a_wire(database) as (proxy, url), pool_over(database) as speaker:
        wake_ups = WakeUps(speaker, url)
        heard = wake_ups.event("lanes")
        listening = asyncio.create_task(wake_ups.listen())
        try:
            await asyncio.wait_for(heard.wait(), 5)  # it rings once it has begun to listen
            heard.clear()
            proxy.forget()
            began = time.monotonic()
            await asyncio.wait_for(heard.wait(), RECOVERED)
        finally:
            listening.cancel()
        took = time.monotonic() - began
        record_property("listens again after, s", round(took, 1))
        assert took < 2 * LISTENED + 2


@pytest.mark.long
async def test_a_dead_wire_does_not_keep_its_locks(database: str, record_property: Note) -> None:
    """The transaction it was in the middle of would hold a channel's budget for hours."""
    async with over_a_wire(database) as (proxy, url), pool_over(url) as dead, pool_over(database) as alive:
        budgets = BudgetStore(alive)
        await budgets.set_up("voice", rate=1, burst=1, most_in_flight=10, reserved=0, now=MORNING)
        async with dead.acquire() as connection:
            await connection.execute("begin")
            assert await budgets.lines(connection, "voice", urgent=False, most=5) == 5
            proxy.forget()
            began = time.monotonic()

            async def granted() -> bool:
                try:
                    await budgets.grant("voice", now=MORNING, span=1, most=1, urgent=False)
                except asyncpg.LockNotAvailableError:
                    return False
                return True

            await comes(granted)
            took = time.monotonic() - began
            connection.terminate()
        record_property("lock freed after, s", round(took, 1))
        assert took < RECOVERED


@pytest.mark.long
@pytest.mark.usefixtures("hasty")
async def test_what_was_true_before_a_stall_is_told_to_nobody(wire: Wired, source_database: str) -> None:
    """The attempts are on disk, but the answer came 2.5 s later, and with it the facts were no longer fresh."""
    async with open_house(wire.url, source_database, scale=240) as house:
        await customers(house, 5)
        await everyone(house)
        write_ahead, stalls = house.app.queue.write_ahead, [2.5]

        async def stalled(*args: Any, **named: Any) -> Any:
            if stalls:
                wire.proxy.fail(Mode.STALL)
                asyncio.get_running_loop().call_later(stalls.pop(), wire.proxy.fail, Mode.PASS)
            return await write_ahead(*args, **named)

        house.app.queue.write_ahead = stalled  # type: ignore[method-assign]
        run = await house.launch()
        await finished(house, run)
        stale = await house.app.pool.fetchval(
            "select count(distinct attempt_id) from notifier.receipt where status = 'facts_went_stale'"
        )
        assert stale > 0
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(5)}
