"""The pace of a channel is one for all workers."""

import asyncio
from datetime import timedelta

import pytest

from notifier.storage.budgets import BudgetStore, Grant
from notifier.storage.database import Pool
from notifier.storage.queue import QueueStore
from tests.storage import seeds
from tests.storage.seeds import NOW


async def budget(pool: Pool, **more: object) -> BudgetStore:
    store = BudgetStore(pool)
    given = {"rate": 10.0, "burst": 20.0, "most_in_flight": None, "reserved": 0} | more
    await store.set_up("voice", now=NOW, **given)  # type: ignore[arg-type]
    return store


async def granted(store: BudgetStore, seconds: float, most: int = 1000, urgent: bool = False) -> Grant:
    return await store.grant("voice", now=NOW + timedelta(seconds=seconds), span=1.0, most=most, urgent=urgent)


async def test_ten_workers_together_keep_the_pace(pool: Pool) -> None:
    store = await budget(pool)
    for second in range(1, 6):
        grants = await asyncio.gather(*(granted(store, second) for _ in range(10)))
        assert sum(grant.amount for grant in grants) == (11 if second == 1 else 10)  # one token to begin with


async def test_what_is_not_used_is_saved_up_to_the_burst(pool: Pool) -> None:
    store = await budget(pool)
    assert (await granted(store, 3600)).amount == 20


async def test_calls_in_flight_are_counted_and_some_are_reserved(pool: Pool) -> None:
    store = await budget(pool, most_in_flight=5, reserved=2)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 2)
    queue = QueueStore(pool)
    await seeds.write(queue, pool, await seeds.claim(queue, run))
    assert (await granted(store, 100)).amount == 1
    assert (await granted(store, 200, urgent=True)).amount == 3
    async with pool.acquire() as connection, connection.transaction():
        assert await store.lines(connection, "voice", urgent=False, most=9) == 1
        assert await store.lines(connection, "voice", urgent=True, most=9) == 3


async def test_the_breaker_opens_and_lets_one_through_after_a_while(pool: Pool) -> None:
    store = await budget(pool)
    for _ in range(4):
        assert await store.note_trouble("voice", "unavailable: 503", NOW) is None
    assert await store.note_trouble("voice", "unavailable: 503", NOW) == "unavailable: 503"
    shut = await granted(store, 5)
    assert (shut.amount, shut.paused) == (0, "unavailable: 503")
    assert (await granted(store, 60)).amount == 1
    assert (await granted(store, 61)).amount == 0  # half open: one at a time
    await store.note_success("voice")
    assert (await granted(store, 62)).amount > 1


async def test_nothing_is_saved_up_in_a_pause(pool: Pool) -> None:
    """When the provider is back it is not met by a burst."""
    store = await budget(pool, burst=500.0)
    await store.note_trouble("voice", "unavailable: 503", NOW, times=5)
    for second in range(20, 7200, 60):
        assert (await granted(store, second)).amount <= 1
    await store.note_success("voice")
    assert (await granted(store, 7200)).amount <= 600
    store = await budget(pool, burst=5.0)
    assert (await granted(store, 7201)).amount <= 10


@pytest.mark.parametrize("paused", [False, True])
async def test_what_a_clock_wrote_that_was_an_hour_fast_stops_nothing(pool: Pool, paused: bool) -> None:
    store = await budget(pool)
    await granted(store, 3600)
    if paused:
        await store.note_trouble("voice", "unavailable: 503", NOW + timedelta(hours=1), times=5)
    amounts = [(await granted(store, second)).amount for second in (1, 2, 3)]
    assert sum(amounts) == (1 if paused else 20)


async def test_a_pause_by_a_person_is_lifted_by_no_success(pool: Pool) -> None:
    store = await budget(pool)
    assert await store.pause("voice", "carrier maintenance")
    await store.note_success("voice")
    assert await store.note_trouble("voice", "x", NOW, times=9) is None
    assert (await granted(store, 3600)).amount == 0
    assert await store.resume("voice")
    assert (await granted(store, 3601)).amount > 0
