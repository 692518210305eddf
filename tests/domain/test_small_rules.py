"""States, parameters, facts, watches, ids and codes."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.campaigns.payment_deadline import CAMPAIGN
from notifier.domain.attempt_id import attempt_time, make_attempt_id, read_attempt_id
from notifier.domain.campaign import BadParameter, read_parameters
from notifier.domain.event import Came, EventState, state_after
from notifier.domain.facts import Facts, HoldBack, Tell, Withdraw, by_subject, too_old, weigh
from notifier.domain.message import (
    Action,
    EmailMessage,
    MachinePolicy,
    Message,
    Script,
    SmsMessage,
    VoiceMessage,
    read_message,
    store_message,
)
from notifier.domain.notice_code import notice_code, notification_of
from notifier.domain.states import (
    ATTEMPT_MOVES,
    NOTIFICATION_MOVES,
    RUN_MOVES,
    AttemptState,
    IllegalMove,
    NotificationState,
    RunState,
    check_move,
)
from notifier.domain.watch import Limits, WithdrawalWatch, abnormal_attempts, has_shrunk

NOW = datetime(2026, 12, 1, 2, 0, 0, 123000, tzinfo=UTC)


def test_every_state_has_its_moves() -> None:
    assert set(NOTIFICATION_MOVES) == set(NotificationState)
    assert set(ATTEMPT_MOVES) == set(AttemptState)
    assert set(RUN_MOVES) == set(RunState)


def test_an_illegal_move_is_refused() -> None:
    check_move(RUN_MOVES, RunState.OPEN, RunState.PAUSED)
    with pytest.raises(IllegalMove, match="finished -> open"):
        check_move(RUN_MOVES, RunState.FINISHED, RunState.OPEN)


@pytest.mark.parametrize(
    ("given_values", "complaint"),
    [
        ({"days": "soon"}, "not a int"),
        ({"days": "-1"}, "below 0"),
        ({"days": "61"}, "above 60"),
        ({"dayz": "3"}, "no parameter 'dayz'; it has: days, district"),
    ],
)
def test_a_parameter_that_cannot_be_taken_says_what_could(given_values: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadParameter, match=complaint):
        read_parameters(CAMPAIGN, given_values)


def test_parameters_have_defaults() -> None:
    assert read_parameters(CAMPAIGN, {"days": "7"}) == {"days": 7, "district": ""}


def fact(subject: str, due: bool, reason: str | None = None, age: timedelta = timedelta(0)) -> Facts:
    return Facts(subject, due, reason, NOW - age, {})


def test_facts_decide() -> None:
    due, paid = fact("B1", True), fact("B2", False, "paid at 14:02")
    assert weigh(["B1"], {"B1": due}) == Tell((due,))
    assert weigh(["B2"], {"B2": paid}) == Withdraw("paid at 14:02")
    assert weigh(["B1", "B2"], {"B1": due, "B2": paid}) == Tell((due,))
    assert weigh(["B1", "B3"], {"B1": due}) == HoldBack("facts_missing")


def test_a_source_that_lags_is_not_believed() -> None:
    assert too_old([fact("B1", True, age=timedelta(seconds=59))], NOW) is None
    assert too_old([fact("B1", False, age=timedelta(seconds=61))], NOW) == NOW - timedelta(seconds=61)
    assert too_old([], NOW) is None


def test_of_two_truths_neither_is_chosen() -> None:
    due, paid = fact("B1", True), fact("B1", False, "paid at 14:02")
    assert weigh(["B1"], by_subject([due, paid])) == HoldBack("facts_contradict")
    assert weigh(["B1"], by_subject([due, paid, due])) == HoldBack("facts_contradict")


def test_a_truth_told_twice_is_one_as_old_as_the_older() -> None:
    fresh, stale = fact("B1", True), fact("B1", True, age=timedelta(minutes=2))
    assert by_subject([fresh, stale]) == by_subject([stale, fresh]) == {"B1": stale}


@pytest.mark.parametrize(
    ("tellable", "before", "shrunk"),
    [(19, 40, True), (20, 40, False), (0, 1, True), (1, 30, False), (0, 0, False), (0, None, False), (500, 40, False)],
)
def test_an_audience_less_than_half_of_the_last_one_is_noticed(tellable: int, before: int | None, shrunk: bool) -> None:
    assert has_shrunk(tellable, before) is shrunk


def test_a_run_is_stopped_when_most_attempts_fail() -> None:
    assert abnormal_attempts({"failed": 30, "answered": 9}, Limits()) is None  # too few to tell
    assert "failed" in (abnormal_attempts({"failed": 30, "answered": 20}, Limits()) or "")
    assert "hung up" in (abnormal_attempts({"hung_up": 30, "answered": 20}, Limits()) or "")
    assert abnormal_attempts({"no_answer": 80, "answered": 20}, Limits()) is None


def test_a_wave_of_withdrawals_is_noticed_batch_by_batch() -> None:
    watch = WithdrawalWatch(Limits())
    assert all(watch.note(asked=1, withdrawn=0, missing=0) is None for _ in range(30))
    answers = [watch.note(asked=1, withdrawn=1, missing=0) for _ in range(30)]
    assert answers[0] is None
    assert "withdrawn" in (answers[-1] or "")


def test_subjects_gone_missing_are_noticed() -> None:
    assert "no longer knows 20 of 40" in (WithdrawalWatch(Limits()).note(asked=40, withdrawn=0, missing=20) or "")


def test_what_cannot_be_told_is_noticed() -> None:
    why = WithdrawalWatch(Limits()).note(asked=40, withdrawn=0, missing=0, held=20)
    assert "20 of 40 cannot be told" in (why or "")


@given(st.binary(min_size=10, max_size=10))
def test_an_attempt_id_carries_its_time(entropy: bytes) -> None:
    attempt = make_attempt_id(NOW, entropy)
    assert (attempt.version, attempt.variant) == (7, UUID(int=0x8 << 60).variant)
    assert attempt_time(attempt) == NOW
    assert read_attempt_id(str(attempt)) == attempt


@pytest.mark.parametrize("text", ["", "x", "00000000-0000-4000-8000-000000000000", "1" * 400])
def test_what_is_not_our_id_is_not_read(text: str) -> None:
    assert read_attempt_id(text) is None


@given(st.integers(1, 10**10))
def test_a_notice_code_leads_back(notification: int) -> None:
    code = notice_code(notification)
    assert len(code) == 7
    assert notification_of(code) == notification
    assert notification_of(f" {code[:3].lower()}-{code[3:].lower()} ") == notification


def test_neighbouring_notices_do_not_look_alike() -> None:
    codes = [notice_code(number) for number in range(1, 2000)]
    assert len(set(codes)) == len(codes)
    assert max(sum(a == b for a, b in zip(one, two, strict=True)) for one, two in pairwise(codes)) < 5


@pytest.mark.parametrize("text", ["", "ABC", "UUUUUUU", "ABCDEFGH", "中文中文中文中"])
def test_what_is_no_notice_code_leads_nowhere(text: str) -> None:
    assert notification_of(text) is None


MESSAGES: list[Message] = [
    VoiceMessage(
        "en",
        {"en": Script(("a", "b"), 1), "zh-TW": Script(("甲",), 1)},
        {"1": Action.ACKNOWLEDGE},
        "office",
        MachinePolicy.HANG_UP,
    ),
    SmsMessage("zh-TW", "您好", 1),
    EmailMessage("en", "subject", "text", "<p>html</p>", "1.2.0", {"List-Unsubscribe": "<mailto:a@b.example>"}),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_kept_whole(message: Message) -> None:
    assert read_message(store_message(message)) == message


def test_the_campaign_is_what_it_says() -> None:
    assert [step.channel for step in CAMPAIGN.plan] == ["voice", "sms", "email"]
    assert (CAMPAIGN.window.opens, CAMPAIGN.window.closes) == (time(9), time(20))


def test_an_event_cannot_both_ask_for_a_telling_and_end_it() -> None:
    with pytest.raises(ValueError, match=r"payment_deadline: bill\.paid"):
        replace(CAMPAIGN, triggers=frozenset({"bill.paid"}))


@pytest.mark.parametrize(
    ("effects", "state"),
    [
        ({}, EventState.PENDING),
        ({"one": Came.OPENED}, EventState.PENDING),
        ({"one": Came.OPENED, "other": Came.NOT_SELECTED}, EventState.HANDLED),
        ({"one": Came.WITHDRAWN, "other": f"{Came.LEFT_OUT}: suppressed"}, EventState.HANDLED),
        ({"one": Came.ALREADY_TOLD, "other": Came.STILL_DUE}, EventState.IGNORED),
    ],
)
def test_an_event_is_done_with_when_all_it_concerns_are(effects: dict[str, str], state: EventState) -> None:
    assert state_after(effects, ["one", "other"]) is state
