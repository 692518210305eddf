"""The cap of a household: counted with the attempt, by whichever worker, and uncounted when no phone can have rung."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.attempt_id import AttemptId
from notifier.domain.cap import WEEK, Cap
from notifier.domain.disposition import Disposition
from notifier.domain.receipt import AttemptProgress
from notifier.domain.states import AttemptState
from notifier.storage.attempts import AttemptStore, Verdict
from notifier.storage.database import Pool
from notifier.storage.queue import Claimed, QueueStore, WrittenAhead
from tests.storage import seeds
from tests.storage.seeds import DAY, LATER, NOW

CAP = Cap(per_day=2, per_week=3)
HOUR = timedelta(hours=1)


async def write(
    store: QueueStore, pool: Any, claimed: list[Claimed], *, owner: int = 1, now: datetime = NOW,
    cap: Cap | None = CAP, purpose: str = "collection",
) -> list[WrittenAhead]:  # fmt: skip
    """Attempts ended at once, so that nobody is in flight any more."""
    ahead = await store.write_ahead(
        pool, owner=owner, channel="voice", purpose=purpose, now=now, look_at=LATER, day_start=DAY, cap=100,
        household=cap, lines=500, drafts=[seeds.draft(one, now) for one in claimed],
    )  # fmt: skip
    await pool.execute("delete from notifier.in_flight")
    return list(ahead.values())


async def same_household(pool: Pool, count: int, start: int = 0) -> list[Claimed]:
    """So many notifications to one telephone, claimed one by one as by as many runs."""
    store, claimed = QueueStore(pool), []
    for n in range(start, start + count):
        run = await seeds.run(pool, f"run {n}")
        await seeds.notifications(pool, run, 1, same_phone=True)
        claimed += await store.claim(
            channel="voice", run=run, owner=n, now=NOW, until=NOW + 40 * 24 * HOUR, mark=seeds.START,
            purpose="collection", most=1,
        )  # fmt: skip
    return claimed


async def test_the_third_in_a_day_waits_and_is_told_until_when(pool: Pool) -> None:
    store = QueueStore(pool)
    claimed = await same_household(pool, 5)
    verdicts = []
    for n, (one, hours) in enumerate(zip(claimed, (0, 1, 2, 26, 27), strict=True)):
        (ahead,) = await write(store, pool, [one], owner=n, now=NOW + hours * HOUR)
        verdicts.append(ahead)

    assert [one.verdict for one in verdicts] == ["written", "written", "household", "written", "household"]
    assert sorted(verdicts[2].contacts) == [NOW, NOW + HOUR]
    assert CAP.full(verdicts[2].contacts, NOW + 2 * HOUR) == "capped: 2 in 24 hours"
    assert CAP.full(verdicts[4].contacts, NOW + 27 * HOUR) == "capped: 3 in 7 days"
    free = CAP.free_at(verdicts[4].contacts, NOW + 27 * HOUR)
    assert free == NOW + WEEK + timedelta(milliseconds=1)
    (again,) = await write(store, pool, [claimed[4]], owner=4, now=free)
    assert again.verdict == "written"


async def test_other_purposes_count_for_themselves_and_safety_not_at_all(pool: Pool) -> None:
    store = QueueStore(pool)
    claimed = await same_household(pool, 6)
    wanted = [("collection", CAP), ("collection", CAP), ("service", CAP), ("safety", None), ("safety", None)]
    for n, (purpose, cap) in enumerate(wanted):
        (ahead,) = await write(store, pool, [claimed[n]], owner=n, purpose=purpose, cap=cap)
        assert ahead.verdict == "written", purpose
    (ahead,) = await write(store, pool, [claimed[5]], owner=5)
    assert ahead.verdict == "household"
    assert len(ahead.contacts) == 2


async def test_a_household_is_its_telephone_else_its_account(pool: Pool) -> None:
    store = QueueStore(pool)
    claimed = await same_household(pool, 3)
    await pool.execute("update notifier.notification set phone = null")
    accounts = ["00000000001", "00000000001", "00000000002"]
    for one, account in zip(claimed, accounts, strict=True):
        await pool.execute("update notifier.notification set account_no = $1 where id = $2", account, one.id)
    verdicts = [(await write(store, pool, [one], owner=n, cap=Cap(1, 1)))[0].verdict for n, one in enumerate(claimed)]
    assert verdicts == ["written", "household", "written"]


async def test_two_workers_never_count_past_each_other(pool: Pool) -> None:
    """Twelve campaigns and twelve workers want one household at once, again and again; two contacts are allowed."""
    store = QueueStore(pool)
    claimed = await same_household(pool, 12)
    written = 0
    for _ in range(12):
        ahead = await asyncio.gather(
            *(
                store.write_ahead(
                    pool,
                    owner=n,
                    channel=f"channel {n}",
                    purpose="collection",
                    now=NOW,
                    look_at=LATER,
                    day_start=DAY,
                    cap=100,
                    household=CAP,
                    lines=10,
                    drafts=[seeds.draft(one)],
                )
                for n, one in enumerate(claimed)
            )
        )
        verdicts = Counter(one.verdict for some in ahead for one in some.values())
        written += verdicts["written"]
        assert verdicts.keys() <= {"written", "household", "address_busy", "lost"}
    assert written == CAP.per_day
    assert await pool.fetchval("select count(*) from notifier.attempt") == CAP.per_day
    assert await pool.fetchval("select (select count(*) from jsonb_object_keys(contacts)) from notifier.household") == 2


async def test_one_batch_contacts_a_household_once(pool: Pool) -> None:
    store = QueueStore(pool)
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 3, same_phone=True)
    claimed = await seeds.claim(store, run)
    verdicts = Counter(one.verdict for one in await write(store, pool, claimed, cap=Cap(10, 10)))
    assert verdicts == {"written": 1, "address_busy": 2}


async def ended(pool: Pool, attempt: AttemptId, state: str, disposition: str | None, version: int) -> None:
    """As the recorder writes down what became of an attempt."""
    progress = replace(
        AttemptProgress(), state=AttemptState(state), disposition=Disposition(disposition) if disposition else None
    )
    lives = state != "ended"
    verdict = Verdict(attempt, version, progress, LATER if lives else None, "revive" if lives else "none")
    moved = await AttemptStore(pool).apply(NOW + version * HOUR, [verdict], [])
    assert moved == {attempt}


async def counts(pool: Pool) -> list[str]:
    contacts = await pool.fetchval("select contacts from notifier.household")
    return list(contacts.values())


async def test_what_cannot_have_rung_does_not_count_and_what_lives_after_all_does(pool: Pool) -> None:
    store = QueueStore(pool)
    (one,) = await same_household(pool, 1)
    draft = seeds.draft(one)
    await store.write_ahead(
        pool, owner=0, channel="voice", purpose="collection", now=NOW, look_at=LATER, day_start=DAY, cap=100,
        household=CAP, lines=1, drafts=[draft],
    )  # fmt: skip
    assert await counts(pool) == ["collection"]
    await ended(pool, draft.attempt, "ended", "not_created", 0)
    assert await counts(pool) == ["-collection"]
    await ended(pool, draft.attempt, "in_flight", None, 1)
    assert await counts(pool) == ["collection"]
    await ended(pool, draft.attempt, "ended", "failed", 2)
    assert await counts(pool) == ["-collection"]
    await ended(pool, draft.attempt, "ended", "answered", 3)
    assert await counts(pool) == ["collection"]


async def test_who_was_counted_and_then_not_written_is_uncounted(pool: Pool) -> None:
    """Somebody of another purpose took the address between the two looks: safety, which counts nobody."""
    store = QueueStore(pool)
    collection, safety = await same_household(pool, 2)
    async with pool.acquire() as first, first.transaction():
        await store.write_ahead(
            first, owner=1, channel="voice", purpose="safety", now=NOW, look_at=LATER, day_start=DAY, cap=100,
            household=None, lines=1, drafts=[seeds.draft(safety)],
        )  # fmt: skip
        second = asyncio.create_task(
            store.write_ahead(
                pool,
                owner=0,
                channel="voice",
                purpose="collection",
                now=NOW,
                look_at=LATER,
                day_start=DAY,
                cap=100,
                household=CAP,
                lines=1,
                drafts=[seeds.draft(collection)],
            )
        )
        await blocked(first)
    (ahead,) = (await second).values()
    assert ahead.verdict == "address_busy"
    assert await counts(pool) == []


async def blocked(connection: Any) -> None:
    """Until another session waits for a lock."""
    async with asyncio.timeout(10):
        waits = False
        while not waits:
            waits = await connection.fetchval("select exists (select from pg_locks where not granted)")


async def test_what_is_old_is_forgotten(pool: Pool) -> None:
    store = QueueStore(pool)
    (one,) = await same_household(pool, 1)
    await write(store, pool, [one], owner=0)
    assert await store.forget_households(NOW) == 0
    assert await store.forget_households(NOW + timedelta(milliseconds=1)) == 1
