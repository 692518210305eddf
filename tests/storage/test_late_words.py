"""A word that comes when something has followed already: it sets right what can be, and rings nobody twice."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.follow_up import Place
from notifier.domain.receipt import AttemptProgress
from notifier.domain.states import AttemptState
from notifier.storage.attempts import AttemptStore, Verdict
from notifier.storage.database import Pool
from notifier.storage.queue import QueueStore
from tests.storage import seeds
from tests.storage.seeds import LATER, NOW

D = Disposition


def ended(attempt: AttemptId, disposition: Disposition, version: int = 0, **more: Any) -> Verdict:
    verdict = Verdict(attempt, version, AttemptProgress(AttemptState.ENDED, disposition=disposition), None)
    return replace(verdict, **more)


def again(tries: int, free: int = 0) -> dict[str, Any]:
    return {"due_at": NOW, "channel": "voice", "place": Place(0, tries, free)}


def alive(attempt: AttemptId, version: int) -> Verdict:
    progress = AttemptProgress(AttemptState.IN_FLIGHT, provider_ref="CA1")
    return Verdict(attempt, version, progress, LATER, "revive")


async def in_flight(pool: Pool) -> tuple[int, int, AttemptId]:
    """A run, its one notification, and the attempt under way."""
    run = await seeds.run(pool)
    (notification,) = await seeds.notifications(pool, run, 1)
    return run, notification, await next_attempt(pool, run)


async def next_attempt(pool: Pool, run: int, now: datetime = NOW) -> AttemptId:
    store = QueueStore(pool)
    ((attempt, verdict),) = (await seeds.write(store, pool, await seeds.claim(store, run, now=now), now=now)).items()
    assert verdict == "written"
    return attempt


async def given_up(pool: Pool) -> tuple[int, int, AttemptId]:
    """An attempt that was concluded not to exist, and queued again."""
    run, notification, attempt = await in_flight(pool)
    await AttemptStore(pool).apply(NOW, [ended(attempt, D.NOT_CREATED, follow="queue", **again(0, 1))], [])
    return run, notification, attempt


async def held(pool: Pool, reason: Disposition = D.UNCERTAIN) -> tuple[int, int, AttemptId]:
    run, notification, attempt = await in_flight(pool)
    await AttemptStore(pool).apply(NOW, [ended(attempt, reason, follow="hold", reason=reason.value)], [])
    return run, notification, attempt


async def queued(pool: Pool) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in await pool.fetch("select step, tries, free from notifier.queue")]


async def open_attempts(pool: Pool) -> list[AttemptId]:
    return [row["attempt_id"] for row in await pool.fetch("select attempt_id from notifier.in_flight")]


async def standing(pool: Pool, attempt: AttemptId) -> tuple[str, str | None]:
    row = await pool.fetchrow("select state, disposition from notifier.attempt where id = $1", attempt)
    assert row is not None
    return row["state"], row["disposition"]


async def told(pool: Pool, notification: int) -> tuple[str | None, str | None]:
    row = await pool.fetchrow("select held, outcome from notifier.notification where id = $1", notification)
    assert row is not None
    return row["held"], row["outcome"]


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_sign_of_life_takes_back_the_try_that_was_queued(pool: Pool, claimed: bool) -> None:
    """Even from the worker that is about to make it."""
    run, _, attempt = await given_up(pool)
    queue = QueueStore(pool)
    lease = await seeds.claim(queue, run) if claimed else []
    await AttemptStore(pool).apply(NOW, [alive(attempt, 1)], [])
    assert (await queued(pool), await open_attempts(pool)) == ([], [attempt])
    assert await standing(pool, attempt) == ("in_flight", None)
    assert set((await seeds.write(queue, pool, lease)).values()) == ({"lost"} if claimed else set())


async def test_a_sign_of_life_of_what_has_been_tried_again_leaves_the_new_try_alone(pool: Pool) -> None:
    run, _, attempt = await given_up(pool)
    following = await next_attempt(pool, run)
    await AttemptStore(pool).apply(NOW, [alive(attempt, 1)], [])
    assert await open_attempts(pool) == [following]
    assert await standing(pool, attempt) == ("ended", "not_created")
    assert await pool.fetchval("select provider_ref from notifier.attempt where id = $1", attempt) == "CA1"
    assert await pool.fetchval("select ended_at from notifier.attempt where id = $1", attempt) == NOW


async def test_a_sign_of_life_ends_the_question_to_a_person(pool: Pool) -> None:
    _, notification, attempt = await held(pool)
    await AttemptStore(pool).apply(NOW, [alive(attempt, 1)], [])
    assert await told(pool, notification) == (None, None)
    assert await open_attempts(pool) == [attempt]


@pytest.mark.parametrize("reason", [D.UNCERTAIN, D.UNKNOWN])
async def test_an_answer_to_a_doubt_goes_on_by_itself(pool: Pool, reason: Disposition) -> None:
    _, notification, attempt = await held(pool, reason)
    await AttemptStore(pool).apply(NOW, [ended(attempt, D.BUSY, 1, follow="resume", **again(1))], [])
    assert await told(pool, notification) == (None, None)
    assert await queued(pool) == [(0, 1, 0)]


async def test_an_answer_to_a_doubt_may_end_the_plan_or_be_another_question(pool: Pool) -> None:
    store = AttemptStore(pool)
    _, notification, attempt = await held(pool)
    await store.apply(NOW, [ended(attempt, D.UNKNOWN, 1, follow="resume", reason="unknown")], [])
    assert await told(pool, notification) == ("unknown", None)
    unreached = ended(attempt, D.UNDELIVERED, 2, follow="resume", outcome="unreached", reason="undelivered")
    await store.apply(NOW, [unreached], [])
    assert await told(pool, notification) == (None, "unreached")
    assert await queued(pool) == []


async def test_an_answer_that_comes_after_a_persons_decision_only_counts(pool: Pool) -> None:
    run, notification, attempt = await held(pool)
    await pool.execute("update notifier.notification set held = null where id = $1", notification)
    await pool.execute(
        "insert into notifier.queue (notification_id, run_id, channel, due_at, step) values ($1, $2, 'voice', $3, 0)",
        notification, run, NOW,
    )  # fmt: skip
    following = await next_attempt(pool, run, LATER)
    store = AttemptStore(pool)
    await store.apply(NOW, [ended(following, D.UNCERTAIN, follow="hold", reason="uncertain")], [])
    await store.apply(NOW, [ended(attempt, D.BUSY, 1, follow="resume", **again(1))], [])
    assert await told(pool, notification) == ("uncertain", None)  # that is about the second try
    assert await queued(pool) == []


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_spent_try_is_counted_although_the_next_is_claimed(pool: Pool, claimed: bool) -> None:
    run, _, attempt = await given_up(pool)
    queue = QueueStore(pool)
    lease = await seeds.claim(queue, run) if claimed else []
    await AttemptStore(pool).apply(NOW, [ended(attempt, D.BUSY, 1, follow="adjust", **again(1))], [])
    assert await queued(pool) == [(0, 1, 0)]
    assert set((await seeds.write(queue, pool, lease)).values()) == ({"lost"} if claimed else set())


async def test_a_spent_try_is_counted_although_the_next_is_under_way(pool: Pool) -> None:
    run, _, attempt = await given_up(pool)
    following = await next_attempt(pool, run)
    store = AttemptStore(pool)
    await store.apply(NOW, [ended(attempt, D.BUSY, 1, follow="adjust", **again(1))], [])
    assert await pool.fetchval("select tries from notifier.attempt where id = $1", following) == 1
    stale = ended(following, D.BUSY, 0, follow="queue", **again(1))
    assert await store.apply(NOW, [stale], []) == set()  # drawn from the old count: to be judged anew


async def test_a_free_one_is_not_counted(pool: Pool) -> None:
    run, _, attempt = await given_up(pool)
    following = await next_attempt(pool, run)
    await AttemptStore(pool).apply(NOW, [ended(attempt, D.FAILED, 1, follow="adjust", **again(0, 1))], [])
    assert await pool.fetchval("select tries from notifier.attempt where id = $1", following) == 0


async def a_text_first(pool: Pool) -> tuple[int, AttemptId]:
    """Of somebody who prefers texts: the second step of the plan has the first turn. It was given up, and waits."""
    run = await seeds.run(pool)
    await seeds.notifications(pool, run, 1)
    await pool.execute("update notifier.queue set step = 1")
    attempt = await next_attempt(pool, run)
    given_up = ended(attempt, D.NOT_CREATED, follow="queue", due_at=NOW, channel="voice", place=Place(1, 0, 1))
    await AttemptStore(pool).apply(NOW, [given_up], [])
    return run, attempt


async def test_a_late_truth_moves_on_to_an_earlier_step_whose_turn_is_later(pool: Pool) -> None:
    _, attempt = await a_text_first(pool)
    undelivered = ended(
        attempt, D.UNDELIVERED, 1, follow="adjust", due_at=NOW, channel="voice", place=Place(0), earlier=[1]
    )
    await AttemptStore(pool).apply(NOW, [undelivered], [])
    assert await queued(pool) == [(0, 0, 0)]


async def test_a_late_truth_brings_nobody_back_to_a_step_whose_turn_is_over(pool: Pool) -> None:
    _, attempt = await a_text_first(pool)
    await pool.execute("update notifier.queue set step = 0, free = 0")
    await AttemptStore(pool).apply(
        NOW, [ended(attempt, D.FAILED, 1, follow="adjust", due_at=NOW, channel="voice", place=Place(1, 0, 1))], []
    )
    assert await queued(pool) == [(0, 0, 0)]


async def test_a_text_that_was_sent_again_is_counted_although_a_call_would_follow(pool: Pool) -> None:
    run, attempt = await a_text_first(pool)
    following = await next_attempt(pool, run)
    undelivered = ended(
        attempt, D.UNDELIVERED, 1, follow="adjust", due_at=NOW, channel="voice", place=Place(0), earlier=[1]
    )
    await AttemptStore(pool).apply(NOW, [undelivered], [])
    assert await pool.fetchval("select tries from notifier.attempt where id = $1", following) == 1
