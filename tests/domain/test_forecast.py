"""The forecast of a run's finish: honest, on the late side, and never fooled by a night in between."""

import heapq
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.calendar import Window, make_calendar
from notifier.domain.campaign import Step
from notifier.domain.disposition import Disposition
from notifier.domain.forecast import (
    DEFAULT_SHARES,
    Forecast,
    LanePace,
    Left,
    Limit,
    OpenHours,
    Prospect,
    expected_attempts,
    forecast,
    observed_shares,
)
from notifier.domain.purpose import Purpose

CALENDAR = make_calendar()
HOURS = OpenHours(CALENDAR, Window(time(9), time(20)), Purpose.COLLECTION)
MORNING = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)  # Tuesday 09:30 in Taipei
WAITS = {
    Disposition.BUSY: timedelta(minutes=20),
    Disposition.NO_ANSWER: timedelta(hours=3),
    Disposition.MACHINE: timedelta(hours=3),
    Disposition.HUNG_UP: timedelta(hours=3),
    Disposition.DECLINED: timedelta(hours=3),
}
PLAN = (Step("voice", 3, WAITS), Step("sms"), Step("email"))
LANES = {"voice": LanePace(0.2, 20, 60.0), "sms": LanePace(2.0), "email": LanePace(5.0)}
PROSPECT = Prospect(PLAN, LANES)
ALL_ANSWER = {"voice": {Disposition.ANSWERED: 1.0}}


def waiting(count: float, step: int = 0, tries: int = 0, after: timedelta = timedelta(0)) -> Left:
    return Left(step, tries, count, MORNING + after, MORNING + after)


def finish(prospect: Prospect, *left: Left, now: datetime = MORNING) -> Forecast:
    found = forecast(prospect, left, HOURS, now)
    assert found is not None
    return found


def test_nothing_left_is_finished_now() -> None:
    assert finish(PROSPECT) == Forecast(MORNING, Limit.NOTHING)
    assert finish(PROSPECT, waiting(0)) == Forecast(MORNING, Limit.NOTHING)


def test_one_try_each_at_a_known_pace() -> None:
    found = finish(replace(PROSPECT, shares=ALL_ANSWER), waiting(720))
    assert found == Forecast(MORNING + timedelta(hours=1, minutes=1), Limit.PACE)


def test_too_few_lines_are_what_limits() -> None:
    lanes = {"voice": LanePace(rate=1.0, lines=6, seconds=60.0)}
    found = finish(Prospect(PLAN, lanes, ALL_ANSWER), waiting(360))
    assert found == Forecast(MORNING + timedelta(hours=1, minutes=1), Limit.LINES)


def test_a_night_does_not_count() -> None:
    found = finish(replace(PROSPECT, shares=ALL_ANSWER), waiting(0.2 * 3600 * 11))
    assert CALENDAR.local(found.at) == datetime(2026, 12, 2, 9, 31, tzinfo=CALENDAR.zone)
    assert found.limit is Limit.WINDOW


def test_a_weekend_does_not_count() -> None:
    friday_evening = datetime(2026, 12, 4, 11, 59, tzinfo=UTC)
    found = finish(replace(PROSPECT, shares=ALL_ANSWER), waiting(24), now=friday_evening)
    assert CALENDAR.local(found.at) == datetime(2026, 12, 7, 9, 2, tzinfo=CALENDAR.zone)


def test_retries_that_are_not_due_are_waited_for() -> None:
    found = finish(replace(PROSPECT, shares=ALL_ANSWER), waiting(1, tries=2, after=timedelta(hours=5)))
    assert found == Forecast(MORNING + timedelta(hours=5, seconds=65), Limit.WAITS)


def test_what_the_provider_has_takes_no_pace_but_may_come_back() -> None:
    placed = replace(waiting(100), placed=True)
    assert finish(replace(PROSPECT, shares=ALL_ANSWER), placed).at == MORNING + timedelta(minutes=1)
    assert finish(PROSPECT, placed).at > MORNING + timedelta(hours=6)


@pytest.mark.parametrize(
    ("prospect", "left"),
    [
        (Prospect(PLAN, {"voice": LanePace(0.0)}), waiting(1)),
        (PROSPECT, waiting(1, step=7)),
        (Prospect(PLAN, {"email": LanePace(1.0)}), waiting(1)),
    ],
)
def test_what_cannot_be_told_is_not_told(prospect: Prospect, left: Left) -> None:
    assert forecast(prospect, [left], HOURS, MORNING) is None


def test_a_window_that_never_opens_has_no_forecast() -> None:
    shut = OpenHours(CALENDAR, Window(time(21), time(22)), Purpose.COLLECTION)
    assert forecast(PROSPECT, [waiting(1)], shut, MORNING) is None


