"""What the carrier keeps of each call and message, and the ledger of all of them.

Times are the sandbox clock's, except `created_real` (Unix seconds of real time).
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Resource = Literal["calls", "messages"]
FINAL_CALL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
FINAL_MESSAGE = frozenset({"delivered", "undelivered", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as the carrier's debugger shows it: code, what happened, and the URL concerned."""

    code: int
    message: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person heard: spoken words or a clip, with the seconds heard and the seconds there were; `at`: how
    many seconds after they picked up."""

    kind: Literal["say", "play"]
    words: str  # the text, or the clip's absolute URL
    at: float
    seconds: float
    of: float
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """Where and how a callback is asked for."""

    url: str
    method: str = "POST"


@dataclass(slots=True)
class Track:
    """The callbacks of one call or message.

    `sent` counts requests the application answered, doubled ones twice, lost ones never. `tail` is the last delivery
    started, `held` waits for the next one, `first` is set once something has been delivered, if somebody waits for it.
    """

    resource: Resource
    to: str
    sequence: int = 0
    sent: int = 0
    tail: "asyncio.Task[None] | None" = None
    held: list[dict[str, str]] = field(default_factory=list)
    first: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A create request for a call, validated; or a call that somebody makes to a number of the account. Seconds."""

    to: str
    from_: str
    url: Callback | None
    twiml: str | None
    fallback: Callback | None
    status: Callback | None
    events: frozenset[str]
    ring_timeout: float
    time_limit: float
    detection: str | None
    detects_aside: bool
    detection_callback: Callback | None
    direction: Literal["outbound-api", "inbound"] = "outbound-api"


@dataclass(slots=True)
class Call:
    n: int
    sid: str
    order: CallOrder
    nth: int  # earlier calls to this number
    created_at: datetime
    created_real: float
    status: str = "queued"
    dialled_at: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    answered_by: str | None = None
    sip_code: int | None = None
    heard: list[Heard] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    errors: list[Trouble] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None
    track: Track = field(init=False)

    def __post_init__(self) -> None:
        self.track = Track("calls", self.order.to)

    @property
    def is_over(self) -> bool:
        return self.status in FINAL_CALL

    @property
    def seconds(self) -> int:
        """Seconds from the answer to the end, whole, as billed; 0 for a call that was not answered."""
        if self.answered_at is None or self.ended_at is None:
            return 0
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class MessageOrder:
    """A create request for a message, validated."""

    to: str
    from_: str | None
    service_sid: str | None
    body: str
    status: Callback | None


@dataclass(slots=True)
class Message:
    n: int
    sid: str
    order: MessageOrder
    nth: int  # earlier messages to this number
    created_at: datetime
    created_real: float
    segments: int
    status: str = "queued"
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None
    error_code: int | None = None
    errors: list[Trouble] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    track: Track = field(init=False)

    def __post_init__(self) -> None:
        self.track = Track("messages", self.order.to)

    @property
    def is_over(self) -> bool:
        return self.status in FINAL_MESSAGE


class Ledger:
    """Every call and message really placed, in order."""

    def __init__(self) -> None:
        self.entries: list[Call | Message] = []
        self.calls: dict[str, Call] = {}
        self.messages: dict[str, Message] = {}
        self._calls_to: defaultdict[str, list[Call]] = defaultdict(list)
        self._messages_to: defaultdict[str, list[Message]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self.entries)

    def calls_to(self, number: str) -> list[Call]:
        return self._calls_to.get(number, [])

    def messages_to(self, number: str) -> list[Message]:
        return self._messages_to.get(number, [])

    def add_call(self, call: Call) -> None:
        self.entries.append(call)
        self.calls[call.sid] = call
        self._calls_to[call.order.to].append(call)

    def add_message(self, message: Message) -> None:
        self.entries.append(message)
        self.messages[message.sid] = message
        self._messages_to[message.order.to].append(message)

    def pages(self, since: int, size: int) -> Iterator[list[dict[str, Any]]]:
        """The entries from the `since`-th on as JSON objects, `size` at a time."""
        for start in range(max(since, 0), len(self.entries), size):
            yield [entry_shown(entry) for entry in self.entries[start : start + size]]


def entry_shown(entry: Call | Message) -> dict[str, Any]:
    """One entry of GET /ledger."""
    return _call_shown(entry) if isinstance(entry, Call) else _message_shown(entry)


def _call_shown(call: Call) -> dict[str, Any]:
    order = call.order
    return {
        "n": call.n,
        "kind": "call",
        "direction": order.direction,
        "sid": call.sid,
        "to": order.to,
        "from": order.from_,
        "created_at": _iso(call.created_at),
        "created_real": call.created_real,
        "url": order.url and order.url.url,
        "status_callback": order.status and order.status.url,
        "dialled_at": _iso(call.dialled_at),
        "rang_at": _iso(call.rang_at),
        "answered_at": _iso(call.answered_at),
        "ended_at": _iso(call.ended_at),
        "status": call.status,
        "finals": call.finals,
        "answered_by": call.answered_by,
        "sip_code": call.sip_code,
        "heard": [_heard_shown(heard) for heard in call.heard],
        "pressed": call.pressed,
        "callbacks_sent": call.track.sent,
        "errors": [_trouble_shown(trouble) for trouble in call.errors],
    }


def _message_shown(message: Message) -> dict[str, Any]:
    order = message.order
    return {
        "n": message.n,
        "kind": "message",
        "sid": message.sid,
        "to": order.to,
        "from": order.from_,
        "created_at": _iso(message.created_at),
        "created_real": message.created_real,
        "status_callback": order.status and order.status.url,
        "sent_at": _iso(message.sent_at),
        "ended_at": _iso(message.ended_at),
        "status": message.status,
        "finals": message.finals,
        "body": order.body,
        "num_segments": message.segments,
        "error_code": message.error_code,
        "callbacks_sent": message.track.sent,
        "errors": [_trouble_shown(trouble) for trouble in message.errors],
    }


def _heard_shown(heard: Heard) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": heard.kind,
        "words" if heard.kind == "say" else "url": heard.words,
        "at": round(heard.at, 2),
        "seconds": round(heard.seconds, 2),
        "of": round(heard.of, 2),
    }
    return shown if heard.kind == "say" else shown | {"sha256": heard.sha256, "bytes": heard.bytes}


def _trouble_shown(trouble: Trouble) -> dict[str, Any]:
    return {"code": trouble.code, "message": trouble.message, "url": trouble.url}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
