"""What is known of a telephone by its calls, and when it is best tried again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from notifier.domain.disposition import Disposition

NEVER_REACHED = 5  # tries in a row by which nobody was reached, before the office is asked to look at the number
HOUR = timedelta(hours=1)
HOURS_AHEAD = 24

# Nobody was there: another hour may be better. Whoever is busy is there, and is tried again soon.
NOBODY_THERE = frozenset({Disposition.NO_ANSWER, Disposition.MACHINE})


def answers_at(hours: int, hour: int) -> bool:
    """Whether somebody has picked up between `hour` and the next, local time; `hours` has a bit for each."""
    return bool(hours >> hour & 1)


def better_moment(
    at: datetime,
    hours: int,
    expires_at: datetime,
    opening: Callable[[datetime], datetime],
    local: Callable[[datetime], datetime],
) -> datetime:
    """The first moment from `at` on, by whole hours, at which this number has answered before: within a day, while the
    campaign may contact, and in the first half of the time that is left, since the steps after it need some, too.
    `at` itself where there is none."""
    latest = at + (expires_at - at) / 2
    for ahead in range(HOURS_AHEAD):
        moment = at + ahead * HOUR
        if moment >= latest:
            break
        if answers_at(hours, local(moment).hour) and opening(moment) == moment:
            return moment
    return at
