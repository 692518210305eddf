"""When a customer may be contacted: the campaign's window, the hours nobody may be disturbed, and days off."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

import holidays

from notifier.domain.purpose import Purpose

FURTHEST_SEARCH = 60  # days; no run waits longer for a window
MOST_CACHED = 4096  # days with their reasons or open spans; a process sees a few dozen

# The hours, local time, in which nobody is contacted: (from, to). 21:00 is where Twilio's country guideline for Taiwan
# stops promotional SMS; the other hours are rules of the house, not of a law. Service is wider, for its notices are
# waited for; safety has none, for a warning cannot wait for the morning.
QUIET_HOURS: Mapping[Purpose, tuple[time, time] | None] = MappingProxyType(
    {
        Purpose.COLLECTION: (time(21), time(8)),
        Purpose.SURVEY: (time(21), time(8)),
        Purpose.SERVICE: (time(22), time(7)),
        Purpose.SAFETY: None,
    }
)

_K = TypeVar("_K")
_V = TypeVar("_V")
_MIDNIGHT = time(0)
_Span = tuple[datetime, datetime]


class UnknownZone(ValueError):
    """A time zone that the zone database does not have."""


class NeverOpen(ValueError):
    """No moment of the next 60 days lets this window and purpose contact anybody."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a campaign contacts people, local time, half-open: [opens, closes). A `closes` of 00:00 is midnight at the
    day's end, so Window(time(0), time(0)) is the whole day. `holidays`: whether it also runs on days off.

    Raises ValueError when it would close before it opens; a window does not span midnight.
    """

    opens: time
    closes: time
    holidays: bool = False

    def __post_init__(self) -> None:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("a window is local time: give times without a zone")
        if self.closes != _MIDNIGHT and self.closes <= self.opens:
            raise ValueError(f"window {self.opens:%H:%M}-{self.closes:%H:%M} closes before it opens")


@dataclass(frozen=True, eq=False)
class Calendar:
    """Days off and open hours of one time zone. Made by `make_calendar`."""

    zone: ZoneInfo
    days_off: Mapping[date, str]
    work_days: frozenset[date]
    public: holidays.HolidayBase
    _reasons: dict[date, str | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _spans: dict[tuple[date, Window, Purpose], _Span | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def local(self, now: datetime) -> datetime:
        """`now` in this zone. Raises ValueError when it carries no zone."""
        if now.tzinfo is None:
            raise ValueError("now must carry a time zone")
        return now.astimezone(self.zone)

    def day_off(self, day: date) -> str | None:
        """Why `day` is no working day: the override's own words, 'holiday:<name>' or 'weekend'. None when it is one."""
        try:
            return self._reasons[day]
        except KeyError:
            return _keep(self._reasons, day, self._day_off(day))

    def closed(self, window: Window, purpose: Purpose, now: datetime) -> str | None:
        """None when contact may be made at `now`; else the first reason of day, quiet hours and window that forbids it:
        `day_off`'s, 'quiet_hours', 'before_window' or 'after_window'."""
        here = self.local(now)
        if reason := self._closed_day(window, purpose, here.date()):
            return reason
        at = here.time()
        if _is_quiet(purpose, at):
            return "quiet_hours"
        if at < window.opens:
            return "before_window"
        return "after_window" if _past(window.closes, at) else None

    def next_open(self, window: Window, purpose: Purpose, now: datetime) -> datetime:
        """The first moment at or after `now`, in UTC, at which contact may be made. Raises NeverOpen."""
        day = self.local(now).date()
        for ahead in range(FURTHEST_SEARCH + 1):
            span = self._span(day + timedelta(days=ahead) if ahead else day, window, purpose)
            if span and now < span[1]:
                return max(now, span[0]).astimezone(UTC)
        raise NeverOpen(f"window {window.opens:%H:%M}-{window.closes:%H:%M} for {purpose} never opens after {now}")

    def _day_off(self, day: date) -> str | None:
        if reason := self.days_off.get(day):
            return reason
        if day in self.work_days:
            return None
        if name := self.public.get(day):
            return f"holiday:{name}"
        return "weekend" if day.weekday() >= 5 and day not in self.public.weekend_workdays else None

    def _closed_day(self, window: Window, purpose: Purpose, day: date) -> str | None:
        reason = self.day_off(day)
        if day in self.days_off and purpose in (Purpose.COLLECTION, Purpose.SURVEY):
            return reason  # nobody is dunned or surveyed in a typhoon, whatever the window says
        if window.holidays or (reason == "weekend" and purpose is not Purpose.COLLECTION):
            return None
        return reason

    def _span(self, day: date, window: Window, purpose: Purpose) -> _Span | None:
        key = (day, window, purpose)
        try:
            return self._spans[key]
        except KeyError:
            return _keep(self._spans, key, self._open_span(day, window, purpose))

    def _open_span(self, day: date, window: Window, purpose: Purpose) -> _Span | None:
        if self._closed_day(window, purpose, day):
            return None
        opens, closes = window.opens, window.closes
        if quiet := QUIET_HOURS[purpose]:
            evening, morning = quiet
            opens = max(opens, morning)
            closes = evening if closes == _MIDNIGHT else min(closes, evening)
        start, end = self._moment(day, opens), self._moment(day, closes, end=True)
        return (start, end) if start < end else None

    def _moment(self, day: date, at: time, *, end: bool = False) -> datetime:
        if end and at == _MIDNIGHT:
            day += timedelta(days=1)
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def make_calendar(
    zone: str = "Asia/Taipei", days_off: Mapping[date, str] = MappingProxyType({}), work_days: Collection[date] = ()
) -> Calendar:
    """Taiwan's public holidays with their observed and make-up days, and the overrides: `days_off`, each with a reason
    ('typhoon:<name>'), which win, and `work_days`. Raises UnknownZone; ValueError for a day off without a reason."""
    if unexplained := [day for day, reason in days_off.items() if not reason]:
        raise ValueError(f"{unexplained[0]} is off without a reason")
    try:
        where = ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        raise UnknownZone(f"time zone {zone!r} is not known; Taiwan's is 'Asia/Taipei'") from error
    public = holidays.country_holidays("TW", language="zh_TW")
    return Calendar(where, dict(days_off), frozenset(work_days), public)


def _is_quiet(purpose: Purpose, at: time) -> bool:
    quiet = QUIET_HOURS[purpose]
    return quiet is not None and (at >= quiet[0] or at < quiet[1])


def _past(closes: time, at: time) -> bool:
    return closes != _MIDNIGHT and at >= closes


def _keep(cache: dict[_K, _V], key: _K, value: _V) -> _V:
    if len(cache) >= MOST_CACHED:
        cache.clear()
    cache[key] = value
    return value
