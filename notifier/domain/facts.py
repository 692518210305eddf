"""What is true now for one subject, and what follows from it before anything is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# A source that answers with truths older than this is a replica that lags: it must not pass for a payment.
OLDEST_AS_OF = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """One row of `facts.sql`. `reason` says why it is no longer due; `as_of` is real time. `contradicted`: another row
    says otherwise, and nobody can tell which is true."""

    subject: str
    still_due: bool
    reason: str | None
    as_of: datetime
    values: Mapping[str, object]
    contradicted: bool = False

    def agrees(self, other: "Facts") -> bool:
        return replace(self, as_of=other.as_of) == other


@dataclass(frozen=True, slots=True)
class Tell:
    facts: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    reason: str


@dataclass(frozen=True, slots=True)
class HoldBack:
    reason: str


def by_subject(rows: Iterable[Facts]) -> dict[str, Facts]:
    """One truth per subject, as old as the oldest row that says it. Rows that disagree are marked, not chosen from."""
    known: dict[str, Facts] = {}
    for row in rows:
        first = known.setdefault(row.subject, row)
        if first is not row:
            oldest = min(first, row, key=lambda one: one.as_of)
            known[row.subject] = replace(oldest, contradicted=not first.agrees(row))
    return known


def too_old(facts: Iterable[Facts], real_now: datetime) -> datetime | None:
    """The oldest `as_of` when the source lags behind: it must be waited for, not believed. None when it is fresh."""
    oldest = min((fact.as_of for fact in facts), default=real_now)
    return oldest if real_now - oldest > OLDEST_AS_OF else None


def weigh(subjects: Sequence[str], known: Mapping[str, Facts]) -> Tell | Withdraw | HoldBack:
    """Whether a notification about `subjects` may still be told, must be withdrawn, or waits for a person.

    Subjects still true are told; with none left it is withdrawn; a subject of which the source knows nothing, or more
    than one thing, holds it.
    """
    if any(subject not in known for subject in subjects):
        return HoldBack("facts_missing")
    if any(known[subject].contradicted for subject in subjects):
        return HoldBack("facts_contradict")
    facts = [known[subject] for subject in subjects]
    due = tuple(fact for fact in facts if fact.still_due)
    if not due:
        return Withdraw(facts[-1].reason or "no longer due")
    return Tell(due)
