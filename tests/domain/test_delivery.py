"""What follows from an answer to a delivery."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.delivery import (
    JITTER,
    LONGEST_ASKED,
    OLDEST,
    WAITS,
    DeliveryState,
    Failure,
    Heard,
    Reason,
    body,
    judge,
)

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert judge(Heard(status), 1, NOW, 0).state is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    "heard",
    [Heard(199), Heard(301, Failure.REDIRECT), Heard(400), Heard(404), Heard(500), Heard(failure=Failure.TIMEOUT)],
)
def test_anything_else_is_tried_again(heard: Heard) -> None:
    verdict = judge(heard, 1, NOW, 0)
    assert (verdict.state, verdict.due_at) == (DeliveryState.OPEN, NOW + timedelta(seconds=5))


def test_gone_is_gone() -> None:
    assert judge(Heard(410), 1, NOW, 0).reason == Reason.GONE


@given(dice=st.floats(0, 1))
def test_waits_grow_until_there_is_none(dice: float) -> None:
    at, waited = NOW, []
    for tries in range(1, len(WAITS) + 1):
        due_at = judge(Heard(500), tries, at, dice).due_at
        assert due_at is not None
        waited.append(due_at - at)
        at = due_at
    assert waited == sorted(waited)
    assert all(wait <= one <= wait * (1 + JITTER) for one, wait in zip(waited, WAITS, strict=True))
    assert sum(waited, timedelta(0)) < OLDEST, "time alone gives up nothing that still has tries"
    last = judge(Heard(500), len(WAITS) + 1, at, dice)
    assert (last.state, last.reason) == (DeliveryState.DEAD, Reason.TRIES)


@given(asked=st.timedeltas(timedelta(0), LONGEST_ASKED), tries=st.integers(1, len(WAITS)))
def test_nobody_is_asked_sooner_than_they_asked(asked: timedelta, tries: int) -> None:
    due_at = judge(Heard(503, after=asked), tries, NOW, 0).due_at
    assert due_at == NOW + max(asked, WAITS[tries - 1])


def test_the_body_is_as_the_specification_says() -> None:
    taipei = timezone(timedelta(hours=8))
    told = body("reply.received", datetime(2026, 12, 1, 10, 0, tzinfo=taipei), "B1", {"value": "上午"})

    assert json.loads(told) == {
        "type": "reply.received",
        "timestamp": "2026-12-01T02:00:00+00:00",
        "data": {"subject": "B1", "value": "上午"},
    }
