"""The demo: a district called, texted and mailed from launch to finish; and a comparison that cannot be fooled."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len
from rich.console import Console

from notifier.commands.demo_comparison import (
    Check,
    Evidence,
    LoggedAttempt,
    Recordings,
    Rule,
    Wish,
    compare,
    read_ledger,
    read_mailbox,
    read_recordings,
    read_wishes,
    rest_of,
)
from notifier.commands.demo_services import CannotRun, check_space, next_working_day
from notifier.commands.demo_view import comparison, terms, the_sum
from notifier.commands.demo_words import PHRASES
from notifier.commands.words import Language, choose, chosen
from notifier.domain.attempt_id import make_attempt_id
from notifier.domain.calendar import make_calendar
from notifier.storage.runs import Tally

NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)  # in Taipei
REST = "聽清楚了，請按一。"


# -- the whole of it, small and fast ---------------------------------------------------------------------------------


@pytest.mark.timeout(90)
def test_a_small_demo_finishes_and_everything_agrees() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    environ |= {"NOTIFIER_TWILIO__ACCOUNT_SID": "a real one", "COLUMNS": "80", "LANG": "C.UTF-8", "MAKELEVEL": "1"}
    command = [sys.executable, "-m", "notifier", "demo", "--accounts", "600", "--scale", "3600", "--seed", "3"]
    told = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=80)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stderr == ""
    verdicts = [line.split()[0] for line in told.stdout.splitlines() if line.strip().startswith(("PASS", "FAIL"))]
    assert verdicts == ["PASS"] * len(Rule)
    assert "difference" in told.stdout
    assert "life support" in told.stdout
    assert "drawing the audience" in told.stdout or "recording" in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 80
    assert told.stdout.count("make demo ARGS=--keep") == 1


# -- the comparison --------------------------------------------------------------------------------------------------


def attempt(number: int, channel: str = "voice", disposition: str = "answered", **other: Any) -> LoggedAttempt:
    id_ = make_attempt_id(NOON + timedelta(seconds=number), bytes([number]) * 10)
    values: dict[str, Any] = {"step": 0, "tries": 0, "rest": frozenset({REST})} | other
    return LoggedAttempt(id_, number, channel, disposition=disposition, **values)


def call(made: LoggedAttempt, **other: Any) -> dict[str, Any]:
    created = NOON + timedelta(seconds=made.notification, milliseconds=200)
    return {
        "kind": "call",
        "status_callback": f"http://127.0.0.1:1/hooks/voice/status?attempt={made.id}#rc=3",
        "created_at": created.isoformat(),
        "created_real": 1000.0 + made.notification,
        "rang_at": created.isoformat(),
        "status": "completed",
        "sip_code": 200,
        "answered_by": "human",
        "pressed": [],
        "heard": [{"kind": "say", "words": REST, "seconds": 2.0, "of": 2.0}],
    } | other


def text(made: LoggedAttempt, **other: Any) -> dict[str, Any]:
    created = NOON + timedelta(seconds=made.notification)
    return {
        "kind": "message",
        "status_callback": f"http://127.0.0.1:1/hooks/sms/status?attempt={made.id}",
        "created_at": created.isoformat(),
        "created_real": 1000.0 + made.notification,
        "sent_at": created.isoformat(),
        "status": "delivered",
        "error_code": None,
    } | other


def mail(made: LoggedAttempt) -> dict[str, Any]:
    return {
        "message_id": f"<{made.notification}.{made.step}.{made.tries}@office.example>",
        "received_at": (NOON + timedelta(seconds=made.notification)).isoformat(),
        "received_real": 1000.0 + made.notification,
    }


CALLED, PRESSED, BUSY = attempt(1), attempt(2), attempt(3, disposition="busy")
TEXTED, MAILED = attempt(4, "sms", "delivered", step=1), attempt(5, "email", "accepted", step=2)
NOT_SENT = attempt(6, disposition="not_sent")
LOG = [CALLED, PRESSED, BUSY, TEXTED, MAILED, NOT_SENT]


def ledger() -> list[dict[str, Any]]:
    return [
        call(CALLED),
        call(PRESSED, pressed=["1"], heard=[]),
        call(BUSY, status="busy", sip_code=486, rang_at=None, heard=[]),
        text(TEXTED),
    ]


def evidence(entries: list[dict[str, Any]], **other: Any) -> Evidence:
    values: dict[str, Any] = {
        "attempts": LOG,
        "contacts": read_ledger(entries) + read_mailbox([mail(MAILED)], LOG),
        "paid": {1: 1000.5},
        "is_open": lambda moment: 1 <= moment.hour < 12,
        "slack": timedelta(minutes=5),
        "finished": True,
        "difference": 0,
    }
    return Evidence(**values | other)


def failed(found: Evidence) -> set[Rule]:
    return {check.rule for check in compare(found) if not check.passed}


def test_a_true_ledger_agrees_with_the_log() -> None:
    assert failed(evidence(ledger())) == set()
    assert [check.rule for check in compare(evidence(ledger()))] == list(Rule)


Falsify = Callable[[list[dict[str, Any]]], None]

FALSIFIED: list[tuple[str, Falsify, set[Rule]]] = [
    ("a call nobody made", lambda e: e.append(call(attempt(9))), {Rule.CALLS, Rule.ONE_TO_ONE}),
    ("a call without our id", lambda e: e.append(call(CALLED, status_callback=None)), {Rule.CALLS, Rule.ONE_TO_ONE}),
    ("a call that is missing", lambda e: e.remove(e[0]), {Rule.CALLS, Rule.ONE_TO_ONE}),
    ("a call made twice", lambda e: e.append(e[0]), {Rule.CALLS, Rule.ONE_TO_ONE, Rule.ONCE_PER_TRY}),
    ("a text that is missing", lambda e: e.remove(e[3]), {Rule.TEXTS, Rule.ONE_TO_ONE}),
    ("another ending", lambda e: e[2].update(status="completed"), {Rule.OUTCOMES}),
    ("a status nobody knows", lambda e: e[2].update(status="teleported"), {Rule.OUTCOMES}),
    ("nothing heard", lambda e: e[0].update(heard=[]), {Rule.OUTCOMES}),
    ("a machine", lambda e: e[0].update(answered_by="machine_start"), {Rule.OUTCOMES}),
    ("the wrong person", lambda e: e[1].update(pressed=["8", "8"]), {Rule.OUTCOMES}),
    ("a text undelivered", lambda e: e[3].update(status="undelivered", error_code=30003), {Rule.OUTCOMES}),
    ("long after the payment", lambda e: e[0].update(created_real=1003.0), {Rule.AFTER_PAYMENT}),
    ("at night", lambda e: e[1].update(created_at="2026-12-01T13:00:00+00:00"), {Rule.WINDOW}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "falsify", "broken"), FALSIFIED, ids=[case[0] for case in FALSIFIED])
def test_a_falsified_ledger_is_found_out(what: str, falsify: Falsify, broken: set[Rule]) -> None:
    entries = ledger()
    falsify(entries)
    assert failed(evidence(entries)) == broken


URL = "http://127.0.0.1:2/audio/seal/attempt/zh-TW/essential/plain.wav"
PLAYED = {"kind": "play", "url": URL, "seconds": 9.0, "of": 29.0, "sha256": "5e", "bytes": 232_000}
FETCHED = {"url": URL, "requests": 1}


def test_recordings_are_played_whole_and_fetched_once() -> None:
    once = read_recordings([call(CALLED, heard=[PLAYED], errors=[]), text(TEXTED)], [FETCHED])
    assert once == Recordings(played=1)
    assert failed(evidence(ledger(), recordings=once)) == set()


@pytest.mark.parametrize(
    ("errors", "requests"), [([{"code": 11200, "message": "no clip: HTTP 404", "url": URL}], 1), ([], 2)]
)
def test_a_recording_that_fails_or_is_fetched_again_is_found_out(errors: list[dict[str, Any]], requests: int) -> None:
    found = read_recordings([call(CALLED, heard=[], errors=errors)], [FETCHED | {"requests": requests}])
    assert failed(evidence(ledger(), recordings=found)) == {Rule.RECORDINGS}


CELLS = {"bill_no": "B1", "prefers": None, "phone": "07-300-0001", "mobile": "0900-000-001", "email": "a@example.com"}


@pytest.mark.parametrize(
    ("cells", "channel", "asked"),
    [
        ({}, "voice", False),
        ({"prefers": " SMS "}, "sms", True),
        ({"prefers": "email"}, "email", True),
        ({"prefers": "voice"}, "voice", True),
        ({"prefers": "line"}, "voice", False),
        ({"prefers": "sms", "mobile": None}, "voice", False),
        ({"prefers": "email", "email": "a.example.com"}, "voice", False),
        ({"prefers": "sms", "mobile": None, "phone": "轉 12"}, "email", False),
    ],
)
def test_the_source_says_by_what_a_customer_is_told_first(cells: dict[str, Any], channel: str, asked: bool) -> None:
    assert read_wishes(("voice", "sms", "email"), [CELLS | cells]) == {"B1": Wish(frozenset({channel}), asked)}


def test_of_an_account_with_two_rows_either_may_count() -> None:
    rows = [CELLS | {"prefers": "sms", "mobile": None}, CELLS | {"prefers": "sms", "phone": None}]
    assert read_wishes(("voice", "sms"), rows) == {"B1": Wish(frozenset({"voice", "sms"}), True)}
    assert read_wishes(("voice", "sms"), [CELLS | {"phone": None, "mobile": None}]) == {}


@pytest.mark.parametrize(("wish", "broken"), [("sms", {Rule.PREFERRED}), ("voice", set())])
def test_somebody_called_who_prefers_a_text_is_found_out(wish: str, broken: set[Rule]) -> None:
    wishes = {CALLED.notification: Wish(frozenset({wish}), True), TEXTED.notification: Wish(frozenset({"sms"}), False)}
    found = evidence(ledger(), wishes=wishes)
    assert failed(found) == broken
    (check,) = [check for check in compare(found) if check.rule is Rule.PREFERRED]
    assert check.figures == {"compared": 2, "asked": 1, "broken": len(broken)}


def test_only_the_first_contact_must_be_as_preferred() -> None:
    again = replace(attempt(7, "sms", "delivered", step=1), notification=CALLED.notification)
    entries = [text(again, created_at=(NOON + timedelta(hours=1)).isoformat()), *ledger()]
    found = evidence(entries, attempts=[*LOG, again], wishes={CALLED.notification: Wish(frozenset({"voice"}), False)})
    assert failed(found) == set()


def test_what_was_heard_of_a_recording_counts_like_what_was_said() -> None:
    entries = ledger()
    entries[0]["heard"] = [PLAYED | {"lines": ["聽清楚了，請按一。"]}]
    assert failed(evidence(entries)) == set()
    entries[0]["heard"] = [PLAYED | {"lines": ["電費是新臺幣一千元。"]}]
    assert failed(evidence(entries)) == {Rule.OUTCOMES}


def test_what_was_not_sent_must_not_have_arrived() -> None:
    assert failed(evidence([*ledger(), call(NOT_SENT)])) >= {Rule.CALLS, Rule.OUTCOMES}


def test_a_mail_that_is_missing_or_of_nobody_is_found_out() -> None:
    calls = read_ledger(ledger())
    assert failed(evidence([], contacts=calls)) == {Rule.MAILS, Rule.ONE_TO_ONE}
    twice = read_mailbox([mail(MAILED), mail(MAILED)], LOG)
    assert failed(evidence([], contacts=calls + twice)) == {Rule.MAILS, Rule.ONE_TO_ONE}


def test_a_run_that_does_not_add_up_or_finish_fails() -> None:
    assert failed(evidence(ledger(), difference=3, finished=False)) == {Rule.FINISHED, Rule.ADDS_UP}


def test_a_call_on_its_way_when_the_window_closed_is_forgiven_only_for_a_moment() -> None:
    made = replace(CALLED, id=make_attempt_id(datetime(2026, 12, 1, 11, 59, 59, tzinfo=UTC), bytes(10)))
    late = evidence([call(made, created_at="2026-12-01T12:00:30+00:00")], attempts=[made])
    assert Rule.WINDOW not in failed(late)
    assert Rule.WINDOW in failed(replace(late, slack=timedelta(seconds=10)))


def test_confirmed_keys_count_and_single_ones_do_not() -> None:
    endings = [
        read_ledger([call(CALLED, pressed=keys)])[0].ending for keys in (["8"], ["8", "8"], ["9", "9"], ["0", "7"])
    ]
    assert endings == ["hung_up", "wrong_person", "answered", "answered"]


def test_the_rest_of_a_message_is_what_follows_its_essential_part() -> None:
    message = {
        "scripts": {"en": {"marked": ["a", "b", "\x01c"], "essential": 2}, "zh-TW": {"marked": ["甲"], "essential": 1}}
    }
    assert rest_of(message) == {"c"}
    assert rest_of(None) == frozenset()


def test_an_entry_names_its_attempt() -> None:
    (contact,) = read_ledger([call(CALLED)])
    assert contact.attempt == CALLED.id
    assert isinstance(contact.attempt, UUID)


# -- the summary -----------------------------------------------------------------------------------------------------

TALLY = Tally(
    selected=20, already_told=0, merged=4, holdout=0, excluded={"nothing_owed": 2, "no_address: premium": 1},
    outcomes={"reached": 5, "acknowledged": 7}, held={"life_support": 1}, open=0, reasons={}, attempts={},
)  # fmt: skip


@pytest.fixture(params=list(Language))
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    before = chosen()
    choose(request.param)
    yield request.param
    choose(before)


def test_the_sum_is_shown_term_by_term(language: Language) -> None:
    found = terms(TALLY)
    assert found[0].count - sum(term.count for term in found[1:-1]) == found[-1].count == TALLY.difference == 0
    assert [term.count for term in found] == [20, 4, 2, 1, 7, 5, 1, 0]


def test_a_difference_is_shown_and_not_rounded_away(language: Language) -> None:
    assert terms(replace(TALLY, selected=21))[-1].count == 1


@pytest.mark.parametrize("width", [40, 80])
def test_nothing_is_wider_than_the_window(language: Language, width: int) -> None:
    checks = [*compare(evidence(ledger())), Check(Rule.OUTCOMES, False, {"compared": 2, "broken": 1}, ["x" * 90])]
    console = Console(file=io.StringIO(), width=width)
    console.print(the_sum(TALLY), comparison(checks))
    assert isinstance(console.file, io.StringIO)
    assert all(cell_len(line) <= width for line in console.file.getvalue().splitlines())


def test_every_rule_has_words_in_both_languages() -> None:
    for rule in Rule:
        assert all(PHRASES[f"rule.{rule.value}"])


# -- the machine -----------------------------------------------------------------------------------------------------


def test_the_demo_s_day_is_the_next_working_day() -> None:
    calendar = make_calendar()
    assert next_working_day(calendar, NOON.date()) == NOON.date() + timedelta(days=1)
    assert f"{next_working_day(calendar, NOON.date() + timedelta(days=3)):%a}" == "Mon"


def test_too_little_space_is_told_in_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.commands.demo_services.LEAST_SPACE", 2**60)
    with pytest.raises(CannotRun, match=r"has \d+ MB left; the demo needs"):
        check_space(folder)
