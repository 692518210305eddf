"""How an attempt ended, and what each ending means for the try that was made."""

from enum import StrEnum


class Disposition(StrEnum):
    """How an attempt ended. `Effect` says what follows from it."""

    ANSWERED = "answered"  # a person heard the essential line, or pressed a key
    HUNG_UP = "hung_up"  # picked up, but left before the essential line was over
    WRONG_PERSON = "wrong_person"  # answered by somebody who is not the customer
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"  # taken by the mail server: shown as unconfirmed
    SENT = "sent"  # the network's last word, never confirmed
    UNDELIVERED = "undelivered"
    BOUNCED = "bounced"  # the mail came back: there is no such address
    REFUSED = "refused"
    OPTED_OUT = "opted_out"
    FAILED = "failed"  # the provider failed before a phone could ring
    UNEXPLAINED = "unexplained"  # as failed, but nobody says why: the provider, or a number that does not exist
    CANCELLED = "cancelled"
    NOT_SENT = "not_sent"  # certainly never left, or never processed
    NOT_CREATED = "not_created"  # was uncertain; shown not to exist at the provider
    UNCERTAIN = "uncertain"  # nobody can tell whether it was sent
    UNKNOWN = "unknown"  # the provider used a word that no table knows


# Somebody, not a machine, was on the line.
PICKED_UP = frozenset({Disposition.ANSWERED, Disposition.HUNG_UP})


class Effect(StrEnum):
    REACHES = "reaches"  # the customer was told
    SPENDS = "spends"  # the phone could have rung: one try is gone
    CLOSES = "closes"  # this address will never do on this channel: next step
    FREE = "free"  # no phone can have rung: no try is gone
    HOLDS = "holds"  # a person must look


EFFECTS: dict[Disposition, Effect] = {
    Disposition.ANSWERED: Effect.REACHES,
    Disposition.DELIVERED: Effect.REACHES,
    Disposition.ACCEPTED: Effect.REACHES,
    Disposition.HUNG_UP: Effect.SPENDS,
    Disposition.MACHINE: Effect.SPENDS,
    Disposition.BUSY: Effect.SPENDS,
    Disposition.NO_ANSWER: Effect.SPENDS,
    Disposition.DECLINED: Effect.SPENDS,
    Disposition.UNDELIVERED: Effect.SPENDS,
    Disposition.SENT: Effect.SPENDS,
    Disposition.WRONG_PERSON: Effect.CLOSES,
    Disposition.BOUNCED: Effect.CLOSES,
    Disposition.REFUSED: Effect.CLOSES,
    Disposition.OPTED_OUT: Effect.CLOSES,
    Disposition.FAILED: Effect.FREE,
    Disposition.UNEXPLAINED: Effect.FREE,
    Disposition.CANCELLED: Effect.FREE,
    Disposition.NOT_SENT: Effect.FREE,
    Disposition.NOT_CREATED: Effect.FREE,
    Disposition.UNCERTAIN: Effect.HOLDS,
    Disposition.UNKNOWN: Effect.HOLDS,
}

# Our own conclusions, drawn in the absence of a word: any final word of the provider outranks them.
CONCLUSIONS = frozenset({Disposition.NOT_CREATED, Disposition.NOT_SENT, Disposition.SENT, Disposition.UNCERTAIN})

# Conclusions that even a word which is not final proves wrong: the provider has it after all.
DENIALS = frozenset({Disposition.NOT_CREATED, Disposition.NOT_SENT, Disposition.UNCERTAIN})

# Told, as far as we know: a later final word outranks it, and may take the telling back.
UNCONFIRMED = frozenset({Disposition.ACCEPTED})
