"""Claim, write ahead, dispose: what two workers, a lost lease and a busy address come to."""

import asyncio
from collections import Counter
from datetime import timedelta

from notifier.domain.follow_up import Place
from notifier.storage.database import Pool
from notifier.storage.queue import Disposal, QueueStore
from tests.storage import seeds
from tests.storage.seeds import NOW


async def test_two_claimers_never_get_the_same(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    ids = await seeds.notifications(pool, run, 1000)
    claims = await asyncio.gather(*(seeds.claim(store, run, owner=owner, most=100) for owner in range(1, 11)))
    claimed = [one.id for batch in claims for one in batch]
    assert len(claimed) == len(set(claimed))
    rest = await seeds.claim(store, run, owner=99, most=1000)
    assert sorted([*claimed, *(one.id for one in rest)]) == ids


async def test_a_lease_runs_out_and_fences(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 1)
    slow = await seeds.claim(store, run, owner=1)
    assert await seeds.claim(store, run, owner=2) == []
    later = NOW + timedelta(seconds=31)
    quick = await seeds.claim(store, run, owner=2, now=later)
    assert [one.id for one in quick] == [one.id for one in slow]
    assert set((await seeds.write(store, pool, slow, owner=1, now=later)).values()) == {"lost"}
    assert await store.dispose(1, later, [Disposal(slow[0].id, "settle", "expired", "late")]) == 0
    assert set((await seeds.write(store, pool, quick, owner=2, now=later)).values()) == {"written"}


async def test_what_is_written_has_left_the_queue(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 3)
    claimed = await seeds.claim(store, run)
    verdicts = await seeds.write(store, pool, claimed)
    assert Counter(verdicts.values()) == {"written": 3}
    assert await pool.fetchval("select count(*) from notifier.queue") == 0
    assert await pool.fetchval("select count(*) from notifier.in_flight") == 3
    states = await pool.fetch("select state from notifier.attempt")
    assert {row["state"] for row in states} == {"written"}
    assert set((await seeds.write(store, pool, claimed)).values()) == {"lost"}


async def test_one_in_flight_per_address(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 5, same_phone=True)
    first = await seeds.claim(store, run, owner=1, most=2)
    second = await seeds.claim(store, run, owner=2, most=3)
    verdicts = await asyncio.gather(seeds.write(store, pool, first, owner=1), seeds.write(store, pool, second, owner=2))
    counted = Counter(verdict for batch in verdicts for verdict in batch.values())
    assert counted == {"written": 1, "address_busy": 4}
    assert await pool.fetchval("select count(*) from notifier.queue") == 4


async def test_lines_and_caps_are_kept(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 4)
    claimed = await seeds.claim(store, run)
    assert Counter((await seeds.write(store, pool, claimed, lines=3)).values()) == {"written": 3, "no_line": 1}
    other = await seeds.run(pool, "other")
    await pool.execute("delete from notifier.in_flight")
    await seeds.notifications(pool, other, 1)
    await pool.execute("update notifier.notification set phone = (select min(phone) from notifier.notification)")
    again = await seeds.claim(store, other)
    assert Counter((await seeds.write(store, pool, again, cap=3)).values()) == {"capped": 1}


async def test_a_free_attempt_does_not_count_towards_the_cap(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 2, same_phone=True)
    one, two = await seeds.claim(store, run)
    await seeds.write(store, pool, [one], cap=1)
    await pool.execute("delete from notifier.in_flight")
    await pool.execute("update notifier.attempt set disposition = 'not_created', state = 'ended'")
    assert Counter((await seeds.write(store, pool, [two], cap=1)).values()) == {"written": 1}


async def test_a_run_paused_since_the_claim_writes_nothing(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 1)
    claimed = await seeds.claim(store, run)
    await pool.execute("update notifier.run set state = 'paused'")
    assert set((await seeds.write(store, pool, claimed)).values()) == {"lost"}
    assert await store.due_runs("voice", NOW) == []


async def test_disposals_are_carried_out_once(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    settled, held, postponed = await seeds.notifications(pool, run, 3)
    await seeds.claim(store, run)
    disposals = [
        Disposal(settled, "settle", "expired", "its time had passed"),
        Disposal(held, "hold", reason="facts_missing"),
        Disposal(postponed, "put_back", due_at=NOW + timedelta(hours=1), channel="email", place=Place(2, 0, 1)),
    ]
    assert await store.dispose(1, NOW, disposals) == 3
    assert await store.dispose(1, NOW, disposals) == 0
    rows = {row["id"]: dict(row) for row in await pool.fetch("select * from notifier.notification")}
    assert (rows[settled]["outcome"], rows[settled]["reason"]) == ("expired", "its time had passed")
    assert (rows[held]["held"], rows[held]["outcome"]) == ("facts_missing", None)
    (queued,) = await pool.fetch("select * from notifier.queue")
    assert (queued["notification_id"], queued["channel"], queued["step"], queued["free"]) == (postponed, "email", 2, 1)
    assert queued["lease_owner"] is None
    released = await pool.fetch("select notification_id from notifier.audience where released_at is not null")
    assert [row["notification_id"] for row in released] == [settled]


async def test_the_sweep_settles_cancelled_and_expired(pool: Pool) -> None:
    store = QueueStore(pool)
    cancelled = await seeds.run(pool, "cancelled", state="cancelled")
    alive = await seeds.run(pool, "alive")
    await seeds.notifications(pool, cancelled, 7)
    await seeds.notifications(pool, alive, 2)
    assert await store.sweep(cancelled, NOW, most=5) == 5
    assert await store.to_sweep(NOW) == [cancelled]
    assert await store.sweep(cancelled, NOW) == 2
    assert await store.to_sweep(NOW) == []
    evening = NOW + timedelta(hours=11)
    assert await store.to_sweep(evening) == [alive]
    assert await store.sweep(alive, evening) == 2
    await store.note_expiry(alive)
    assert await store.to_sweep(evening) == []
    counts = await pool.fetch("select outcome, count(*) as n from notifier.notification group by 1 order by 1")
    assert {row["outcome"]: row["n"] for row in counts} == {"cancelled": 7, "expired": 2}


async def test_urgent_runs_come_first(pool: Pool) -> None:
    store = QueueStore(pool)
    bulk = await seeds.run(pool, "bulk", priority=5)
    trigger = await seeds.run(pool, "trigger", priority=1)
    for run in (bulk, trigger):
        await seeds.notifications(pool, run, 1)
    assert [run.id for run in await store.due_runs("voice", NOW)] == [trigger, bulk]
    assert await store.next_due("voice") == NOW
