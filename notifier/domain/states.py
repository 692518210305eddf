"""The states of notifications, attempts and runs, and one table of legal moves for each."""

from enum import StrEnum
from typing import TypeVar


class NotificationState(StrEnum):
    PLANNED = "planned"
    PENDING = "pending"
    LEASED = "leased"
    IN_FLIGHT = "in_flight"
    HELD = "held"
    SETTLED = "settled"


class Outcome(StrEnum):
    """How a notification ended."""

    ACKNOWLEDGED = "acknowledged"
    REACHED = "reached"
    UNREACHED = "unreached"
    WITHDRAWN = "withdrawn"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    WRITTEN = "written"  # committed, not yet answered by the provider
    IN_FLIGHT = "in_flight"  # the provider has it
    UNCERTAIN = "uncertain"  # may have been sent
    ENDED = "ended"


class RunState(StrEnum):
    PLANNING = "planning"  # opened; its audience is not drawn yet
    PREPARING = "preparing"  # what its calls say is being recorded
    OPEN = "open"
    PAUSED = "paused"
    WAITING = "waiting"  # nothing left to do but what is held for a person
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


N = NotificationState
NOTIFICATION_MOVES: dict[NotificationState, frozenset[NotificationState]] = {
    N.PLANNED: frozenset({N.PENDING, N.HELD, N.SETTLED}),
    N.PENDING: frozenset({N.LEASED, N.HELD, N.SETTLED}),
    N.LEASED: frozenset({N.PENDING, N.IN_FLIGHT, N.HELD, N.SETTLED}),
    N.IN_FLIGHT: frozenset({N.PENDING, N.HELD, N.SETTLED}),
    N.HELD: frozenset({N.PENDING, N.SETTLED}),
    N.SETTLED: frozenset({N.SETTLED}),  # a late truth may correct the outcome, never reopen it
}

A = AttemptState
ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    A.WRITTEN: frozenset({A.IN_FLIGHT, A.UNCERTAIN, A.ENDED}),
    A.IN_FLIGHT: frozenset({A.IN_FLIGHT, A.ENDED}),
    A.UNCERTAIN: frozenset({A.UNCERTAIN, A.IN_FLIGHT, A.ENDED}),
    # A later word may correct the disposition; one that is not final shows that what we had given up lives.
    A.ENDED: frozenset({A.ENDED, A.IN_FLIGHT}),
}

R = RunState
RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    R.PLANNING: frozenset({R.PREPARING, R.OPEN, R.PAUSED, R.CANCELLED, R.FAILED}),
    R.PREPARING: frozenset({R.OPEN, R.PAUSED, R.CANCELLED}),
    R.OPEN: frozenset({R.PAUSED, R.WAITING, R.FINISHED, R.CANCELLED}),
    R.PAUSED: frozenset({R.OPEN, R.PLANNING, R.CANCELLED}),
    R.WAITING: frozenset({R.OPEN, R.PAUSED, R.FINISHED, R.CANCELLED}),
    R.FINISHED: frozenset(),
    R.CANCELLED: frozenset(),
    R.FAILED: frozenset(),
}

# Outcomes of a customer who was never told: the occasion is released, so that a later run may tell it.
RELEASING_OUTCOMES = frozenset({Outcome.CANCELLED, Outcome.EXPIRED})


S = TypeVar("S", bound=StrEnum)


class IllegalMove(Exception):
    """Somebody tried to move a notification, an attempt or a run where the table does not allow."""


def check_move(table: dict[S, frozenset[S]], before: S, after: S) -> None:
    if after not in table[before]:
        raise IllegalMove(f"{before.value} -> {after.value}")
