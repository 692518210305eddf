"""How often one household may be contacted, over all campaigns and channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.domain.purpose import Purpose

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
TICK = timedelta(milliseconds=1)  # how exactly an attempt's id tells its time


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many contacts in any 24 hours, and in any 7 days."""

    per_day: int
    per_week: int

    def full(self, contacts: Sequence[datetime], now: datetime) -> str | None:
        """Why no further contact may be made at `now`, as the log keeps it; None when one may."""
        for most, span, words in self._spans():
            if sum(contact >= now - span for contact in contacts) >= most:
                return f"capped: {most} in {words}"
        return None

    def free_at(self, contacts: Sequence[datetime], now: datetime) -> datetime:
        """The first moment at or after `now` at which a further contact stays within the cap."""
        newest_first = sorted(contacts, reverse=True)
        rolled_on = [newest_first[most - 1] + span + TICK for most, span, _ in self._spans() if len(contacts) >= most]
        return max([now, *rolled_on])

    def _spans(self) -> list[tuple[int, timedelta, str]]:
        return [(self.per_week, WEEK, "7 days"), (self.per_day, DAY, "24 hours")]


Caps = Mapping[Purpose, Cap]  # a purpose without an entry has no cap
