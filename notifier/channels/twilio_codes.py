"""What follows from Twilio's words: error codes, statuses of calls and messages, SIP response codes.

Every word is in a table here. A word that is not is loud: `Unknown`, or Disposition.UNKNOWN.
"""

from datetime import timedelta
from enum import StrEnum

from notifier.domain.disposition import Disposition
from notifier.domain.errors import (
    ChannelError,
    Misconfigured,
    OptedOut,
    Refused,
    Unavailable,
    Uncertain,
    Unknown,
)


class Follows(StrEnum):
    """What follows from an error code."""

    OPTED_OUT = "opted_out"
    BAD_NUMBER = "bad_number"
    MISCONFIGURED = "misconfigured"
    LATER = "later"
    UNCERTAIN = "uncertain"
    NOTHING = "nothing"  # not an error: the call was already over
    HOLD = "hold"


_CODES = {
    Follows.OPTED_OUT: "21610",
    Follows.BAD_NUMBER: """
        21202 21211 21214 21216 21217 21612 21614 21635 30004 30005 30006 13223 13225""",
    Follows.MISCONFIGURED: """
        20001 20003 20005 20006 20404 10001 21201 21203 21205 21206 21208 21209 21210 21212 21213 21215 21218 21219
        21401 21408 21601 21602 21603 21604 21606 21607 21608 21609 21616 21617 21618
        30002 30018 30024 30032 30034 30035""",
    Follows.LATER: "20429 10004 21611 30001 30003 30008 30017 30022 30023 30027 30450",
    Follows.UNCERTAIN: "20500 20503 30410",
    Follows.NOTHING: "21220",
    Follows.HOLD: "30007",
}
CODES: dict[int, Follows] = {int(code): follows for follows, codes in _CODES.items() for code in codes.split()}

# Whole ranges that are about our own configuration: messaging services, our web server, our TwiML.
MISCONFIGURED_RANGES = (range(21700, 21800), range(11000, 12000), range(12000, 13000))
DELIVERY_CODES = range(30000, 40000)

# 30450: the receiving network limits us; it asks for 15 to 30 minutes.
WAITS: dict[int, timedelta] = {30450: timedelta(minutes=20)}

ERRORS: dict[Follows, type[ChannelError]] = {
    Follows.OPTED_OUT: OptedOut,
    Follows.BAD_NUMBER: Refused,
    Follows.MISCONFIGURED: Misconfigured,
    Follows.LATER: Unavailable,
    Follows.UNCERTAIN: Uncertain,
    Follows.NOTHING: Unknown,  # nothing that we ask for can be "already over"
    Follows.HOLD: Unknown,
}

# An answer without a code comes from something in between: a proxy, a wrong host.
HTTP_ERRORS: dict[int, type[ChannelError]] = {
    401: Misconfigured,
    403: Misconfigured,
    404: Misconfigured,
    407: Misconfigured,
    408: Uncertain,
}


def what_follows(code: int) -> Follows:
    if any(code in codes for codes in MISCONFIGURED_RANGES):
        return Follows.MISCONFIGURED
    return CODES.get(code, Follows.HOLD)


def api_error(http_status: int, code: int | None, retry_after: timedelta | None = None) -> ChannelError:
    """The error of an answer that is not 2xx. Says nothing of Twilio's own text: it quotes telephone numbers."""
    words = f"Twilio answered {http_status}" + (f" with code {code}" if code is not None else "")
    word = str(code if code is not None else http_status)
    if http_status == 429:
        return Unavailable(words, code=word, after=retry_after)
    kind = _kind_of_error(http_status, code)
    if kind is Unavailable:
        return Unavailable(words, code=word, after=retry_after or WAITS.get(code or 0))
    return kind(words, code=word)


def _kind_of_error(http_status: int, code: int | None) -> type[ChannelError]:
    if http_status >= 500:
        return Uncertain
    if http_status < 400:
        return Misconfigured  # a redirect: the base URL is not the API's
    if code is None:
        return HTTP_ERRORS.get(http_status, Unknown)
    return ERRORS[what_follows(code)]


# None: not the last word.
CALL_STATUSES: dict[str, Disposition | None] = {
    "queued": None,
    "initiated": None,
    "ringing": None,
    "in-progress": None,
    "completed": Disposition.ANSWERED,
    "busy": Disposition.BUSY,
    "no-answer": Disposition.NO_ANSWER,
    "failed": Disposition.FAILED,
    "canceled": Disposition.CANCELLED,
}

# The network's own word says more than these two statuses do. 5xx is not here, for the status is right about it:
# `failed` did not ring, `no-answer` may have.
REFINED_BY_SIP = frozenset({"no-answer", "failed"})
SIP_CODES: dict[str, Disposition] = {
    "404": Disposition.REFUSED,
    "484": Disposition.REFUSED,
    "604": Disposition.REFUSED,
    "486": Disposition.DECLINED,
    "603": Disposition.DECLINED,
    "487": Disposition.NO_ANSWER,
    "480": Disposition.NO_ANSWER,
    "408": Disposition.NO_ANSWER,
}

MACHINES = frozenset({"machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"})
PERSONS = frozenset({"human", "unknown"})


def call_ending(status: str, sip_code: str = "") -> Disposition | None:
    """How a call with this CallStatus and SipResponseCode ended, or None when it has not."""
    ending = CALL_STATUSES.get(status, Disposition.UNKNOWN)
    return SIP_CODES.get(sip_code, ending) if status in REFINED_BY_SIP else ending


def is_call_status(word: str) -> bool:
    return word in CALL_STATUSES


def is_message_status(word: str) -> bool:
    return word in MESSAGE_STATUSES


def call_looked_up(status: str) -> Disposition | None:
    """As `call_ending`, of a call that was looked up: its resource has no SIP code, so that a `failed` may be the
    carrier's failure or a number that does not exist."""
    return Disposition.UNEXPLAINED if status == "failed" else call_ending(status)


MESSAGE_STATUSES: dict[str, Disposition | None] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": None,  # may be the last word; aged out as unconfirmed, never taken for delivered
    "delivered": Disposition.DELIVERED,
    "read": Disposition.DELIVERED,
    "undelivered": Disposition.UNDELIVERED,
    "failed": Disposition.FAILED,
    "canceled": Disposition.CANCELLED,
}

# What a code on an undelivered or failed message makes of it; of the others the status is right.
EXPLAINED_BY_CODE = frozenset({"undelivered", "failed"})
CODE_ENDINGS: dict[Follows, Disposition] = {
    Follows.OPTED_OUT: Disposition.OPTED_OUT,
    Follows.BAD_NUMBER: Disposition.REFUSED,
    Follows.UNCERTAIN: Disposition.UNCERTAIN,
    Follows.HOLD: Disposition.UNKNOWN,
}


def message_ending(status: str, code: int | None = None) -> Disposition | None:
    """How a message with this MessageStatus and ErrorCode ended, or None when it has not."""
    ending = MESSAGE_STATUSES.get(status, Disposition.UNKNOWN)
    if code is None or status not in EXPLAINED_BY_CODE:
        return ending
    if code in DELIVERY_CODES and code not in CODES:
        return Disposition.UNDELIVERED
    return CODE_ENDINGS.get(what_follows(code), ending)
