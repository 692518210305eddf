"""Where a call ended: which line, of which half, as far as anybody can know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.dialogue_words import Sentence
from notifier.domain.last_heard import LastHeard, Passage, last_heard, seconds_told
from notifier.domain.message import Script, VoiceMessage
from notifier.domain.recording import Part

CALL = VoiceMessage("zh-TW", {"zh-TW": Script(("一。", "二。", "三。", "四。", "五。"), essential=3)}, {}, "台電")
ESSENTIAL, REST = Passage("zh-TW", Part.ESSENTIAL), Passage("zh-TW", Part.REST)
LINES = {Part.ESSENTIAL: (2.0, 3.0, 1.5), Part.REST: (2.0, 2.0)}  # seconds
ANSWERED = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def line(passage: Passage, seconds: float, before: float = 0.0) -> int | None:
    assert passage.part is not None
    found = last_heard(CALL, passage, seconds, before, LINES[passage.part])
    return found and found.line


@pytest.mark.parametrize(
    ("passage", "seconds", "expected"),
    [
        (ESSENTIAL, 0, 1), (ESSENTIAL, 1.9, 1), (ESSENTIAL, 2.0, 2), (ESSENTIAL, 4.9, 2), (ESSENTIAL, 5, 3),
        (ESSENTIAL, 60, 3),  # in the silence that follows: the menu was never begun
        (REST, 0, 4), (REST, 2.5, 5), (REST, 4.0, None), (REST, 60, None),
    ],
)  # fmt: skip
def test_the_line_that_was_being_said(passage: Passage, seconds: float, expected: int | None) -> None:
    assert line(passage, seconds) == expected


def test_a_sentence_before_the_half_takes_its_time() -> None:
    passage = replace(ESSENTIAL, sentence=Sentence.UNKNOWN_KEY)
    assert [line(passage, seconds, before=4) for seconds in (1, 5, 6.5, 9.5)] == [1, 1, 2, 3]


@given(st.floats(0, 100), st.floats(0, 100))
def test_who_stays_longer_never_reaches_less(one: float, other: float) -> None:
    sooner, later = sorted((one, other))
    assert (line(ESSENTIAL, sooner) or 0) <= (line(ESSENTIAL, later) or 0)


def test_of_the_carriers_own_voice_only_the_half_is_known() -> None:
    for passage in (ESSENTIAL, REST):
        assert last_heard(CALL, passage, 3.0) == LastHeard(passage, lines=5)
    assert last_heard(CALL, ESSENTIAL, None, 0, LINES[Part.ESSENTIAL]) == LastHeard(ESSENTIAL, lines=5)


def test_a_question_is_no_line_and_a_goodbye_is_the_end() -> None:
    asked = Passage("zh-TW", sentence=Sentence.ASK_CONFIRM_DO_NOT_CALL)
    assert last_heard(CALL, asked, 1.0) == LastHeard(asked, lines=5)
    assert last_heard(CALL, Passage("zh-TW", sentence=Sentence.GOODBYE), 1.0) is None


@pytest.mark.parametrize(
    "passage",
    [
        ESSENTIAL, REST, replace(REST, slow=True, sentence=Sentence.UNKNOWN_KEY),
        Passage("en", sentence=Sentence.ASK_CONFIRM_WRONG_PERSON),
    ],
)  # fmt: skip
def test_a_receipt_gives_a_passage_back(passage: Passage) -> None:
    assert Passage.read({**passage.detail(), "key": "5", "seconds": "3"}) == passage


def test_a_receipt_that_led_to_no_document_has_none() -> None:
    assert Passage.read({"seconds": "12", "answered_by": "human"}) is None


def at(seconds: float) -> datetime:
    return ANSWERED + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("began", "answered", "ended", "lasted", "expected"),
    [
        (None, at(0), at(12.3), 12.0, 12.0),  # the first passage begins with the call
        (None, at(0), at(12.3), None, 12.3),
        (None, None, None, 12.0, 12.0),  # nothing but what was looked up
        (at(30), at(0), at(37.5), 38.0, 7.5),
        (at(30), at(0), at(900), 38.0, 8.0),  # the last callback came a quarter of an hour late
        (at(30), at(25), at(37.5), 38.0, 7.5),  # the one of the answer did
        (at(30), None, at(37.5), 38.0, 7.5),
        (at(30), at(0), None, 38.0, 8.0),
        (at(30), None, None, 38.0, None),
        (at(30), at(0), at(29), None, 0.0),  # never before it began
        (None, None, at(5), None, None),
    ],
)
def test_seconds_told(
    began: datetime | None, answered: datetime | None, ended: datetime | None, lasted: float | None,
    expected: float | None,
) -> None:  # fmt: skip
    assert seconds_told(began, answered, ended, lasted) == expected
