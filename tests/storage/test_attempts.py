"""Receipts on disk once, verdicts fenced by version, one place where an outcome is written."""

from dataclasses import replace
from datetime import timedelta

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.follow_up import Place
from notifier.domain.receipt import AttemptProgress, Receipt, ReceiptKind
from notifier.domain.states import AttemptState
from notifier.storage.attempts import AttemptStore, Ban, Verdict
from notifier.storage.database import Pool
from notifier.storage.queue import QueueStore
from tests.storage import seeds
from tests.storage.seeds import LATER, NOW

ENDED = AttemptProgress(AttemptState.ENDED, disposition=Disposition.BUSY)


async def one_in_flight(pool: Pool) -> tuple[int, AttemptId]:
    run = await seeds.run(pool)
    (notification,) = await seeds.notifications(pool, run, 1)
    store = QueueStore(pool)
    verdicts = await seeds.write(store, pool, await seeds.claim(store, run))
    return notification, next(iter(verdicts))


def said(attempt: AttemptId, status: str = "busy") -> Receipt:
    return Receipt(attempt, ReceiptKind.CALLBACK, status, status, NOW, 2, ended=Disposition.BUSY)


def retry(attempt: AttemptId, version: int = 0) -> Verdict:
    return Verdict(attempt, version, ENDED, None, "queue", due_at=LATER, channel="voice", place=Place(0, 1))


async def test_a_word_told_three_times_is_one_row(pool: Pool) -> None:
    _, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.store([said(attempt), said(attempt)])
    await store.store([said(attempt)])
    (row,) = await pool.fetch("select copies, applied_at from notifier.receipt")
    assert (row["copies"], row["applied_at"]) == (2, None)


