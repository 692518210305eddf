"""Suspensions and caps: when somebody may be contacted again, and that nothing slips through before."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.address import NoAddress, mask_address, read_address
from notifier.domain.calendar import QUIET_HOURS, Window, make_calendar
from notifier.domain.cap import DAY, WEEK, Cap
from notifier.domain.purpose import Purpose
from notifier.domain.suspension import Suspension, first_free, longest_over

TAIPEI = ZoneInfo("Asia/Taipei")
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=TAIPEI)
HOUR = timedelta(hours=1)


def suspension(number: int = 1, **given: object) -> Suspension:
    usual: dict[str, object] = {
        "district": "楠梓", "purposes": frozenset({Purpose.COLLECTION}), "reason": "凱米颱風", "since": NOON,
        "until": NOON + 6 * HOUR, "set_by": "王組長",
    }  # fmt: skip
    return Suspension(number, **(usual | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("purpose", "district", "after", "forbidden"),
    [
        (Purpose.COLLECTION, "楠梓", 0 * HOUR, True),
        (Purpose.COLLECTION, "楠梓", 6 * HOUR, False),
        (Purpose.COLLECTION, "楠梓", -HOUR, False),
        (Purpose.COLLECTION, "左營", HOUR, False),
        (Purpose.COLLECTION, None, HOUR, False),
        (Purpose.SAFETY, "楠梓", HOUR, False),
    ],
)
def test_whom_a_suspension_forbids(purpose: Purpose, district: str | None, after: timedelta, forbidden: bool) -> None:
    assert suspension().forbids(purpose, district, NOON + after) is forbidden


def test_everywhere_means_also_who_has_no_district() -> None:
    assert suspension(district=None).forbids(Purpose.COLLECTION, None, NOON + HOUR)


def test_one_that_was_ended_forbids_nothing_any_more() -> None:
    ended = suspension(ended_at=NOON + HOUR, ended_by="王組長")
    assert [ended.forbids(Purpose.COLLECTION, "楠梓", NOON + n * HOUR) for n in (0, 1)] == [True, False]


def test_the_longest_counts() -> None:
    short, long, other = suspension(1), suspension(2, until=NOON + 9 * HOUR), suspension(3, district="左營")
    assert longest_over([short, long, other], Purpose.COLLECTION, "楠梓", NOON) is long
    assert longest_over([other], Purpose.COLLECTION, "楠梓", NOON) is None


CALENDAR = make_calendar(days_off={date(2026, 12, 3): "typhoon"}, work_days=[date(2026, 12, 5)])
OFFICE = Window(time(9), time(20))


def opening(purpose: Purpose) -> Callable[[datetime], datetime]:
    return lambda moment: CALENDAR.next_open(OFFICE, purpose, moment)


MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))
LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(days=4))


@st.composite
def suspensions(draw: st.DrawFn) -> list[Suspension]:
    near = draw(MOMENTS)
    found = []
    for number in range(draw(st.integers(0, 5))):
        since = near + draw(st.timedeltas(timedelta(days=-3), timedelta(days=5)))
        until = since + draw(LENGTHS)
        ended = draw(st.none() | st.just(since + (until - since) / 2))
        district = draw(st.sampled_from([None, "楠梓", "左營"]))
        purposes = draw(st.frozensets(st.sampled_from(Purpose), min_size=1))
        found.append(
            suspension(number, district=district, purposes=purposes, since=since, until=until, ended_at=ended,
                       ended_by=ended and "x")
        )  # fmt: skip
    return found


@given(suspensions(), st.sampled_from(Purpose), st.data())
def test_the_first_free_moment_is_free_and_the_first(
    some: list[Suspension], purpose: Purpose, data: st.DataObject
) -> None:
    moment = data.draw(st.sampled_from([one.since for one in some]) if some else MOMENTS)
    moment += data.draw(st.timedeltas(timedelta(days=-2), timedelta(days=2)))
    free = first_free(some, purpose, "楠梓", moment, opening(purpose))

    assert free >= moment
    assert CALENDAR.closed(OFFICE, purpose, free) is None
    assert not any(one.forbids(purpose, "楠梓", free) for one in some)
    between = data.draw(st.floats(0, 1, exclude_max=True))
    earlier = moment + (free - moment) * between
    if earlier < free:
        closed = CALENDAR.closed(OFFICE, purpose, earlier) is not None
        assert closed or any(one.forbids(purpose, "楠梓", earlier) for one in some)
    quiet = QUIET_HOURS[purpose]
    if quiet is not None:
        assert quiet[1] <= free.astimezone(TAIPEI).time() < quiet[0]


CAP = Cap(per_day=2, per_week=3)


@pytest.mark.parametrize(
    ("hours_ago", "full", "free_in"),
    [
        ([], None, timedelta(0)),
        ([1], None, timedelta(0)),
        ([1, 3], "capped: 2 in 24 hours", 21 * HOUR),
        ([3, 1], "capped: 2 in 24 hours", 21 * HOUR),
        ([25, 1], None, timedelta(0)),
        ([100, 50, 26], "capped: 3 in 7 days", (7 * 24 - 100) * HOUR),
        ([100, 50, 1], "capped: 3 in 7 days", (7 * 24 - 100) * HOUR),
        ([160, 2, 1], "capped: 3 in 7 days", 22 * HOUR),  # the week rolls on before the day does
        ([200, 50, 1], None, timedelta(0)),
    ],
)
def test_when_a_cap_lets_somebody_be_contacted_again(
    hours_ago: list[int], full: str | None, free_in: timedelta
) -> None:
    contacts = [NOON - hours * HOUR for hours in hours_ago]
    tick = timedelta(milliseconds=1) if free_in else timedelta(0)

    assert CAP.full(contacts, NOON) == full
    assert CAP.free_at(contacts, NOON) == NOON + free_in + tick


CAPS = st.builds(lambda day, more: Cap(day, day + more), st.integers(1, 4), st.integers(0, 4))


@given(CAPS, st.lists(st.timedeltas(timedelta(0), timedelta(days=3)), max_size=40))
def test_no_rolling_day_or_week_holds_more_than_the_cap(cap: Cap, gaps: Sequence[timedelta]) -> None:
    """Whoever tries again and again, and goes by free_at, never exceeds it; nor does he wait longer than he must."""
    now, contacts = NOON, list[datetime]()
    for gap in gaps:
        now = max(now + gap, cap.free_at(contacts, now + gap))
        if contacts and (before := now - timedelta(milliseconds=2)) > contacts[-1] and before >= now - gap:
            assert cap.full(contacts, before) or gap
        assert cap.full(contacts, now) is None
        contacts.append(now)
    for contact in contacts:
        assert sum(contact - DAY < one <= contact for one in contacts) <= cap.per_day
        assert sum(contact - WEEK < one <= contact for one in contacts) <= cap.per_week


@given(CAPS, st.lists(st.timedeltas(timedelta(0), timedelta(days=8)), max_size=20))
def test_nobody_waits_longer_than_the_cap_asks(cap: Cap, ages: Sequence[timedelta]) -> None:
    contacts = [NOON - age for age in ages]
    free = cap.free_at(contacts, NOON)

    assert free == NOON or cap.full(contacts, free - timedelta(milliseconds=1)) is not None
    assert cap.full(contacts, free) is None


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" 0912-345-678 ", "+886912345678"),
        ("(07)338-3131", "+88673383131"),
        ("Li.Mei@Customer.Example", "li.mei@customer.example"),
    ],
)
def test_an_address_is_read_as_it_is_typed(typed: str, read: str) -> None:
    assert read_address(typed) == read


@pytest.mark.parametrize(
    ("typed", "why"),
    [("338-3131", "no_area_code"), ("", "empty"), ("li@", "not_a_mailbox"), ("a@b@c.tw", "not_a_mailbox")],
)
def test_what_is_no_address_is_refused(typed: str, why: str) -> None:
    with pytest.raises(NoAddress, match=why):
        read_address(typed)


def test_an_address_is_shown_in_part_only() -> None:
    assert mask_address("+886912345678") == "+886*****678"
    assert mask_address("li@customer.example") == "l***@customer.example"
