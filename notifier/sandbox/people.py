"""How the people at the other end behave.

Everything follows from (seed, number, nth call or message to that number), so the same crowd answers in the same way
whatever the order in which their telephones ring. Tests script single numbers, or everyone, instead.

The shares are made up, in the proportions a district office would call ordinary; nothing was measured.

| call ends as | share | detail |
|---|---|---|
| number out of service | 1 % of numbers | every call fails, every SMS is undelivered |
| presses a key | 48 % | after 8-25 s; 1 in 86 of 100, else 7, 8, 9, 0 or * |
| listens to the end | 18 % | gives up after 300 s |
| hangs up in the middle | 7 % | after 4-15 s |
| hangs up at once | 3 % | within 2 s |
| answering machine | 9 % | records 90 s, then cuts |
| does not answer | 9 % | |
| busy | 4 % | |
| declines | 2 % | after 2-8 s of ringing |

| message ends as | share | detail |
|---|---|---|
| delivered | 93 % | 1-20 s after it was sent |
| sent, and never heard of again | 3.5 % | |
| undelivered | 3 % | 30003, 30005 or 30006 |
| failed | 0.5 % | 30008 |
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

BAD_NUMBERS = 0.01
PATIENCE = 300.0  # seconds a person listens to a call that does not end
MACHINE_RECORDS = 90.0  # seconds until an answering machine cuts
DIGITS = {"1": 86, "7": 5, "8": 2, "9": 2, "0": 3, "*": 2}
SCRIPT_ANSWER_AFTER = 4.0  # ring seconds, when a script does not say
SCRIPT_SENT_AFTER = 1.0
SCRIPT_SETTLED_AFTER = 3.0


class CallOutcome(StrEnum):
    ANSWERS = "answers"
    MACHINE = "machine"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    BAD_NUMBER = "bad_number"


class MessageOutcome(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key pressed `after` seconds on the line."""

    after: float
    digit: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one person does with one call. Seconds; `answer_after` counts ringing, the others time on the line."""

    outcome: CallOutcome = CallOutcome.ANSWERS
    answer_after: float = SCRIPT_ANSWER_AFTER
    keys: tuple[KeyPress, ...] = ()
    hang_up_after: float | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one text message. Seconds after the create, and after it was sent."""

    outcome: MessageOutcome = MessageOutcome.DELIVERED
    sent_after: float = SCRIPT_SENT_AFTER
    settled_after: float = SCRIPT_SETTLED_AFTER
    error_code: int | None = None


class ScriptError(ValueError):
    """A script of POST /people that cannot be read."""