async def test_stored_words_are_given_out_with_their_attempt(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.store([said(attempt)])
    async with pool.acquire() as connection, connection.transaction():
        ((file, receipts),) = await store.with_news(connection, 10)
        assert (file.id, file.notification, file.version) == (attempt, notification, 0)
        assert receipts == [said(attempt)]
        async with pool.acquire() as other, other.transaction():
            assert await store.with_news(other, 10) == []  # locked by the first inbox


async def test_a_verdict_moves_everything_at_once(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    assert await store.apply(NOW, [retry(attempt)], [said(attempt)]) == {attempt}
    assert await pool.fetchval("select count(*) from notifier.in_flight") == 0
    (queued,) = await pool.fetch("select notification_id, due_at, tries from notifier.queue")
    assert tuple(queued) == (notification, LATER, 1)
    (row,) = await pool.fetch("select state, disposition, version, ended_at from notifier.attempt")
    assert tuple(row) == ("ended", "busy", 1, NOW)
    assert await pool.fetchval("select applied_at from notifier.receipt") == NOW


async def test_a_verdict_from_an_older_state_changes_nothing(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [replace(retry(attempt), follow="settle", outcome="reached")], [said(attempt)])
    late = replace(retry(attempt), follow="settle", outcome="unreached")
    assert await store.apply(NOW, [late], [said(attempt, "late")]) == set()
    assert await pool.fetchval("select outcome from notifier.notification where id = $1", notification) == "reached"
    assert await pool.fetchval("select count(*) from notifier.receipt") == 1


async def test_a_late_truth_corrects_and_cancels_what_is_left(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [retry(attempt)], [])
    truth = replace(retry(attempt, version=1), follow="settle", outcome="acknowledged", reason="answered")
    assert await store.apply(NOW, [truth], [said(attempt)]) == {attempt}
    assert await pool.fetchval("select count(*) from notifier.queue") == 0
    assert (
        await pool.fetchval("select outcome from notifier.notification where id = $1", notification) == "acknowledged"
    )


async def test_reached_is_never_taken_back(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [replace(retry(attempt), follow="settle", outcome="reached")], [])
    await store.apply(NOW, [replace(retry(attempt, 1), follow="settle", outcome="unreached")], [])
    await store.apply(NOW, [replace(retry(attempt, 2), follow="hold", reason="unknown")], [])
    row = await pool.fetchrow("select outcome, held from notifier.notification where id = $1", notification)
    assert tuple(row or ()) == ("reached", None)


async def test_two_attempts_judged_together_settle_once_and_queue_nothing(pool: Pool) -> None:
    """The first was concluded not to exist and another was made; then the truth about both arrives in one batch."""
    notification, first = await one_in_flight(pool)
    store, queue = AttemptStore(pool), QueueStore(pool)
    await store.apply(NOW, [replace(retry(first), due_at=NOW)], [])
    run = await pool.fetchval("select run_id from notifier.notification where id = $1", notification)
    (second,) = await seeds.write(queue, pool, await seeds.claim(queue, run))

    reached = replace(retry(first, version=1), follow="settle", outcome="reached")
    await store.apply(NOW, [retry(second), reached], [])

    assert await pool.fetchval("select count(*) from notifier.queue") == 0
    assert await pool.fetchval("select outcome from notifier.notification where id = $1", notification) == "reached"


async def test_what_is_settled_is_never_written_again(pool: Pool) -> None:
    run = await seeds.run(pool)
    (notification,) = await seeds.notifications(pool, run, 1)
    store = QueueStore(pool)
    claimed = await seeds.claim(store, run)
    await pool.execute("update notifier.notification set outcome = 'reached' where id = $1", notification)
    assert set((await seeds.write(store, pool, claimed)).values()) == {"lost"}


async def test_an_adjustment_never_goes_back_in_the_plan(pool: Pool) -> None:
    notification, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [replace(retry(attempt), channel="email", place=Place(2))], [])
    await store.apply(NOW, [replace(retry(attempt, version=1), follow="adjust")], [])
    row = await pool.fetchrow("select channel, step from notifier.queue where notification_id = $1", notification)
    assert tuple(row or ()) == ("email", 2)


async def test_orphans_of_a_restore_do_not_stop_the_inbox(pool: Pool) -> None:
    _, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.store([said(seeds.draft_id(NOW)) for _ in range(5)])
    await store.store([said(attempt)])
    async with pool.acquire() as connection, connection.transaction():
        ((file, _),) = await store.with_news(connection, 3)
    assert file.id == attempt


async def test_adjusting_never_queues(pool: Pool) -> None:
    _, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [replace(retry(attempt), follow="adjust")], [])
    assert await pool.fetchval("select count(*) from notifier.queue") == 0


async def test_silent_attempts_are_given_to_one_keeper(pool: Pool) -> None:
    _, attempt = await one_in_flight(pool)
    store = AttemptStore(pool)
    assert await store.take_silent(NOW, LATER) == []
    (silence,) = await store.take_silent(LATER, LATER + timedelta(minutes=1))
    assert (silence.attempt, silence.state, silence.misses) == (attempt, AttemptState.WRITTEN, 0)
    assert await store.take_silent(LATER, LATER + timedelta(minutes=1)) == []
    assert await store.note_miss(attempt, 0, LATER) == 1
    assert await store.note_miss(attempt, 0, LATER) == 0  # another keeper was first
    assert await store.note_miss(attempt, 1, LATER) == 2


async def test_a_ban_stands_once_and_is_seen_by_the_claim(pool: Pool) -> None:
    run = await seeds.run(pool)
    (notification,) = await seeds.notifications(pool, run, 1)
    phone = await pool.fetchval("select phone from notifier.notification where id = $1", notification)
    attempt = AttemptId(seeds.draft((await seeds.claim(QueueStore(pool), run))[0]).attempt)
    store = AttemptStore(pool)
    for purpose in ("survey", "collection", "collection"):
        await store.suppress(pool, NOW, [Ban(phone, purpose, "opt_out", attempt)])
    assert await pool.fetchval("select count(*) from notifier.suppression") == 2
    await QueueStore(pool).give_back(1, [notification])
    (claimed,) = await seeds.claim(QueueStore(pool), run)
    assert claimed.suppressed == {phone}
