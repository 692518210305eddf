"""Twilio's words about a call or a message as receipts: what it told us, what it answered, what we looked up."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from notifier.channels.twilio_transport import NOT_FOUND, Resource, TwilioApi
from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import HookCall
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Uncertain
from notifier.domain.receipt import UNNUMBERED, Receipt, ReceiptKind

# Creation times that can be ours, around the moment the attempt was written. Before: Twilio rounds to the second and
# two clocks differ. After: up to 10 s until it is sent, the request's timeout, the carrier's own delay. It can be wide,
# for no other attempt to the address begins while this one is open; but it must end before an attempt counts as silent
# (over 5 minutes), or a later attempt could pass for this one. Too narrow would be worse: it rings a phone twice.
EARLIEST = timedelta(seconds=-5)
LATEST = timedelta(minutes=5)

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


def answered(attempt: AttemptId, created: Resource, at: datetime) -> Receipt:
    """The receipt of a create. Never final: callbacks carry numbers by which a later word outranks an earlier."""
    sid = created["sid"]
    return Receipt(attempt, ReceiptKind.ANSWER, f"{sid}:created", str(created.get("status")), at, provider_ref=sid)


def looked_up(
    attempt: AttemptId, found: Resource, at: datetime, ended: Disposition | None, machine: bool = False
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


async def find_created(api: TwilioApi, to: str, sender: str, since: datetime, sid: str | None) -> Resource | None:
    """The call or message of an attempt written at `since`, or None when there is none.

    Raises Uncertain when it cannot be told from another, or when Twilio no longer knows a sid that it gave us.
    """
    if sid is not None:
        return await _fetch(api, sid)
    candidates = [one for one in await api.find(to, sender) if EARLIEST <= _created(one) - since <= LATEST]
    if len(candidates) > 1:
        raise Uncertain(f"{len(candidates)} creations at Twilio could be this attempt")
    return candidates[0] if candidates else None


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
