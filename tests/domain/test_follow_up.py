"""What happens after an attempt: the table of the plan, and what no plan may lead to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.campaign import Step
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.follow_up import (
    FREE_RETRIES,
    FollowUp,
    Hold,
    NextStep,
    Place,
    Retry,
    Route,
    Settle,
    follow_up,
)
from notifier.domain.states import Outcome

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
D = Disposition
PLAN = (
    Step("voice", tries=3, wait={D.BUSY: timedelta(minutes=20), D.NO_ANSWER: timedelta(hours=3)}),
    Step("sms"),
    Step("email"),
)
EVERYTHING = Route(PLAN, ("voice", "sms", "email"))
NO_SMS = Route(PLAN, ("voice", "email"))
ONLY_VOICE = Route(PLAN, ("voice",))
PREFERS_SMS = Route(PLAN, ("voice", "sms", "email"), "sms")
PREFERS_EMAIL_BANNED = Route(PLAN, ("voice", "sms"), "email")


def at_once(moment: datetime) -> datetime:
    return moment


def tomorrow(moment: datetime) -> datetime:
    return moment + timedelta(days=1)


CASES: list[tuple[Route, Place, Disposition, FollowUp]] = [
    (EVERYTHING, Place(0), D.ANSWERED, Settle(Outcome.REACHED)),
    (EVERYTHING, Place(0), D.BUSY, Retry(NOW + timedelta(minutes=20), Place(0, 1))),
    (EVERYTHING, Place(0, 1), D.NO_ANSWER, Retry(NOW + timedelta(hours=3), Place(0, 2))),
    (EVERYTHING, Place(0, 2), D.NO_ANSWER, NextStep(NOW, Place(1))),
    (EVERYTHING, Place(0), D.HUNG_UP, NextStep(NOW, Place(1))),  # this plan has no wait for it: the step ends
    (NO_SMS, Place(0, 2), D.BUSY, NextStep(NOW, Place(2))),
    (ONLY_VOICE, Place(0, 2), D.BUSY, Settle(Outcome.UNREACHED)),
    (EVERYTHING, Place(0), D.REFUSED, NextStep(NOW, Place(1))),
    (EVERYTHING, Place(0), D.WRONG_PERSON, NextStep(NOW, Place(1))),
    (ONLY_VOICE, Place(0), D.OPTED_OUT, Settle(Outcome.UNREACHED)),
    (EVERYTHING, Place(1), D.DELIVERED, Settle(Outcome.REACHED)),
    (EVERYTHING, Place(1), D.UNDELIVERED, NextStep(NOW, Place(2))),
    (EVERYTHING, Place(1), D.SENT, NextStep(NOW, Place(2))),  # never confirmed: not taken for delivered
    (EVERYTHING, Place(2), D.ACCEPTED, Settle(Outcome.REACHED)),
    (EVERYTHING, Place(0, 1), D.NOT_SENT, Retry(NOW + timedelta(seconds=15), Place(0, 1, 1))),
    (EVERYTHING, Place(0, 1, 2), D.FAILED, Retry(NOW + timedelta(seconds=60), Place(0, 1, 3))),
    (EVERYTHING, Place(0, 1, 9), D.NOT_CREATED, Retry(NOW + timedelta(minutes=15), Place(0, 1, 10))),
    (EVERYTHING, Place(0, 1), D.UNEXPLAINED, Retry(NOW + timedelta(seconds=15), Place(0, 1, 1))),
    (EVERYTHING, Place(0, 1, 1), D.UNEXPLAINED, NextStep(NOW, Place(1))),  # a second time: a bad number
    (EVERYTHING, Place(0), D.UNKNOWN, Hold("unknown")),
    (EVERYTHING, Place(0), D.UNCERTAIN, Hold("uncertain")),
    (PREFERS_SMS, Place(1), D.UNDELIVERED, NextStep(NOW, Place(0))),
    (PREFERS_SMS, Place(1), D.NOT_SENT, Retry(NOW + timedelta(seconds=15), Place(1, 0, 1))),
    (PREFERS_SMS, Place(0, 2), D.NO_ANSWER, NextStep(NOW, Place(2))),
    (PREFERS_EMAIL_BANNED, Place(2), D.BOUNCED, NextStep(NOW, Place(0))),  # the mail came back: the others follow
    (PREFERS_EMAIL_BANNED, Place(1), D.UNDELIVERED, Settle(Outcome.UNREACHED)),
]


@pytest.mark.parametrize(("route", "place", "disposition", "expected"), CASES)
def test_what_follows(route: Route, place: Place, disposition: Disposition, expected: FollowUp) -> None:
    assert follow_up(route, place, disposition, None, NOW, at_once) == expected


ORDERS: list[tuple[str | None, tuple[str, ...], list[int]]] = [
    (None, ("voice", "sms", "email"), [0, 1, 2]),
    ("voice", ("voice", "sms", "email"), [0, 1, 2]),
    ("sms", ("voice", "sms", "email"), [1, 0, 2]),
    ("email", ("voice", "sms", "email"), [2, 0, 1]),
    ("email", ("voice", "sms"), [0, 1]),  # no address, suppressed or not configured
    ("sms", ("voice", "email"), [0, 2]),
    ("line", ("voice", "sms", "email"), [0, 1, 2]),  # not in the plan
    ("sms", (), []),
]


@pytest.mark.parametrize(("prefers", "channels", "turns"), ORDERS)
def test_the_preferred_channel_goes_first_where_it_can(
    prefers: str | None, channels: tuple[str, ...], turns: list[int]
) -> None:
    assert Route(PLAN, channels, prefers).steps() == turns


CHANNELS = ("voice", "sms", "email", "line")
plans = st.lists(st.sampled_from(CHANNELS).map(Step), max_size=6)


@given(plans, st.sets(st.sampled_from(CHANNELS)), st.none() | st.sampled_from([*CHANNELS, "fax"]))
def test_every_step_that_can_be_taken_has_one_turn(plan: list[Step], channels: set[str], prefers: str | None) -> None:
    route = Route(plan, channels, prefers)
    turns, step = [], route.first()
    while step is not None:
        turns.append(step)
        step = route.after(step)

    open_steps = [step for step in range(len(plan)) if plan[step].channel in channels]
    assert sorted(turns) == open_steps
    wished = [step for step in open_steps if plan[step].channel == prefers]
    assert turns[:1] == (wished or open_steps)[:1]
    assert turns[1:] == sorted(turns[1:])  # the others in the order of the plan


@given(plans, st.sets(st.sampled_from(CHANNELS)), st.none() | st.sampled_from(CHANNELS))
def test_whoever_goes_on_never_comes_to_a_step_whose_turn_was_before(
    plan: list[Step], channels: set[str], prefers: str | None
) -> None:
    """Wherever somebody stands, also where nobody can be reached any more."""
    route = Route(plan, channels, prefers)
    for step in range(len(plan)):
        following = route.after(step)
        if following is not None:
            assert following not in {step, *route.before(step)}
            assert step in route.before(following)
        assert route.at_or_after(step) == (step if plan[step].channel in channels else following)


def test_a_key_pressed_is_an_acknowledgement() -> None:
    followed = follow_up(EVERYTHING, Place(0), D.ANSWERED, Outcome.ACKNOWLEDGED, NOW, at_once)
    assert followed == Settle(Outcome.ACKNOWLEDGED)


@pytest.mark.parametrize("told", [Outcome.ACKNOWLEDGED, Outcome.REACHED])
def test_whoever_was_told_is_not_rung_again_because_the_provider_says_that_nobody_answered(told: Outcome) -> None:
    assert follow_up(EVERYTHING, Place(0), D.NO_ANSWER, told, NOW, at_once) == Settle(told)
    assert follow_up(EVERYTHING, Place(0), D.REFUSED, told, NOW, at_once) == NextStep(NOW, Place(1))


def test_the_window_decides_when() -> None:
    result = follow_up(EVERYTHING, Place(0), D.BUSY, None, NOW, tomorrow)
    assert result == Retry(NOW + timedelta(days=1, minutes=20), Place(0, 1))


def test_the_providers_wish_is_honoured() -> None:
    result = follow_up(EVERYTHING, Place(0), D.NOT_SENT, None, NOW, at_once, after=timedelta(seconds=70))
    assert result == Retry(NOW + timedelta(seconds=70), Place(0, 0, 1))


def test_a_wish_of_a_second_does_not_use_up_the_free_retries_in_ten() -> None:
    place, waited = Place(0), timedelta(0)
    while isinstance(
        result := follow_up(EVERYTHING, place, D.NOT_SENT, None, NOW, at_once, timedelta(seconds=1)), Retry
    ):
        place, waited = result.place, waited + (result.at - NOW)
    assert place.free == FREE_RETRIES
    assert waited > timedelta(hours=1)


@pytest.mark.parametrize("disposition", [D.NOT_SENT, D.NOT_CREATED])
def test_what_lies_with_the_provider_as_a_whole_spends_nothing(disposition: Disposition) -> None:
    place = Place(0, 1, FREE_RETRIES)
    result = follow_up(EVERYTHING, place, disposition, None, NOW, at_once, blameless=True)
    assert result == Retry(NOW + timedelta(minutes=15), place)
    at_once_again = follow_up(EVERYTHING, place, disposition, None, NOW, at_once, timedelta(0), blameless=True)
    assert at_once_again == Retry(NOW, place)


def test_free_retries_end_with_a_person() -> None:
    result = follow_up(EVERYTHING, Place(0, 0, FREE_RETRIES), D.NOT_SENT, None, NOW, at_once)
    assert isinstance(result, Hold)
    assert "10 times" in result.reason


def test_every_disposition_has_an_effect() -> None:
    assert set(EFFECTS) == set(Disposition)


@given(
    st.lists(st.sampled_from(list(Disposition)), min_size=40, max_size=80), st.sampled_from([EVERYTHING, PREFERS_SMS])
)
def test_no_order_of_events_rings_more_often_than_the_plan(dispositions: list[Disposition], route: Route) -> None:
    """Follow any story to its end: it ends, and never spends more tries on a step than the step has."""
    place, spent = Place(route.steps()[0]), [0, 0, 0]
    for disposition in dispositions:
        spent[place.step] += EFFECTS[disposition] in (Effect.SPENDS, Effect.REACHES, Effect.CLOSES)
        after = follow_up(route, place, disposition, None, NOW, at_once)
        if isinstance(after, Settle | Hold):
            break
        assert after.place.free <= FREE_RETRIES
        place = after.place
    else:
        pytest.fail("the story did not end")
    assert all(used <= step.tries for used, step in zip(spent, PLAN, strict=True))
