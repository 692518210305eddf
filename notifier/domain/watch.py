"""When a run looks so wrong that it must stop by itself until a person has looked."""

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.domain.disposition import Disposition

FAILURES = (
    Disposition.FAILED,
    Disposition.UNEXPLAINED,
    Disposition.REFUSED,
    Disposition.UNDELIVERED,
    Disposition.BOUNCED,
    Disposition.UNKNOWN,
    Disposition.UNCERTAIN,
)


SAMPLE = 40  # fewer cases prove nothing


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares above which a run pauses itself, once at least `sample` cases were seen."""

    failed: float = 0.5
    hung_up: float = 0.5
    withdrawn: float = 0.3
    sample: int = SAMPLE


SHRUNKEN = 0.5  # of the last audience of the same kind


def has_shrunk(tellable: int, before: int | None) -> bool:
    """Whether so many fewer can be told than last time that the source may have lost rows. Nothing is stopped by it:
    whoever was lost is selected again when the source has found them."""
    return before is not None and before > 0 and (tellable == 0 or (before >= SAMPLE and tellable < SHRUNKEN * before))


def abnormal_attempts(dispositions: Mapping[str, int], limits: Limits) -> str | None:
    """Why these recent attempts should stop the run, or None."""
    total = sum(dispositions.values())
    if total < limits.sample:
        return None
    failed = sum(dispositions.get(word, 0) for word in FAILURES)
    hung_up = dispositions.get(Disposition.HUNG_UP, 0)
    if failed / total > limits.failed:
        return f"{failed} of the last {total} attempts failed"
    if hung_up / total > limits.hung_up:
        return f"{hung_up} of the last {total} calls were hung up on at once"
    return None


@dataclass(slots=True)
class WithdrawalWatch:
    """The share of a run's recent facts that said "no longer due", were missing altogether or could not be told.

    A broken join, a wrong status or a replica gone astray looks like a wave of payments.
    """

    limits: Limits
    asked: int = 0
    withdrawn: int = 0
    missing: int = 0
    held: int = 0  # for other reasons

    def note(self, *, asked: int, withdrawn: int, missing: int, held: int = 0) -> str | None:
        """Count a batch; answers why the run should pause, or None. Old batches fade by halves."""
        if self.asked > 5 * self.limits.sample:
            self._fade()
        self.asked += asked
        self.withdrawn += withdrawn
        self.missing += missing
        self.held += held
        if self.asked < self.limits.sample:
            return None
        most = self.limits.withdrawn * self.asked
        if self.missing > most:
            return f"the source no longer knows {self.missing} of {self.asked} subjects"
        if self.held > most:
            return f"{self.held} of {self.asked} cannot be told: see what is held"
        if self.withdrawn > most:
            return f"{self.withdrawn} of {self.asked} were withdrawn: more than payments explain"
        return None

    def _fade(self) -> None:
        self.asked, self.withdrawn = self.asked // 2, self.withdrawn // 2
        self.missing, self.held = self.missing // 2, self.held // 2
