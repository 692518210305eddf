"""What happened elsewhere: what of it can be read, and what it came to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST = 200  # characters of a source, an id, a type or a subject; a case number has ten
# What the CloudEvents specification forbids in a text, surrogates that stand alone included.
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")


class Fault(StrEnum):
    """What is wrong with a field of an event."""

    MISSING = "missing"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    FORBIDDEN_CHARACTER = "forbidden_character"
    NOT_A_TIME = "not_a_time"
    NOT_1_0 = "not_1_0"
    RESERVED = "reserved"
    AGAINST_THE_SPECIFICATION = "against_the_specification"
    NOT_JSON = "not_json"
    NOT_AN_EVENT = "not_an_event"


FAULTS: Mapping[Fault, str] = {
    Fault.MISSING: "is missing or empty",
    Fault.NOT_TEXT: "is not a text",
    Fault.TOO_LONG: f"is longer than {LONGEST} characters",
    Fault.FORBIDDEN_CHARACTER: "holds a character that CloudEvents forbids",
    Fault.NOT_A_TIME: "is not a time with its zone (RFC 3339)",
    Fault.NOT_1_0: "is not 1.0",
    Fault.RESERVED: "is the name of our own reader",
    Fault.AGAINST_THE_SPECIFICATION: "is not as CloudEvents 1.0 says",
    Fault.NOT_JSON: "is not JSON in UTF-8",
    Fault.NOT_AN_EVENT: "is not an event",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One field of an event that cannot be used, and why."""

    field: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.field}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came in; one with a flaw is kept to be looked at, and never handled."""

    source: str
    event_id: str
    type: str | None
    subject: str | None
    occurred_at: datetime | None = None
    flaw: Flaw | None = None


def find_flaw(texts: Iterable[tuple[str, object]]) -> Flaw | None:
    """The first of these fields that is not a text an event can be known, sorted or found by."""
    for field, value in texts:
        if value is None or value == "":
            return Flaw(field, Fault.MISSING)
        if not isinstance(value, str):
            return Flaw(field, Fault.NOT_TEXT)
        if len(value) > LONGEST:
            return Flaw(field, Fault.TOO_LONG)
        if FORBIDDEN.search(value):
            return Flaw(field, Fault.FORBIDDEN_CHARACTER)
    return None


def legible(value: object) -> str:
    """Of a field that may hold anything, what can be kept and shown."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value[:LONGEST]) if isinstance(value, str) else ""


class EventState(StrEnum):
    PENDING = "pending"
    HANDLED = "handled"
    IGNORED = "ignored"
    REFUSED = "refused"


class Came(StrEnum):
    """What an event came to in one campaign."""

    OPENED = "opened"
    ALREADY_TOLD = "already_told"
    NOT_SELECTED = "not_selected"
    LEFT_OUT = "left_out"  # ": " and the reason follow
    RUN_CANCELLED = "run_cancelled"
    ACKNOWLEDGED = "acknowledged"  # before: nobody is asked again
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"  # from what a household is told, which has other subjects
    IN_FLIGHT = "in_flight"
    NOTHING_OPEN = "nothing_open"
    STILL_DUE = "still_due"
    NOT_KNOWN = "not_known"


CHANGES = frozenset({Came.OPENED, Came.WITHDRAWN, Came.DROPPED, Came.IN_FLIGHT})
CASE_EVENTS = "source.case_event"  # the source, in the inbox, of what we read from that view ourselves
SWEEP = "sweep"  # ... of what we found in the source without being told
NOBODY_ASKED = "no_campaign"  # reason of an event whose type concerns no campaign


def state_after(effects: Mapping[str, str], concerned: Iterable[str]) -> EventState:
    """Where an event stands that came to these effects, by campaign, and concerns these campaigns."""
    if set(concerned) - effects.keys():
        return EventState.PENDING
    changed = any(effect in CHANGES for effect in effects.values())
    return EventState.HANDLED if changed else EventState.IGNORED
