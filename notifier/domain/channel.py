"""What a channel is: four members, its abilities as data, optional abilities as optional protocols."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Protocol, runtime_checkable

from notifier.domain.attempt_id import AttemptId
from notifier.domain.message import Message
from notifier.domain.receipt import Receipt
from notifier.domain.reply import Standing

Address = NewType("Address", str)


class AddressKind(StrEnum):
    """Which address of a recipient a channel uses."""

    PHONE = "phone"  # E.164, any line that can be dialled
    MOBILE = "mobile"  # E.164, a line that takes SMS
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do. What is not declared is refused loudly.

    `receipts`: the final word comes later, by callback or poll; otherwise the answer to `send` is final.
    `repeatable`: an uncertain try may be sent again, because the receiver recognises a repeat.
    `genuine_sender`: customers can tell that it is us (for SMS: the government short code 111).
    `connections`: so many requests at a time; more would wait inside the channel, while their facts grow old.
    `silent_after`: how long after an attempt without a final word we ask the provider.
    `unconfirmed_after`: how long an unconfirmed last word is waited on before it is aged out.
    """

    address: AddressKind
    keypad: bool = False
    receipts: bool = False
    repeatable: bool = False
    genuine_sender: bool = True
    max_segments: int | None = None
    connections: int | None = None
    silent_after: timedelta = timedelta(minutes=6)
    unconfirmed_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class HookCall:
    """One request of a provider to a hook, free of any web framework.

    `url` is the public URL exactly as the provider called it, query included; `parameters` are the query's,
    `form` the body's, both with repeated keys and blank values kept. `message` is what the attempt said, or None
    when the attempt is not known (or its words were erased); `machine`: whether the provider has said that a machine
    has answered, and nobody has pressed a key; `unplayed`: whether something of it could not be played;
    `out_of_reach`: the database could not be asked what it says.
    """

    url: str
    headers: Mapping[str, str]
    parameters: Sequence[tuple[str, str]]
    form: Sequence[tuple[str, str]]
    body: bytes
    attempt: AttemptId | None
    message: Message | None
    at: datetime
    machine: bool = False
    unplayed: bool = False
    out_of_reach: bool = False


@dataclass(frozen=True, slots=True)
class HookReply:
    """What to answer, and the receipts that must be on disk before it is answered. `day`: one that the customer chose;
    how it stands is asked before, is kept with the receipts, and when it does not hold, `otherwise` is answered."""

    status: int = 204
    body: str = ""
    content_type: str = "text/plain"
    receipts: tuple[Receipt, ...] = ()
    day: str = ""
    otherwise: Mapping[Standing, str] = field(default_factory=dict)

    def standing(self, standing: Standing) -> "HookReply":
        """The answer once it is known how the day stands."""
        told = tuple(
            replace(one, detail={**one.detail, "day": self.day, "standing": standing}) for one in self.receipts
        )
        return HookReply(self.status, self.otherwise.get(standing, self.body), self.content_type, told)


@dataclass(frozen=True, slots=True)
class Hook:
    """`path` is served at /hooks/<channel>/<path>. `answer` raises `Forged` for a call its provider did not sign.
    `speaks`: it answers with the words of the attempt, so `HookCall.message` is looked up for it.
    `by_mail`: it is not served but gets mails; `HookCall.url` is the address that a mail was written to, `body` the raw
    mail, and first nothing: then it is asked whether that address may be written to."""

    path: str
    answer: Callable[[HookCall], HookReply]
    speaks: bool = False
    by_mail: bool = False


class Channel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def abilities(self) -> Abilities: ...

    @property
    def hooks(self) -> Sequence[Hook]: ...

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:
        """One request to the provider. Raises ChannelError, named by what follows."""

    async def close(self) -> None: ...


@runtime_checkable
class Pollable(Protocol):
    """A channel whose provider can be asked what became of an attempt."""

    async def look_up(
        self,
        attempt: AttemptId,
        address: Address,
        since: datetime,
        provider_ref: str | None,
        *,
        others: frozenset[str] = frozenset(),
        message: Message | None = None,
    ) -> Receipt | None:
        """What the provider knows of the attempt, or None when it does not exist there.

        `others` are references known to be other attempts'; `message` is what was to be said, where it is still kept.
        Raises Uncertain when the provider's answer does not tell, another ChannelError when it gave none.
        """


@runtime_checkable
class Probing(Protocol):
    """A channel that can tell by itself whether its callbacks would reach us."""

    async def probe(self) -> None:
        """Raises Misconfigured or Unavailable with the reason when they would not."""


@runtime_checkable
class Cancelling(Protocol):
    """A channel whose provider may be asked not to begin what it has taken."""

    async def cancel(self, provider_ref: str) -> None:
        """What has begun goes on, and what is over stays as it is. Raises ChannelError when nobody answered."""


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """An account at Twilio, or at any server that speaks its API (`base_url`).

    `previous_token` is still accepted on callbacks while a token is being rotated.
    `timeout` is the total seconds one request may take.
    """

    account_sid: str
    auth_token: str
    base_url: str = "https://api.twilio.com"
    voice_from: str = ""
    sms_from: str = ""
    previous_token: str = ""
    ring_seconds: int = 30
    voices: Mapping[str, str] = field(
        default_factory=lambda: {"zh-TW": "Google.cmn-TW-Wavenet-A", "en": "Google.en-US-Wavenet-F"}
    )
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server. `starttls` refuses a server that does not offer it; only a loopback mailbox goes without.

    `timeout` is the total seconds until the recipient is accepted, `data_timeout` those from the DATA command until the
    mail is. Bounces come back to addresses made of `bounce_address` and signed with `bounce_secret`; without one, to
    the sender.
    """

    host: str
    port: int = 587
    username: str = ""
    password: str = ""
    sender: str = ""
    sender_name: str = ""
    optout: str = ""
    starttls: bool = True
    timeout: float = 20.0
    data_timeout: float = 300.0
    bounce_address: str = ""
    bounce_secret: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a channel's factory is given. `create(surroundings)` answers None when the channel is not configured.
    `seal` makes the addresses of sound."""

    public_url: str
    now: Callable[[], datetime]
    seal: bytes = b""
    twilio: TwilioAccount | None = None
    mail: MailServer | None = None
    options: Mapping[str, str] = field(default_factory=dict)
