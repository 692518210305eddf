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

    `essential` is how many of the lines, from the first, must be heard for the customer to have been told.
    """

    marked: tuple[str, ...]
    essential: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are read."""
        return tuple(plain(line) for line in self.marked)


@dataclass(frozen=True, slots=True)
class VoiceMessage:
    """`scripts` by locale, `locale` first; `replies` by key; `caller` as the fixed sentences name it; `engine` speaks
    the whole of it."""

    locale: str
    scripts: Mapping[str, Script]
    replies: Mapping[str, Action]
    caller: str
    machine: MachinePolicy = MachinePolicy.IGNORE
    engine: str = CARRIER


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
    scripts = {name: Script(tuple(s["marked"]), s["essential"]) for name, s in values.pop("scripts").items()}
    replies = {key: Action(action) for key, action in values.pop("replies").items()}
    machine = MachinePolicy(values.pop("machine"))
    return VoiceMessage(**values, scripts=scripts, replies=replies, machine=machine)
