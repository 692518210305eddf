"""Faults on demand: what the carrier and the mailbox do wrong, and how often.

Each fault is a `Switch`, set by `POST /faults` as a share (`0.2`), a count (`{"next": 3}`) or both with details:
`{"share": 0.1, "seconds": 30, "only": ["+886900000001"], "resource": "calls"}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from random import Random
from typing import Any


class FaultError(ValueError):
    """A fault of POST /faults that does not exist or cannot be read."""


@dataclass(slots=True)
class Switch:
    """How often one fault strikes, whom, and with what.

    `next` certain strikes come first, then a `share` (0..1) of the rest. `seconds` and `code` mean what the fault says
    of them. `only` limits it to these numbers or addresses, `resource` to `calls` or `messages`, or to one stage of a
    mail (`mail_line.py`). `fired` counts.
    """

    share: float = 0.0
    next: int = 0
    seconds: float = 0.0
    code: int = 0
    only: tuple[str, ...] = ()
    resource: str = ""
    fired: int = 0

    def strikes(self, dice: Random, to: str, resource: str = "") -> bool:
        """Whether the fault strikes this time; counts it if so."""
        if (self.only and to not in self.only) or (self.resource and resource != self.resource):
            return False
        if self.next > 0:
            self.next -= 1
        elif dice.random() >= self.share:
            return False
        self.fired += 1
        return True


@dataclass(slots=True)
class Switches:
    """Every fault there is, all off."""

    # every request to the REST API
    down: Switch  # answered with HTTP `code`; nothing is done
    skew: Switch  # the carrier's clock is `seconds` ahead of the right one, in whatever it tells
    # the create of a call or message
    refuse: Switch  # 429 and Retry-After `seconds`; nothing is placed
    error_before: Switch  # HTTP `code`; nothing is placed
    error_after: Switch  # HTTP `code`, although the call or message is placed
    hang_after: Switch  # placed, and answered only after `seconds` of real time
    drop_after: Switch  # placed, and the connection is cut without an answer
    latency: Switch  # answered `seconds` of real time late; the placing is late too
    misspell_polls: Switch  # what is fetched or listed has a status that does not exist
    list_delay: Switch  # lists (and look-ups by number) do not show what is younger than `seconds`
    # status callbacks
    lose: Switch
    double: Switch
    delay: Switch  # by `seconds`; others overtake it
    shuffle: Switch  # held back until the next one of the same call or message has been delivered
    before_response: Switch  # the first callback is delivered before the create is answered
    misspell: Switch  # with a status that does not exist
    contradict: Switch  # `seconds` after `completed` or `delivered` another final status follows
    # documents
    fetch_twice: Switch  # asked for twice, and the second answer is carried out
    # mail
    mail_refuse: Switch  # RCPT answered with `code`, 451 or 451471 (for 451 4.7.1)
    mail_data_refuse: Switch  # the message answered with `code`; not kept
    mail_drop: Switch  # the message kept, and the connection cut without an answer
    mail_answer: Switch  # the stage answered with `code`
    mail_cut: Switch  # the connection cut at the stage; at its end the message is not kept
    mail_hang: Switch  # `seconds` of real silence at the stage; at its end the message is kept
    mail_greylist: Switch  # RCPT answered with 451 until `seconds` after the address was first named
    # of mails that were taken, handed over by LMTP `seconds` later; 0: before the mail is answered
    mail_bounce: Switch  # a report of failure; `code` 511 is the status 5.1.1
    mail_delay: Switch  # a report of delay
    mail_complain: Switch  # a report of abuse


MISSPELT = "sparkling"  # a status that no table knows
MEASURES = frozenset({"skew", "list_delay"})  # always on: a plain number is their `seconds`
DETAILS: dict[str, dict[str, Any]] = {
    "down": {"code": 503},
    "refuse": {"seconds": 1.0},
    "error_before": {"code": 503},
    "error_after": {"code": 500},
    "hang_after": {"seconds": 30.0},
    "latency": {"seconds": 0.2},
    "delay": {"seconds": 60.0},
    "contradict": {"seconds": 5.0},
    "mail_refuse": {"code": 451},
    "mail_data_refuse": {"code": 451},
    "mail_answer": {"code": 451},
    "mail_hang": {"seconds": 3600.0},
    "mail_greylist": {"seconds": 300.0},
    "mail_bounce": {"code": 511},
    "mail_delay": {"code": 447},
}
NAMES = tuple(field.name for field in fields(Switches))
_READS = {
    "share": float,
    "next": int,
    "seconds": float,
    "code": int,
    "resource": str,
    "only": lambda numbers: tuple(str(number) for number in numbers),
}


class Faults:
    """The switches in force, and the dice they share."""

    def __init__(self, seed: int, list_delay: float = 0.0) -> None:
        self._list_delay = list_delay
        self.dice = Random(f"faults/{seed}")
        self.reset()

    def reset(self) -> None:
        """Every fault off; the settings' list delay stays."""
        self.now = Switches(**{name: Switch(**DETAILS.get(name, {})) for name in NAMES})
        self.now.list_delay.seconds = self._list_delay

    def merge(self, wanted: Mapping[str, Any]) -> None:
        """Sets the named switches anew and leaves the others. All or nothing; raises FaultError."""
        made = {name: _switch(name, setting) for name, setting in wanted.items()}
        self.now = replace(self.now, **made)

    @property
    def skew(self) -> timedelta:
        return timedelta(seconds=self.now.skew.seconds)

    def shown(self) -> dict[str, dict[str, Any]]:
        return {name: _shown(getattr(self.now, name)) for name in NAMES}


def _switch(name: str, setting: Any) -> Switch:
    if name not in NAMES:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(NAMES)}")
    details = {("seconds" if name in MEASURES else "share"): setting} if _is_number(setting) else setting
    if not isinstance(details, Mapping) or not set(details) <= set(_READS):
        raise FaultError(f"fault {name}: expected a share or an object of {', '.join(_READS)}")
    try:
        made = {key: _READS[key](value) for key, value in details.items()}  # type: ignore[operator]
    except (TypeError, ValueError) as error:
        raise FaultError(f"fault {name}: {error}") from error
    if not 0 <= made.get("share", 0) <= 1:
        raise FaultError(f"fault {name}: a share lies between 0 and 1")
    return Switch(**DETAILS.get(name, {}) | made)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(switch: Switch) -> dict[str, Any]:
    return {field.name: getattr(switch, field.name) for field in fields(switch)}
