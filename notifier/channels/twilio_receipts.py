"""Twilio's words about a call or a message as receipts: what it told us, what it answered, what we looked up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from notifier.channels.twilio_transport import NOT_FOUND, Resource, TwilioApi
from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import HookCall
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Uncertain
from notifier.domain.receipt import UNKNOWN_WORD, UNNUMBERED, Receipt, ReceiptKind

# Creation times that can be ours, around the moment the attempt was written; Twilio's clock is set right by its own
# Date. Before: Twilio rounds to the second. After: up to 10 s until it is sent, the request's timeout, the carrier's
# own delay. It can be wide, for no other attempt to the address begins while this one is open; but it must end before
# an attempt counts as silent (over 5 minutes), or a later attempt could pass for this one.
EARLIEST = timedelta(seconds=-5)
LATEST = timedelta(minutes=5)
# What was created near that time and is known to be nobody else's leaves a doubt: to take it for another's would ring a
# phone twice, should Twilio's Date and its creation times not be of the same clock.
NEAR = timedelta(minutes=15)

# Evidence kept of a receipt, by Twilio's names: nothing here is personal.
TOLD = {
    "SipResponseCode": "sip",
    "CallDuration": "seconds",
    "AnsweredBy": "answered_by",
    "ErrorCode": "error",
    "NumSegments": "segments",
}
LOOKED_UP = {
    "duration": "seconds",
    "answered_by": "answered_by",
    "error_code": "error",
    "num_segments": "segments",
    "price": "price",
    "price_unit": "price_unit",
}


def field(call: HookCall, name: str) -> str:
    return next((value for key, value in call.form if key == name), "")


def whole(text: object) -> int | None:
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def told(call: HookCall, sid: str, word: str, status: str, **facts: Any) -> tuple[Receipt, ...]:
    """The receipt of a callback; `word` tells it from the others about `sid`. None for an attempt we do not know."""
    if call.attempt is None:
        return ()
    key, detail = f"{sid}:{word}", _evidence(dict(call.form), TOLD)
    detail |= facts.pop("detail", {})
    return (
        Receipt(
            call.attempt, ReceiptKind.CALLBACK, key, status, call.at, provider_ref=sid or None, detail=detail, **facts
        ),
    )


def loud(known: bool) -> dict[str, str]:
    """The mark of a status that no table knows: it proves that the attempt lives and says nothing of how it ended. That
    is looked up; what Twilio then says is taken for its last word."""
    return {} if known else {UNKNOWN_WORD: "yes"}


def answered(attempt: AttemptId, created: Resource, at: datetime) -> Receipt:
    """The receipt of a create. Never final: callbacks carry numbers by which a later word outranks an earlier."""
    sid = created["sid"]
    return Receipt(attempt, ReceiptKind.ANSWER, f"{sid}:created", str(created.get("status")), at, provider_ref=sid)


def looked_up(
    attempt: AttemptId, found: Resource, at: datetime, ended: Disposition | None, machine: bool | None = None
) -> Receipt:
    sid, status = str(found["sid"]), str(found.get("status"))
    return Receipt(
        attempt,
        ReceiptKind.POLL,
        f"{sid}:poll:{status}",
        status,
        at,
        UNNUMBERED,
        provider_ref=sid,
        machine=machine,
        ended=ended,
        detail=_evidence(found, LOOKED_UP),
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a create whose answer was lost: when it was written, what was to be said (a message's body), and
    the sids that are other attempts'."""

    since: datetime
    others: frozenset[str] = frozenset()
    body: str | None = None


async def find_created(api: TwilioApi, to: str, sender: str, wanted: Wanted, sid: str | None) -> Resource | None:
    """The call or message of an attempt, or None when there is none.

    Raises Uncertain when it cannot be told from another, or when Twilio no longer knows a sid that it gave us.
    """
    if sid is not None:
        return await _fetch(api, sid)
    unclaimed = [one for one in await api.find(to, sender) if one["sid"] not in wanted.others]
    after = [(one, _created(one) - api.ahead - wanted.since) for one in unclaimed]
    timely = [one for one, wait in after if EARLIEST <= wait <= LATEST]
    ours = [one for one in timely if _says(one, wanted.body)]
    if len(ours) == 1:
        return ours[0]
    near = [one for one, wait in after if abs(wait) <= NEAR and _says(one, wanted.body)]
    if doubtful := max(len(near), len(timely)):
        raise Uncertain(f"{doubtful} creations at Twilio could be this attempt")
    return None


def _says(one: Resource, body: str | None) -> bool:
    """Whether it carries our words. A trial account puts a sentence before them; spaces are not always kept."""
    return body is None or "".join(body.split()) in "".join(str(one.get("body")).split())


async def _fetch(api: TwilioApi, sid: str) -> Resource:
    try:
        return await api.fetch(sid)
    except ChannelError as error:
        if error.code != NOT_FOUND:
            raise
        raise Uncertain("Twilio no longer knows what it created", code=NOT_FOUND) from error


def _created(one: Resource) -> datetime:
    try:
        moment = parsedate_to_datetime(one["date_created"])
    except (KeyError, TypeError, ValueError) as error:
        raise Uncertain("Twilio's list does not say when something was created") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _evidence(words: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str]:
    return {ours: str(words[theirs]) for theirs, ours in names.items() if words.get(theirs) not in (None, "")}