def test_expected_attempts_follow_the_plan() -> None:
    shares = {
        "voice": {Disposition.ANSWERED: 0.5, Disposition.NO_ANSWER: 0.5},
        "sms": {Disposition.DELIVERED: 0.5, Disposition.UNDELIVERED: 0.25, Disposition.FAILED: 0.25},
    }
    prospect = replace(PROSPECT, shares=shares, having={"sms": 0.8})
    attempts = expected_attempts(prospect, [waiting(800)])
    assert attempts[0] == pytest.approx(800 + 400 + 200)
    assert attempts[1] == pytest.approx(100 * 0.8 / 0.75)  # a failed one is sent again
    assert attempts[2] == pytest.approx(100 * 0.2 + 80 / 3)


def test_whoever_prefers_sms_is_called_only_when_the_text_does_not_arrive() -> None:
    shares = {
        "voice": {Disposition.ANSWERED: 0.5, Disposition.REFUSED: 0.5},
        "sms": {Disposition.DELIVERED: 0.75, Disposition.UNDELIVERED: 0.25},
        "email": {Disposition.ACCEPTED: 1.0},
    }
    left = [waiting(800), replace(waiting(400, step=1), prefers="sms")]
    attempts = expected_attempts(replace(PROSPECT, shares=shares), left)
    assert attempts == pytest.approx({0: 800 + 100, 1: 400 + 400, 2: 100 + 50})


def test_own_attempts_are_believed_once_there_are_enough() -> None:
    shares = observed_shares(
        {"voice": {Disposition.BUSY: 39}, "sms": {Disposition.DELIVERED: 30, Disposition.SENT: 10}}
    )
    assert shares["voice"] == DEFAULT_SHARES["voice"]
    assert shares["sms"] == {Disposition.DELIVERED: 0.75, Disposition.SENT: 0.25}


groups = st.builds(
    lambda place, count, due, spread, prefers: Left(
        *place, count, MORNING + timedelta(minutes=due), MORNING + timedelta(minutes=due + spread), prefers=prefers
    ),
    st.sampled_from(PROSPECT.places()),
    st.integers(1, 3000),
    st.integers(-60, 3000),
    st.integers(0, 400),
    st.sampled_from([None, "sms", "email"]),
)
paces = st.fixed_dictionaries(
    {
        channel: st.builds(LanePace, st.floats(0.02, 20), st.none() | st.integers(1, 100), st.floats(1, 120))
        for channel in LANES
    }
)


@settings(deadline=None)
@given(st.lists(groups, min_size=1, max_size=6), paces)
def test_never_before_what_is_due_last(left: list[Left], lanes: dict[str, LanePace]) -> None:
    found = forecast(Prospect(PLAN, lanes), left, HOURS, MORNING)
    assert found is None or found.at >= max(group.last_due_at for group in left)


@settings(deadline=None)
@given(st.lists(groups, max_size=5), groups, paces)
def test_more_left_is_never_earlier(left: list[Left], more: Left, lanes: dict[str, LanePace]) -> None:
    prospect = Prospect(PLAN, lanes)
    fewer, all_of_it = (forecast(prospect, some, HOURS, MORNING) for some in (left, [*left, more]))
    assert all_of_it is None or (fewer is not None and all_of_it.at >= fewer.at - timedelta(milliseconds=1))


@settings(deadline=None)
@given(st.lists(groups, min_size=1, max_size=5), paces, st.sampled_from(sorted(LANES)), st.floats(0.1, 1))
def test_slower_is_never_earlier(left: list[Left], lanes: dict[str, LanePace], channel: str, factor: float) -> None:
    slower = lanes | {channel: replace(lanes[channel], rate=lanes[channel].rate * factor)}
    quick, slow = (forecast(Prospect(PLAN, some), left, HOURS, MORNING) for some in (lanes, slower))
    assert slow is None or (quick is not None and slow.at >= quick.at - timedelta(milliseconds=1))


def simulate(count: int, seed: int) -> datetime:
    """A run played out: one server per channel, first due first served, dispositions drawn from the shares."""
    dice, free_at = Random(seed), dict.fromkeys(LANES, MORNING)
    queue = [(MORNING, number, 0, 0) for number in range(count)]
    ended = MORNING
    while queue:
        due, number, step, tries = heapq.heappop(queue)
        channel = PLAN[step].channel
        sent = HOURS.opening(max(due, free_at[channel]))
        free_at[channel] = sent + timedelta(seconds=1 / LANES[channel].service)
        ended = max(ended, now := sent + timedelta(seconds=LANES[channel].seconds))
        shares = DEFAULT_SHARES[channel]
        disposition = dice.choices(list(shares), list(shares.values()))[0]
        for branch in Prospect(PLAN, LANES, {**DEFAULT_SHARES, channel: {disposition: 1.0}}).branches(step, tries):
            if branch.share:
                heapq.heappush(queue, (HOURS.opening(now + branch.wait), number, branch.step, branch.tries))
    return ended


@pytest.mark.parametrize("count", [50, 1000, 4000])
def test_a_run_played_out_ends_about_when_it_was_forecast(count: int) -> None:
    ended = simulate(count, seed=7)
    promised = finish(PROSPECT, waiting(count)).at
    late = HOURS.between(ended, promised) - HOURS.between(promised, ended)
    took = HOURS.between(MORNING, ended)
    assert -0.1 * took <= late <= 0.35 * took, (ended, promised)
