"""Cron lines as crontab(5) has them. APScheduler counts the days of the week from Monday as 0, cron from Sunday: a line
for Monday would fire on Tuesday."""

from datetime import datetime, timedelta
from functools import lru_cache

from apscheduler.triggers.cron import CronTrigger

WEEK = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

# A line that fires each minute is counted through for an hour, not for a month.
LOOKED_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=8), timedelta(days=32))


class BadCron(ValueError):
    """A line that is none, or that never fires."""


def next_firing(line: str, zone: str, after: datetime) -> datetime:
    """The first moment after the one given at which the line fires, by the clocks of `zone`. Raises BadCron."""
    following: datetime | None = _read(line, zone).get_next_fire_time(after, after)
    if following is None:
        raise BadCron(f"the cron line {line!r} never fires after {after}")
    return following


def last_firing(line: str, zone: str, now: datetime) -> datetime | None:
    """The last moment not after this one at which the line fired; None when that was more than a month ago."""
    for back in LOOKED_BACK:
        moment = next_firing(line, zone, now - back)
        if moment > now:
            continue
        while (following := next_firing(line, zone, moment)) <= now:
            moment = following
        return moment
    return None


@lru_cache(maxsize=100)
def _read(line: str, zone: str) -> CronTrigger:
    try:
        minute, hour, day, month, weekday = line.split()
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_names(weekday), timezone=zone
        )  # fmt: skip
    except ValueError as error:
        raise BadCron(f"the cron line {line!r} cannot be read: {error}") from error


def _names(field: str) -> str:
    """The days of a field by name, one by one."""
    return "*" if field == "*" else ",".join(day for part in field.lower().split(",") for day in _days(part))


def _days(part: str) -> list[str]:
    span, _, step = part.partition("/")
    first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
    start = _number(first)
    end = _number(last) if last else 6 if step else start
    if end < start and end == 0:
        end = 7  # up to Sunday
    if end < start:
        raise ValueError(f"{part}: ends before it begins")
    return [WEEK[day % 7] for day in range(start, end + 1, int(step or 1))]


def _number(day: str) -> int:
    number = WEEK.index(day) if day in WEEK else int(day)
    if not 0 <= number <= 7:
        raise ValueError(f"{day} is no day of the week")
    return number
