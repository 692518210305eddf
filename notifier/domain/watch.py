"""When a run looks so wrong that it must stop by itself until a person has looked."""

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.domain.disposition import Disposition

FAILURES = (
    Disposition.FAILED,
    Disposition.REFUSED,
    Disposition.UNDELIVERED,
    Disposition.UNKNOWN,
    Disposition.UNCERTAIN,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Shares above which a run pauses itself, once at least `sample` cases were seen."""

    failed: float = 0.5
    hung_up: float = 0.5
    withdrawn: float = 0.3
    sample: int = 40


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
    """The share of a run's recent facts that said "no longer due" or were missing altogether.

    A broken join, a wrong status or a replica gone astray looks like a wave of payments.
    """

    limits: Limits
    asked: int = 0
    withdrawn: int = 0
    missing: int = 0

    def note(self, *, asked: int, withdrawn: int, missing: int) -> str | None:
        """Count a batch; answers why the run should pause, or None. Old batches fade by halves."""
        if self.asked > 5 * self.limits.sample:
            self.asked, self.withdrawn, self.missing = self.asked // 2, self.withdrawn // 2, self.missing // 2
        self.asked += asked
        self.withdrawn += withdrawn
        self.missing += missing
        if self.asked < self.limits.sample:
            return None
        if self.missing / self.asked > self.limits.withdrawn:
            return f"the source no longer knows {self.missing} of {self.asked} subjects"
        if self.withdrawn / self.asked > self.limits.withdrawn:
            return f"{self.withdrawn} of {self.asked} were withdrawn: more than payments explain"
        return None
