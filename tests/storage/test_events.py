"""The inbox of events by its statements: order, a backlog, and what is left alone."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from notifier.domain.event import Arrival, Fault, Flaw
from notifier.storage.database import ANSWER, Pool
from notifier.storage.events import EventStore

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
KINDS = {"a", "b"}


@pytest.fixture
def events(pool: Pool) -> EventStore:
    return EventStore(pool)


def arrival(number: int, subject: str = "S1", kind: str = "a") -> Arrival:
    return Arrival("/x", str(number), kind, subject)


async def test_ids_rise_in_the_order_in_which_events_become_visible(events: EventStore, pool: Pool) -> None:
    """A writer that is not done keeps the next one waiting: nobody sees a later id before an earlier one."""
    async with pool.acquire() as slow, slow.transaction():
        (first,) = await events.store([arrival(1)], NOW, recount=True, connection=slow)
        quick = asyncio.create_task(events.store([arrival(2)], NOW, recount=True))
        waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
        while not await pool.fetchval(waits):
            assert not quick.done()
        assert await events.latest(None, None, 10) == []
    (second,) = await quick
    assert first is not None
    assert second is not None
    assert first < second


async def test_two_senders_of_the_same_in_another_order_do_not_lock_each_other_out(events: EventStore) -> None:
    sent = [arrival(n, f"S{n}") for n in range(500)]
    ids = await asyncio.gather(*(events.store(some, NOW, recount=True) for some in (sent, sent[::-1]) * 3))
    assert ids[0] == ids[1][::-1]
    assert {row["copies"] for row in await events.latest(None, None, 1000)} == {6}


async def test_ids_are_answered_in_the_order_of_the_arrivals(events: EventStore) -> None:
    flawed = Arrival("/x", "2", None, "S1", flaw=Flaw("type", Fault.MISSING))
    first, refused, again = await events.store([arrival(1), flawed, arrival(1)], NOW, recount=True)
    assert first == again != refused
    assert await events.store([arrival(1), flawed], NOW, recount=False) == [None, None]


async def test_a_backlog_without_statistics_is_taken_quickly(events: EventStore, pool: Pool) -> None:
    """After a source was away for a day. Fewer than 5 s, or the statement is given up, time and again."""
    await pool.execute(
        "insert into notifier.event (source, event_id, type, subject, received_at, state)"
        " select '/x', n::text, case when n % 2 = 0 then 'a' else 'c' end, 'S' || n % 30000, now(), 'pending'"
        " from generate_series(1, 100000) n"
    )
    began = time.monotonic()
    async with events.transaction() as connection:
        taken = await events.take(connection, "x", KINDS, known=KINDS, later=(), most=200)
    assert len(taken) == 200
    assert time.monotonic() - began < ANSWER / 5


async def test_what_waits_says_why_until_it_is_handled(events: EventStore) -> None:
    await events.store([arrival(1), arrival(2, "S2")], NOW, recount=True)
    async with events.transaction() as connection:
        taken = await events.take(connection, "x", KINDS, known=KINDS, later=(), most=10)
    await events.wait_for(taken, "the source database: gone")
    assert [row["waiting_for"] for row in await events.latest(None, "S2", 10)] == ["the source database: gone"]

    async with events.transaction() as connection:
        left = await events.take(connection, "x", KINDS, known=KINDS, later=[taken[0].id], most=10)
    assert [event.id for event in left] == [taken[1].id]
