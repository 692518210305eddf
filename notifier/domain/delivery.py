"""An event on its way to a subscriber: what it says, what an answer means, and when it is tried again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

# After each try that failed, as the Standard Webhooks specification suggests: three days in all.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.2  # of a wait, at most: what failed together is not tried again together
OLDEST = timedelta(days=4)  # while its subscriber is in trouble nothing is tried: then time alone gives it up
LONGEST_ASKED = timedelta(days=1)  # that a subscriber may ask us to wait


class DeliveryState(StrEnum):
    OPEN = "open"
    DELIVERED = "delivered"
    DEAD = "dead"


class Reason(StrEnum):
    """Why a delivery is dead; or its subscriber's own reason for being disabled."""

    TRIES = "every try failed"
    TOO_OLD = "waited too long"
    REMOVED = "subscriber removed"
    GONE = "answered 410 Gone"
    TEST = "a test is tried once"


class Failure(StrEnum):
    """Why there was no answer, or none that counts; beside "http " and the status of one that does not."""

    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    NO_CONNECTION = "no_connection"
    NO_SUCH_HOST = "no_such_host"
    BAD_CERTIFICATE = "bad_certificate"
    FORBIDDEN_TARGET = "forbidden_target"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back of one request. `after`: how long its answer asked us to wait."""

    status: int | None = None
    failure: Failure | None = None
    after: timedelta | None = None

    @property
    def well(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == 410

    def __str__(self) -> str:
        return self.failure.value if self.failure else f"http {self.status}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a delivery stands after a try; `due_at`: of the next, where there is one."""

    state: DeliveryState
    due_at: datetime | None = None
    reason: str | None = None


def judge(heard: Heard, tries: int, now: datetime, dice: float) -> Verdict:
    """After the try of this number, counted from 1. `dice`: from 0 to 1."""
    if heard.well:
        return Verdict(DeliveryState.DELIVERED)
    if heard.gone:
        return Verdict(DeliveryState.DEAD, reason=Reason.GONE)
    if tries > len(WAITS):
        return Verdict(DeliveryState.DEAD, reason=Reason.TRIES)
    wait = WAITS[tries - 1] * (1 + JITTER * dice)
    return Verdict(DeliveryState.OPEN, now + max(wait, heard.after or timedelta(0)))


def body(kind: str, at: datetime, subject: str, data: Mapping[str, Any]) -> str:
    """The payload, the same at every try."""
    told = {"type": kind, "timestamp": at.astimezone(UTC).isoformat(), "data": {"subject": subject, **data}}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
