"""Channel errors as receipts: what the provider said when it did not take the message."""

from datetime import datetime

from notifier.domain.attempt_id import AttemptId
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Misconfigured, OptedOut, Refused, Unavailable, Uncertain, Unknown
from notifier.domain.receipt import Receipt, ReceiptKind

# Most particular first.
ENDINGS: tuple[tuple[type[ChannelError], Disposition], ...] = (
    (OptedOut, Disposition.OPTED_OUT),
    (Refused, Disposition.REFUSED),
    (Unavailable, Disposition.NOT_SENT),
    (Misconfigured, Disposition.NOT_SENT),
    (Unknown, Disposition.UNKNOWN),
)

ANSWER = "answer"  # there is one answer to a request: its key


def answer_of_error(attempt: AttemptId, error: ChannelError, now: datetime, *, outage: bool = False) -> Receipt:
    """`outage`: the provider is known to fail for everybody, so that this one is not to blame."""
    status = error.code or type(error).__name__
    detail = {"error": type(error).__name__, "said": str(error)[:200]}
    if isinstance(error, Uncertain):
        return Receipt(attempt, ReceiptKind.ANSWER, ANSWER, status, now, uncertain=True, detail=detail)
    ended = next((ending for kind, ending in ENDINGS if isinstance(error, kind)), Disposition.UNKNOWN)
    blameless = outage or isinstance(error, Misconfigured)
    return Receipt(attempt, ReceiptKind.ANSWER, ANSWER, status, now, ended=ended, blameless=blameless, detail=detail)


def never_sent(attempt: AttemptId, why: str, now: datetime) -> Receipt:
    """We decided not to make the request after all."""
    return Receipt(attempt, ReceiptKind.VERDICT, ANSWER, why, now, ended=Disposition.NOT_SENT, blameless=True)
