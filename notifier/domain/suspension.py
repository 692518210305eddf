"""The typhoon switch: for a while nobody of a district is contacted for some purposes. It ends by itself."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.domain.purpose import Purpose

# Nobody is to be dunned or surveyed in a typhoon; a reconnection is waited for more than ever, and safety never rests.
USUAL = frozenset({Purpose.COLLECTION, Purpose.SURVEY})
SUSPENDABLE = USUAL | {Purpose.SERVICE}
LONGEST = timedelta(days=30)  # what is meant to last longer is no typhoon but a mistyped year


@dataclass(frozen=True, slots=True)
class Suspension:
    """`district` None: everywhere. `ended_at`: when it was ended before its time, by whom."""

    id: int
    district: str | None
    purposes: frozenset[Purpose]
    reason: str
    since: datetime
    until: datetime
    set_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def over(self) -> datetime:
        return min(self.ended_at or self.until, self.until)

    def forbids(self, purpose: Purpose, district: str | None, now: datetime) -> bool:
        """Whether somebody of the district may not be contacted at `now`."""
        concerned = self.district is None or self.district == district
        return concerned and purpose in self.purposes and self.since <= now < self.over


def longest_over(
    suspensions: Iterable[Suspension], purpose: Purpose, district: str | None, now: datetime
) -> Suspension | None:
    """Of those that forbid a contact at `now`, the one that lasts longest; the statements of the queue choose the
    same."""
    standing = [one for one in suspensions if one.forbids(purpose, district, now)]
    return min(standing, key=lambda one: (-one.until.timestamp(), one.id), default=None)


def first_free(
    suspensions: Collection[Suspension],
    purpose: Purpose,
    district: str | None,
    moment: datetime,
    opening: Callable[[datetime], datetime],
) -> datetime:
    """The first moment at or after the one given at which neither the calendar nor any of these forbids a contact."""
    at = opening(moment)
    while (standing := longest_over(suspensions, purpose, district, at)) is not None:
        at = opening(standing.over)
    return at


def because_of(suspension_reason: str) -> str:
    """As the log keeps why something was put off."""
    return f"suspended: {suspension_reason}"
