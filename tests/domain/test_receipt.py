"""Receipts in any order, any number of times: never backwards, and the same end."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.message import Action
from notifier.domain.receipt import AttemptProgress, Receipt, ReceiptKind, fold
from notifier.domain.states import AttemptState

ATTEMPT = AttemptId(UUID("01900000-0000-7000-8000-000000000000"))
NOW = datetime(2026, 12, 1, tzinfo=UTC)
D = Disposition


def word(status: str, sequence: int = -1, **more: object) -> Receipt:
    receipt = Receipt(ATTEMPT, ReceiptKind.CALLBACK, f"{status}:{sequence}", status, NOW, sequence)
    return replace(receipt, **more)  # type: ignore[arg-type]


def verdict(ended: Disposition) -> Receipt:
    return Receipt(ATTEMPT, ReceiptKind.VERDICT, f"concluded:{ended}", ended, NOW, ended=ended)


QUEUED = replace(word("queued"), kind=ReceiptKind.ANSWER, provider_ref="CA1")
RINGING = word("ringing", 1)
HEARD = word("heard", heard=True)
KEY = word("acknowledge", heard=True, action=Action.ACKNOWLEDGE)
COMPLETED = word("completed", 3, ended=D.ANSWERED)
BUSY = word("busy", 2, ended=D.BUSY)
MACHINE = word("machine", machine=True)
SLOWER = word("star", machine=False)  # a key that settles nothing

STORIES = [
    ([QUEUED, RINGING, HEARD, COMPLETED], D.ANSWERED),
    ([QUEUED, RINGING, KEY, COMPLETED], D.ANSWERED),
    ([QUEUED, RINGING, COMPLETED], D.HUNG_UP),  # picked up, and gone before the essential line was over
    ([QUEUED, MACHINE, COMPLETED], D.MACHINE),
    ([QUEUED, MACHINE, SLOWER, COMPLETED], D.HUNG_UP),  # whoever presses a key is no machine
    ([QUEUED, MACHINE, SLOWER, HEARD, COMPLETED], D.ANSWERED),
    ([QUEUED, RINGING, BUSY], D.BUSY),
    ([QUEUED, word("wrong_person", heard=True, action=Action.WRONG_PERSON), COMPLETED], D.WRONG_PERSON),
]


@pytest.mark.parametrize(("receipts", "expected"), STORIES)
def test_every_order_tells_the_same_story(receipts: list[Receipt], expected: Disposition) -> None:
    for order in permutations(receipts):
        result = fold(AttemptProgress(), [*order, *order])
        assert (result.state, result.disposition, result.provider_ref) == (AttemptState.ENDED, expected, "CA1")


@given(st.lists(st.sampled_from([QUEUED, RINGING, HEARD, KEY, COMPLETED, BUSY, MACHINE, verdict(D.NOT_CREATED)])))
def test_what_the_provider_has_ended_never_opens_again(receipts: list[Receipt]) -> None:
    progress, ended = AttemptProgress(), False
    for receipt in receipts:
        progress = fold(progress, [receipt])
        assert progress.state is AttemptState.ENDED or not ended
        ended = progress.state is AttemptState.ENDED and progress.disposition is not D.NOT_CREATED
        assert (progress.state is AttemptState.ENDED) == (progress.disposition is not None)


@pytest.mark.parametrize("denial", [D.NOT_CREATED, D.NOT_SENT, D.UNCERTAIN])
def test_a_sign_of_life_brings_back_what_we_had_given_up(denial: Disposition) -> None:
    given_up = fold(AttemptProgress(), [verdict(denial)])
    alive = fold(given_up, [replace(RINGING, provider_ref="CA1")])
    assert (alive.state, alive.disposition, alive.provider_ref) == (AttemptState.IN_FLIGHT, None, "CA1")
    assert fold(alive, [BUSY]).disposition is D.BUSY


def test_a_late_word_that_is_not_final_opens_nothing_that_the_provider_ended_or_that_aged() -> None:
    for ending in (BUSY, verdict(D.SENT), word("x", ended=D.REFUSED)):
        ended = fold(AttemptProgress(), [ending])
        assert fold(ended, [replace(RINGING, provider_ref="CA1")]).state is AttemptState.ENDED


def test_a_final_word_outranks_our_own_conclusion() -> None:
    concluded = fold(AttemptProgress(), [verdict(D.NOT_CREATED)])
    assert fold(concluded, [BUSY]).disposition is D.BUSY


def test_our_conclusion_never_outranks_a_final_word() -> None:
    for conclusion in (D.NOT_CREATED, D.SENT, D.UNCERTAIN):
        assert fold(AttemptProgress(), [BUSY, verdict(conclusion)]).disposition is D.BUSY


def test_what_the_provider_has_named_is_never_concluded_not_to_exist() -> None:
    uncertain = Receipt(ATTEMPT, ReceiptKind.ANSWER, "answer", "TimeoutError", NOW, uncertain=True)
    ringing = replace(RINGING, provider_ref="CA1")
    for order in ([uncertain, ringing, verdict(D.NOT_CREATED)], [uncertain, verdict(D.NOT_CREATED), ringing]):
        assert fold(AttemptProgress(), order).state is AttemptState.IN_FLIGHT


def test_of_two_final_words_the_later_number_counts() -> None:
    later = word("failed", 5, ended=D.FAILED)
    for order in ([BUSY, later], [later, BUSY]):
        assert fold(AttemptProgress(), order).disposition is D.FAILED


def test_a_final_callback_knows_more_than_what_was_looked_up() -> None:
    """A resource has no SIP code: the callback that comes late says that the number does not exist."""
    looked_up = Receipt(ATTEMPT, ReceiptKind.POLL, "CA1:poll:failed", "failed", NOW, ended=D.UNEXPLAINED)
    refused = word("failed", 3, ended=D.REFUSED)
    for order in ([looked_up, refused], [refused, looked_up]):
        assert fold(AttemptProgress(), order).disposition is D.REFUSED


def test_a_word_that_is_known_outranks_one_that_is_not() -> None:
    unknown = Receipt(ATTEMPT, ReceiptKind.POLL, "SM1:poll:sparkling", "sparkling", NOW, ended=D.UNKNOWN)
    for known in (D.UNDELIVERED, D.DELIVERED):
        assert fold(AttemptProgress(), [unknown, word(known, ended=known)]).disposition is known


def test_delivered_outranks_an_earlier_unnumbered_word() -> None:
    delivered = word("delivered", ended=D.DELIVERED)
    undelivered = word("undelivered", ended=D.UNDELIVERED)
    for order in ([delivered, undelivered], [undelivered, delivered]):
        assert fold(AttemptProgress(), order).disposition is D.DELIVERED


@pytest.mark.parametrize("ending", [D.BOUNCED, D.UNDELIVERED, D.DELIVERED])
def test_a_mail_that_was_taken_may_come_back(ending: Disposition) -> None:
    """Before our answer is on record, or after it."""
    taken = Receipt(ATTEMPT, ReceiptKind.ANSWER, "accepted", "accepted", NOW, ended=D.ACCEPTED)
    late = word("delayed")
    for order in permutations([taken, late, word("from the mail server", ended=ending)]):
        one_by_one = AttemptProgress()
        for receipt in order:
            one_by_one = fold(one_by_one, [receipt])
        assert one_by_one == fold(AttemptProgress(), order)
        assert (one_by_one.state, one_by_one.disposition) == (AttemptState.ENDED, ending)


def test_uncertain_is_not_failed() -> None:
    uncertain = Receipt(ATTEMPT, ReceiptKind.ANSWER, "answer", "TimeoutError", NOW, uncertain=True)
    result = fold(AttemptProgress(), [uncertain])
    assert (result.state, result.disposition) == (AttemptState.UNCERTAIN, None)
    assert fold(result, [RINGING]).state is AttemptState.IN_FLIGHT
    assert fold(fold(AttemptProgress(), [RINGING]), [uncertain]).state is AttemptState.IN_FLIGHT
