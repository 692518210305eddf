"""A provider's word about an attempt, and how words add up to what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import CONCLUSIONS, DENIALS, UNCONFIRMED, Disposition
from notifier.domain.message import Action
from notifier.domain.states import ATTEMPT_MOVES, AttemptState, check_move

UNNUMBERED = -1
UNKNOWN_WORD = "unknown_word"  # in a receipt's detail: the provider used a word that no table knows
FOLLOWS = "follows"  # in a receipt's detail: what is to be done besides
COMPLAINED = "complained"  # so the address is not used again for this purpose; the customer was told all the same


class ReceiptKind(StrEnum):
    ANSWER = "answer"  # what the provider said to our request
    CALLBACK = "callback"  # what it told us afterwards
    POLL = "poll"  # what it said when we asked
    VERDICT = "verdict"  # what we concluded in the absence of a word


@dataclass(frozen=True, slots=True)
class Receipt:
    """One word of a provider about one attempt.

    `key` makes the word the same word when it is told twice. `status` is the provider's own word; `sequence` its
    number, or UNNUMBERED. `ended` is set when the word is final. `detail` is kept for evidence and holds no
    personal data: SIP code, seconds, price, error code. `blameless`: it lay with the provider as a whole or with
    ourselves, not with this attempt, so that not even a free retry is spent. `machine`: whether a machine has answered;
    False when somebody has pressed a key, None when the word says nothing of it.
    """

    attempt: AttemptId
    kind: ReceiptKind
    key: str
    status: str
    at: datetime
    sequence: int = UNNUMBERED
    provider_ref: str | None = None
    uncertain: bool = False
    heard: bool = False
    machine: bool | None = None
    action: Action | None = None
    ended: Disposition | None = None
    blameless: bool = False
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """What the receipts applied so far say about an attempt."""

    state: AttemptState = AttemptState.WRITTEN
    provider_ref: str | None = None
    heard: bool = False
    machine: bool | None = None
    action: Action | None = None
    disposition: Disposition | None = None
    sequence: int = UNNUMBERED


def fold(progress: AttemptProgress, receipts: Iterable[Receipt]) -> AttemptProgress:
    """Apply receipts in any order, any number of times: the result never goes backwards.

    A final word of the provider outranks our own conclusions; of two final words the higher sequence number counts.
    Whatever the provider says of an attempt that we had given up brings it back: it exists.
    """
    for receipt in sorted(receipts, key=lambda one: one.kind is ReceiptKind.VERDICT):  # what was said, then concluded
        progress = _apply(progress, receipt)
    return progress


def _apply(before: AttemptProgress, receipt: Receipt) -> AttemptProgress:
    if receipt.ended is Disposition.NOT_CREATED and before.provider_ref is not None:
        return before  # the provider has given it a name: it exists
    after = replace(
        before,
        provider_ref=before.provider_ref or receipt.provider_ref,
        heard=before.heard or receipt.heard,
        machine=_is_machine(before.machine, receipt.machine),
        action=before.action or receipt.action,
    )
    if receipt.ended is not None and _outranks(receipt, before):
        after = replace(after, state=AttemptState.ENDED, disposition=receipt.ended, sequence=receipt.sequence)
    elif _revives(receipt, before):
        after = replace(after, state=AttemptState.IN_FLIGHT, disposition=None, sequence=UNNUMBERED)
    elif before.state is not AttemptState.ENDED:
        after = replace(after, state=_open_state(before.state, receipt))
    after = replace(after, disposition=_what_answering_came_to(after))
    check_move(ATTEMPT_MOVES, before.state, after.state) if before.state is not after.state else None
    return after


def _is_machine(*words: bool | None) -> bool | None:
    """Detection may be wrong; whoever has pressed a key is no machine, whenever that is heard of."""
    return False if False in words else True if True in words else None


def _outranks(receipt: Receipt, before: AttemptProgress) -> bool:
    if before.disposition is None or before.state is not AttemptState.ENDED:
        return True
    if receipt.kind is ReceiptKind.VERDICT:
        return False
    if before.disposition in CONCLUSIONS | UNCONFIRMED or before.disposition is Disposition.UNKNOWN:
        return True
    if receipt.sequence != UNNUMBERED:  # also over what was looked up: a callback knows the network's own code
        return receipt.sequence > before.sequence
    return receipt.ended is Disposition.DELIVERED


def _revives(receipt: Receipt, before: AttemptProgress) -> bool:
    return receipt.ended is None and receipt.provider_ref is not None and before.disposition in DENIALS


def _open_state(before: AttemptState, receipt: Receipt) -> AttemptState:
    if receipt.uncertain:
        return AttemptState.UNCERTAIN if before is AttemptState.WRITTEN else before
    return AttemptState.IN_FLIGHT


ANSWERED_WORDS = frozenset({Disposition.ANSWERED, Disposition.HUNG_UP, Disposition.MACHINE, Disposition.WRONG_PERSON})


def _what_answering_came_to(progress: AttemptProgress) -> Disposition | None:
    """A provider says only that the call was picked up: what was heard and pressed says what that came to."""
    if progress.disposition not in ANSWERED_WORDS:
        return progress.disposition
    if progress.action is Action.WRONG_PERSON:
        return Disposition.WRONG_PERSON
    if progress.action is not None:
        return Disposition.ANSWERED
    if progress.machine:
        return Disposition.MACHINE
    return Disposition.ANSWERED if progress.heard else Disposition.HUNG_UP
