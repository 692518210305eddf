"""The words of one attempt, rendered for a channel and a locale."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from notifier.domain.script import plain
from notifier.domain.speech import CARRIER

LOCALES = ("zh-TW", "en")


class Action(StrEnum):
    """What a reply makes us do."""

    ACKNOWLEDGE = "acknowledge"
    ALREADY_PAID = "already_paid"
    PROMISE = "promise"  # to pay in time: no reminder for some days
    EXTENSION = "extension"  # asks the office for more time to pay
    CHOOSE_DATE = "choose_date"  # one of the days that were proposed
    CALL_BACK_MORNING = "call_back_morning"
    CALL_BACK_AFTERNOON = "call_back_afternoon"
    NO_POWER = "no_power"  # the supply that we say is back is not
    WRONG_PERSON = "wrong_person"
    OPT_OUT = "opt_out"


# Asked again before it is done: a grandchild plays with the keys, a thumb slips.
CONFIRMED_ACTIONS = frozenset({Action.WRONG_PERSON, Action.OPT_OUT})


class MachinePolicy(StrEnum):
    """What to do when a machine picks up."""

    IGNORE = "ignore"  # do not detect machines
    HANG_UP = "hang_up"  # at the end of the essential part, and try later
    LEAVE_MESSAGE = "leave_message"  # the essential part again, which by then finds the greeting over


@dataclass(frozen=True, slots=True)
class Script:
    """What a call says in one locale, a line at a time, each `marked` with where it is cut into clips.

    `essential` is how many of the lines, from the first, must be heard for the customer to have been told. `answers`
    are the lines said after a key, marked as well.
    """

    marked: tuple[str, ...]
    essential: int
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are read."""
        return tuple(plain(line) for line in self.marked)


@dataclass(frozen=True, slots=True)
class VoiceMessage:
    """`scripts` by locale, `locale` first; `replies` by key, with the `days` that keys choose; `caller` as the fixed
    sentences name it; `engine` speaks the whole of it."""

    locale: str
    scripts: Mapping[str, Script]
    replies: Mapping[str, Action]
    caller: str
    machine: MachinePolicy = MachinePolicy.IGNORE
    engine: str = CARRIER
    days: Mapping[str, str] = field(default_factory=dict)  # ISO


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """`segments` as counted before sending; the provider's own count arrives with a receipt."""

    locale: str
    body: str
    segments: int


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """`reference` is notification, step and try: the Message-ID is made of it, so that a repeat is the same mail."""

    locale: str
    subject: str
    text: str
    html: str
    reference: str
    headers: Mapping[str, str] = field(default_factory=dict)


Message = VoiceMessage | SmsMessage | EmailMessage


def store_message(message: Message) -> dict[str, Any]:
    """The message as the delivery log keeps it; `read_message` gives it back."""
    return {"kind": type(message).__name__, **asdict(message)}


def read_message(stored: Mapping[str, Any]) -> Message:
    """What `store_message` stored. Raises ValueError for anything else."""
    values = dict(stored)
    kind = values.pop("kind", None)
    if kind == "SmsMessage":
        return SmsMessage(**values)
    if kind == "EmailMessage":
        return EmailMessage(**values)
    if kind != "VoiceMessage":
        raise ValueError(f"a stored message of kind {kind!r}")
    scripts = {name: _read_script(script) for name, script in values.pop("scripts").items()}
    replies = {key: Action(action) for key, action in values.pop("replies").items()}
    machine = MachinePolicy(values.pop("machine"))
    return VoiceMessage(**values, scripts=scripts, replies=replies, machine=machine)


def _read_script(stored: Mapping[str, Any]) -> Script:
    answers = {key: tuple(lines) for key, lines in stored.get("answers", {}).items()}
    return Script(tuple(stored["marked"]), stored["essential"], answers)
