"""The next try is moved into an hour at which the number has answered, and never where it must not be."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.calendar import Window, make_calendar
from notifier.domain.number_memory import answers_at, better_moment
from notifier.domain.purpose import Purpose

TAIPEI = ZoneInfo("Asia/Taipei")
CALENDAR = make_calendar()
OFFICE = Window(time(9), time(20))
HOUR = timedelta(hours=1)


def opening(moment: datetime) -> datetime:
    return CALENDAR.next_open(OFFICE, Purpose.COLLECTION, moment)


def on(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, minute, tzinfo=TAIPEI)


def hours(*some: int) -> int:
    return sum(1 << hour for hour in some)


@pytest.mark.parametrize(
    ("at", "known", "expires", "moved_to"),
    [
        (on(1, 12, 30), hours(18), on(2, 20), on(1, 18, 30)),
        (on(1, 12, 30), hours(12, 18), on(2, 20), on(1, 12, 30)),  # it answers at this hour, too
        (on(1, 12, 30), hours(10), on(4, 20), on(2, 10, 30)),
        (on(1, 12, 30), hours(22), on(4, 20), on(1, 12, 30)),  # never while we may call
        (on(1, 12, 30), hours(18), on(1, 20), on(1, 12, 30)),  # text and mail need their time, too
        (on(1, 12, 30), 0, on(4, 20), on(1, 12, 30)),
        (on(4, 19, 30), hours(10), on(9, 20), on(4, 19, 30)),  # a Friday: the next days are off
    ],
)
def test_the_hour_that_answers(at: datetime, known: int, expires: datetime, moved_to: datetime) -> None:
    assert better_moment(at, known, expires, opening, CALENDAR.local) == moved_to


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(0, 2**24 - 1), st.timedeltas(timedelta(minutes=1), timedelta(days=9)))
def test_it_is_never_moved_out_of_its_window_or_past_its_time(at: datetime, known: int, left: timedelta) -> None:
    at = opening(at)
    moved = better_moment(at, known, at + left, opening, CALENDAR.local)

    assert at <= moved < at + left
    assert moved - at < 24 * HOUR
    assert CALENDAR.closed(OFFICE, Purpose.COLLECTION, moved) is None
    assert moved == at or answers_at(known, CALENDAR.local(moved).hour)
