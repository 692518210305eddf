"""A telling that turns out not to have happened, days later: the outcome is corrected, and nothing is opened again."""

import pytest

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.states import Outcome
from notifier.storage.attempts import AttemptStore, Verdict
from notifier.storage.database import Pool
from tests.storage.seeds import LATER, NOW
from tests.storage.test_late_words import again, ended, in_flight, next_attempt, queued

D = Disposition


def reached(attempt: AttemptId, version: int = 0) -> Verdict:
    return ended(attempt, D.ACCEPTED, version, follow="settle", outcome=Outcome.REACHED, reason=D.ACCEPTED)


def bounced(attempt: AttemptId, version: int = 1) -> Verdict:
    return ended(attempt, D.BOUNCED, version, follow="retract", outcome=Outcome.UNREACHED, reason=D.BOUNCED)


async def outcome(pool: Pool) -> tuple[str | None, str | None]:
    row = await pool.fetchrow("select outcome, reason from notifier.notification")
    assert row is not None
    return row["outcome"], row["reason"]


async def told_twice(pool: Pool) -> list[AttemptId]:
    """Two attempts of one notification that both seem to have told it."""
    run, _, first = await in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [ended(first, D.NOT_CREATED, follow="queue", **again(0, 1))], [])
    second = await next_attempt(pool, run)
    await store.apply(NOW, [reached(second)], [])
    await store.apply(NOW, [ended(first, D.ACCEPTED, 1)], [])
    return [first, second]


async def test_it_is_taken_back(pool: Pool) -> None:
    _, _, attempt = await in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [reached(attempt)], [])

    assert await store.apply(LATER, [bounced(attempt)], []) == {attempt}

    assert await outcome(pool) == ("unreached", "bounced")
    assert await queued(pool) == []


async def test_but_not_what_another_attempt_told(pool: Pool) -> None:
    first, second = await told_twice(pool)
    store = AttemptStore(pool)

    await store.apply(LATER, [bounced(first, 2)], [])
    assert await outcome(pool) == ("reached", "accepted")

    await store.apply(LATER, [bounced(second)], [])
    assert await outcome(pool) == ("unreached", "bounced")


async def test_both_come_back_in_one_breath(pool: Pool) -> None:
    """Each of them sees the other as it is after the statement, not as it was."""
    first, second = await told_twice(pool)

    await AttemptStore(pool).apply(LATER, [bounced(first, 2), bounced(second)], [])

    assert await outcome(pool) == ("unreached", "bounced")


async def test_one_comes_back_and_the_other_gets_a_mere_word(pool: Pool) -> None:
    first, second = await told_twice(pool)

    await AttemptStore(pool).apply(LATER, [bounced(first, 2), ended(second, D.ACCEPTED, 1)], [])

    assert await outcome(pool) == ("reached", "accepted")


@pytest.mark.parametrize("kept", ["acknowledged", "withdrawn", "suppressed"])
async def test_no_other_outcome_is_touched(pool: Pool, kept: str) -> None:
    _, _, attempt = await in_flight(pool)
    store = AttemptStore(pool)
    await store.apply(NOW, [reached(attempt)], [])
    await pool.execute("update notifier.notification set outcome = $1, reason = 'as it was'", kept)

    await store.apply(LATER, [bounced(attempt)], [])

    assert await outcome(pool) == (kept, "as it was")