class Crowd:
    """Everyone who can be reached: drawn from a seed, or scripted."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._calls: dict[str, deque[Behaviour]] = {}
        self._messages: dict[str, deque[Fate]] = {}
        self._everyone_calls: Behaviour | None = None
        self._everyone_messages: Fate | None = None

    def behaviour(self, number: str, nth: int) -> Behaviour:
        """What the person at `number` does with the `nth` call (from 0). Consumes one scripted behaviour."""
        if scripted := self._calls.get(number):
            return scripted.popleft()
        return self._everyone_calls or draw_behaviour(self._seed, number, nth)

    def fate(self, number: str, nth: int) -> Fate:
        """What becomes of the `nth` message (from 0) to `number`. Consumes one scripted fate."""
        if scripted := self._messages.get(number):
            return scripted.popleft()
        return self._everyone_messages or draw_fate(self._seed, number, nth)

    def script(self, wanted: Mapping[str, Any]) -> None:
        """Adds scripts for single numbers, used up in order, and for everyone else, used for good (null: drawn again).

        `{"calls": {number: [behaviour]}, "messages": {number: [fate]}, "everyone": {"calls": behaviour}}`.
        All or nothing; raises ScriptError.
        """
        _only(wanted, {"calls", "messages", "everyone"})
        calls = {to: [_behaviour(one) for one in _list(many)] for to, many in _map(wanted.get("calls", {})).items()}
        fates = {to: [_fate(one) for one in _list(many)] for to, many in _map(wanted.get("messages", {})).items()}
        everyone = _map(wanted.get("everyone", {}))
        _only(everyone, {"calls", "messages"})
        if "calls" in everyone:
            self._everyone_calls = None if everyone["calls"] is None else _behaviour(everyone["calls"])
        if "messages" in everyone:
            self._everyone_messages = None if everyone["messages"] is None else _fate(everyone["messages"])
        for number, behaviours in calls.items():
            self._calls.setdefault(number, deque()).extend(behaviours)
        for number, some in fates.items():
            self._messages.setdefault(number, deque()).extend(some)


def draw_behaviour(seed: int, number: str, nth: int) -> Behaviour:
    """The behaviour that (seed, number, nth) stands for: see the table at the top."""
    if is_bad_number(seed, number):
        return Behaviour(CallOutcome.BAD_NUMBER, answer_after=1.0)
    dice = Random(f"call/{seed}/{number}/{nth}")
    kind = dice.choices(
        ("presses", "listens", "leaves", "drops", "machine", "no_answer", "busy", "declined"),
        (48, 18, 7, 3, 9, 9, 4, 2),
    )[0]
    answer_after = round(dice.uniform(3, 18), 1)
    match kind:
        case "presses":
            return Behaviour(answer_after=answer_after, keys=_draw_keys(dice), hang_up_after=PATIENCE)
        case "listens":
            return Behaviour(answer_after=answer_after, hang_up_after=PATIENCE)
        case "leaves":
            return Behaviour(answer_after=answer_after, hang_up_after=round(dice.uniform(4, 15), 1))
        case "drops":
            return Behaviour(answer_after=answer_after, hang_up_after=round(dice.uniform(0.3, 2), 1))
        case "machine":
            return Behaviour(CallOutcome.MACHINE, answer_after=answer_after, hang_up_after=MACHINE_RECORDS)
        case "declined":
            return Behaviour(CallOutcome.DECLINED, answer_after=round(dice.uniform(2, 8), 1))
        case outcome:
            return Behaviour(CallOutcome(outcome))


def draw_fate(seed: int, number: str, nth: int) -> Fate:
    """The fate that (seed, number, nth) stands for: see the table at the top."""
    dice = Random(f"message/{seed}/{number}/{nth}")
    settled_after = round(dice.uniform(1, 20), 1)
    if is_bad_number(seed, number):
        return Fate(MessageOutcome.UNDELIVERED, settled_after=settled_after, error_code=30005)
    outcome = dice.choices(tuple(MessageOutcome), (930, 30, 5, 35))[0]
    match outcome:
        case MessageOutcome.UNDELIVERED:
            code = dice.choice((30003, 30005, 30006))
            return Fate(outcome, settled_after=settled_after, error_code=code)
        case MessageOutcome.FAILED:
            return Fate(outcome, settled_after=settled_after, error_code=30008)
        case _:
            return Fate(outcome, settled_after=settled_after)


def is_bad_number(seed: int, number: str) -> bool:
    """Whether the number is out of service: a property of the number, the same for every call and message."""
    return Random(f"number/{seed}/{number}").random() < BAD_NUMBERS


def _draw_keys(dice: Random) -> tuple[KeyPress, ...]:
    digit = dice.choices(tuple(DIGITS), tuple(DIGITS.values()))[0]
    first = KeyPress(round(dice.uniform(8, 25), 1), digit)
    if digit in "89":  # asked to confirm: two in three repeat the key, the others think better of it
        return (first, KeyPress(first.after + 8, digit)) if dice.random() < 2 / 3 else (first,)
    if digit in "0*":  # heard it again, and then agree
        return (first, KeyPress(first.after + 15, "1"))
    return (first,)


def _behaviour(script: Any) -> Behaviour:
    wanted = dict(_map(script))
    _only(wanted, {"outcome", "answer_after", "keys", "hang_up_after"})
    try:
        keys = tuple(KeyPress(float(key["after"]), str(key["digit"])) for key in _list(wanted.get("keys", [])))
        leaves = wanted.get("hang_up_after")
        behaviour = Behaviour(
            outcome=CallOutcome(wanted.get("outcome", CallOutcome.ANSWERS)),
            answer_after=float(wanted.get("answer_after", SCRIPT_ANSWER_AFTER)),
            keys=keys,
            hang_up_after=None if leaves is None else float(leaves),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ScriptError(f"behaviour {script!r}: {error}") from error
    if any(key.digit not in tuple("0123456789*#") for key in keys):
        raise ScriptError(f"behaviour {script!r}: a key is one of 0-9, * and #")
    if [key.after for key in keys] != sorted(key.after for key in keys):
        raise ScriptError(f"behaviour {script!r}: keys go in the order they are pressed")
    return behaviour


def _fate(script: Any) -> Fate:
    wanted = dict(_map(script))
    _only(wanted, {"outcome", "sent_after", "settled_after", "error_code"})
    try:
        code = wanted.get("error_code")
        return Fate(
            outcome=MessageOutcome(wanted.get("outcome", MessageOutcome.DELIVERED)),
            sent_after=float(wanted.get("sent_after", SCRIPT_SENT_AFTER)),
            settled_after=float(wanted.get("settled_after", SCRIPT_SETTLED_AFTER)),
            error_code=None if code is None else int(code),
        )
    except (TypeError, ValueError) as error:
        raise ScriptError(f"fate {script!r}: {error}") from error


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ScriptError(f"expected an object, not {value!r}")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ScriptError(f"expected a list, not {value!r}")
    return value


def _only(wanted: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(wanted) - known:
        raise ScriptError(f"unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
