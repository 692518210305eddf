from datetime import UTC, date, datetime, time, timedelta
from timeit import repeat
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.calendar import QUIET_HOURS, Calendar, NeverOpen, UnknownZone, Window, make_calendar
from notifier.domain.purpose import Purpose

TAIPEI = ZoneInfo("Asia/Taipei")
OFFICE = Window(time(9), time(20))
ANY_DAY = Window(time(9), time(20), holidays=True)
ALWAYS = Window(time(0), time(0), holidays=True)
STORM = date(2026, 9, 2)
SATURDAY_AT_WORK = date(2026, 9, 12)
CALENDAR = make_calendar(days_off={STORM: "typhoon:康芮"}, work_days=[SATURDAY_AT_WORK])


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=TAIPEI).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 9, 1), None),
        (STORM, "typhoon:康芮"),
        (date(2026, 9, 5), "weekend"),
        (date(2026, 9, 6), "weekend"),
        (SATURDAY_AT_WORK, None),
        (date(2026, 2, 17), "holiday:春節"),
        (date(2026, 2, 20), "holiday:農曆除夕（補假）"),
        (date(2026, 5, 1), "holiday:勞動節"),
        (date(2025, 1, 27), "holiday:放假日（2025-02-08 補班）"),
        (date(2025, 2, 8), None),  # the Saturday that makes up for it
        (date(2024, 2, 17), None),
        (date(2025, 10, 24), "holiday:臺灣光復暨金門古寧頭大捷紀念日（補假）"),
        (date(1900, 1, 2), None),
    ],
)
def test_days_off_and_their_reasons(day: date, reason: str | None) -> None:
    assert CALENDAR.day_off(day) == reason
    assert CALENDAR.day_off(day) == reason  # and again, from the cache


def test_a_day_off_outranks_a_work_day() -> None:
    both = make_calendar(days_off={STORM: "typhoon:康芮"}, work_days=[STORM])
    assert both.day_off(STORM) == "typhoon:康芮"


TUESDAY, SATURDAY, NEW_YEAR = date(2026, 9, 1), date(2026, 9, 5), date(2026, 2, 17)


@pytest.mark.parametrize(
    ("window", "purpose", "now", "reason"),
    [
        (OFFICE, "collection", at(TUESDAY, 7, 59), "quiet_hours"),
        (OFFICE, "collection", at(TUESDAY, 8), "before_window"),
        (OFFICE, "collection", at(TUESDAY, 8, 59, 59), "before_window"),
        (OFFICE, "collection", at(TUESDAY, 9), None),
        (OFFICE, "collection", at(TUESDAY, 19, 59, 59), None),
        (OFFICE, "collection", at(TUESDAY, 20), "after_window"),
        (OFFICE, "collection", at(TUESDAY, 21), "quiet_hours"),
        (OFFICE, "collection", at(SATURDAY, 10), "weekend"),
        (OFFICE, "service", at(SATURDAY, 10), None),
        (OFFICE, "survey", at(SATURDAY, 10), None),
        (OFFICE, "collection", at(SATURDAY_AT_WORK, 10), None),
        (ANY_DAY, "collection", at(SATURDAY, 10), None),
        (OFFICE, "collection", at(NEW_YEAR, 10), "holiday:春節"),
        (OFFICE, "service", at(NEW_YEAR, 10), "holiday:春節"),
        (ANY_DAY, "service", at(NEW_YEAR, 10), None),
        (OFFICE, "service", at(STORM, 10), "typhoon:康芮"),
        (ANY_DAY, "service", at(STORM, 10), None),
        (ANY_DAY, "collection", at(STORM, 10), "typhoon:康芮"),
        (ANY_DAY, "survey", at(STORM, 10), "typhoon:康芮"),
        (ALWAYS, "safety", at(STORM, 3), None),
        (ALWAYS, "service", at(TUESDAY, 6, 59), "quiet_hours"),
        (ALWAYS, "service", at(TUESDAY, 7), None),
        (ALWAYS, "service", at(TUESDAY, 22), "quiet_hours"),
        (ALWAYS, "survey", at(TUESDAY, 21), "quiet_hours"),
    ],
)
def test_closed_says_why(window: Window, purpose: str, now: datetime, reason: str | None) -> None:
    assert CALENDAR.closed(window, Purpose(purpose), now) == reason


