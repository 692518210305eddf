"""What a customer's answer asks of the office, how it stands, and until when somebody should have acted on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from notifier.domain.message import Action

MOST_DAYS = 3  # that a call proposes: more, and nobody remembers the first
URGENT = timedelta(hours=1)


class Standing(StrEnum):
    """What the facts said of a chosen day at the moment the key was pressed."""

    HOLDS = "holds"
    NOT_OFFERED = "not_offered"
    UNCHECKED = "unchecked"  # nobody could be asked in time


@dataclass(frozen=True, slots=True)
class Work:
    """What an action means to the people who get it: what they call it, what was asked for, how soon it is due."""

    kind: str
    value: str = ""
    urgent: bool = False


# Actions that somebody of the office must act on; the others are done with when they are recorded.
OFFICE_WORK: Mapping[Action, Work] = {
    Action.CHOOSE_DATE: Work("choose_date"),
    Action.CALL_BACK_MORNING: Work("call_back", "morning"),
    Action.CALL_BACK_AFTERNOON: Work("call_back", "afternoon"),
    Action.EXTENSION: Work("extension"),
    Action.NO_POWER: Work("no_power", urgent=True),
}

# Actions that keep reminders of the same bill away for a while.
PAUSING = frozenset({Action.ALREADY_PAID, Action.PROMISE, Action.EXTENSION})
# ... after which the same telling may be made once more, if it is still due.
RETURNING = frozenset({Action.PROMISE, Action.EXTENSION})


def days_to_offer(proposed: Sequence[date], today: date, is_off: Callable[[date], bool]) -> tuple[date, ...]:
    """Of the days that the section could do, those to offer: to come, no holidays, the earliest first."""
    return tuple(sorted({day for day in proposed if day > today and not is_off(day)}))[:MOST_DAYS]


def offer(replies: Mapping[str, Action], days: Sequence[date]) -> tuple[dict[str, Action], dict[str, str]]:
    """The keys of one call, and the day each of those that choose one stands for; a key without a day is not in use."""
    choosing = [key for key, action in replies.items() if action is Action.CHOOSE_DATE]
    chosen = {key: day.isoformat() for key, day in zip(choosing, days, strict=False)}
    return {key: action for key, action in replies.items() if key not in choosing or key in chosen}, chosen


def due_at(action: Action, now: datetime, end_of_work: Callable[[datetime], datetime]) -> datetime:
    """Until when somebody should have acted: an hour when people sit in the dark, else by the end of the next working
    day, which `end_of_work` knows."""
    work = OFFICE_WORK.get(action)
    return now + URGENT if work is not None and work.urgent else end_of_work(now)