def test_the_next_opening_skips_the_new_year() -> None:
    eve = at(date(2026, 2, 13), 21)
    assert CALENDAR.next_open(OFFICE, Purpose.COLLECTION, eve) == at(date(2026, 2, 23), 9)


def test_an_open_moment_is_its_own_next_opening() -> None:
    now = at(TUESDAY, 10, 11, 12)
    assert CALENDAR.next_open(OFFICE, Purpose.COLLECTION, now) == now


def test_a_window_within_quiet_hours_never_opens() -> None:
    night = Window(time(21, 30), time(23), holidays=True)
    with pytest.raises(NeverOpen):
        CALENDAR.next_open(night, Purpose.COLLECTION, at(TUESDAY, 10))
    assert CALENDAR.next_open(night, Purpose.SAFETY, at(TUESDAY, 10)) == at(TUESDAY, 21, 30)


WINDOWS = st.builds(
    lambda pair, holidays: Window(time(*divmod(pair[0], 60)), time(*divmod(pair[1] % 1440, 60)), holidays),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1]),
    st.booleans(),
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def check_next_open(calendar: Calendar, window: Window, purpose: Purpose, now: datetime) -> datetime | None:
    try:
        opens = calendar.next_open(window, purpose, now)
    except NeverOpen:
        return None
    assert opens >= now
    assert opens.tzinfo is UTC
    assert calendar.closed(window, purpose, opens) is None
    if opens > now:
        assert calendar.closed(window, purpose, now)
        assert calendar.closed(window, purpose, opens - timedelta(microseconds=1))
    return opens


@settings(deadline=None)
@given(WINDOWS, st.sampled_from(Purpose), MOMENTS, st.floats(0, 1))
def test_the_next_opening_is_open_and_never_early(
    window: Window, purpose: Purpose, now: datetime, share: float
) -> None:
    opens = check_next_open(CALENDAR, window, purpose, now)
    if opens and opens > now:  # nothing between is open
        between = now + (opens - now) * share
        assert between == opens or CALENDAR.closed(window, purpose, between)


@given(WINDOWS, st.sampled_from(Purpose), MOMENTS)
@settings(max_examples=50, deadline=None)
def test_a_zone_that_changes_its_clocks(window: Window, purpose: Purpose, now: datetime) -> None:
    calendar = make_calendar("Europe/Berlin")
    try:
        opens = calendar.next_open(window, purpose, now)
    except NeverOpen:
        return
    assert opens >= now


@settings(deadline=None)
@given(MOMENTS)
def test_taipei_keeps_one_offset(now: datetime) -> None:
    assert CALENDAR.local(now).utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize("zone", ["", "Asia/Taipeh", "../../etc/passwd", "/etc/localtime", "x\x00y", "Asia"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UnknownZone):
        make_calendar(zone)


@pytest.mark.parametrize("ask", ["local", "closed", "next_open"])
def test_a_time_without_a_zone_is_refused(ask: str) -> None:
    naive = datetime(2026, 9, 1, 10)
    arguments = (naive,) if ask == "local" else (OFFICE, Purpose.SERVICE, naive)
    with pytest.raises(ValueError, match="zone"):
        getattr(CALENDAR, ask)(*arguments)


@pytest.mark.parametrize(
    ("opens", "closes"), [(time(20), time(9)), (time(9), time(9)), (time(9, tzinfo=UTC), time(20))]
)
def test_a_window_that_makes_no_sense_is_refused(opens: time, closes: time) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(opens, closes)


def test_a_day_off_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        make_calendar(days_off={STORM: ""})


def test_every_purpose_has_its_quiet_hours() -> None:
    assert set(QUIET_HOURS) == set(Purpose)


def test_asking_is_cheap_enough_for_every_notification() -> None:
    now = at(TUESDAY, 10)
    CALENDAR.next_open(OFFICE, Purpose.COLLECTION, now)
    best = min(repeat(lambda: CALENDAR.next_open(OFFICE, Purpose.COLLECTION, now), number=2000, repeat=5)) / 2000
    assert best < 30e-6  # about 2 microseconds alone on a quiet machine; the margin is for a busy one
