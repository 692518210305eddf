"""E-mail, over SMTP.

What a failure means depends on how far the conversation had come:

    connect, STARTTLS, login   Unavailable; Misconfigured when the server refuses us
    MAIL                       Unavailable; Misconfigured when it refuses our sender
    RCPT                       Unavailable (4xx, greylisting); Refused when it refuses the address
    DATA, with an answer       Unavailable (4xx); Refused when it refuses the words
    DATA, without one          Uncertain: the same Message-ID makes a repeat the same mail
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage as Mail
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPNotSupported, SMTPResponseException

from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import Abilities, Address, AddressKind, Channel, Hook, MailServer, Surroundings
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain
from notifier.domain.message import EmailMessage, Message
from notifier.domain.receipt import Receipt, ReceiptKind

CONNECTIONS = 4
UNSUBSCRIBE = "list-unsubscribe"
OURS = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "auto-submitted"})
TRANSPORTS = frozenset({"return-path", "received", "mime-version"})
_HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322: printable, no colon
_LINE_BREAK = re.compile(r"[\r\n\x00\u0085\u2028\u2029]")
# Refusals that are about us whatever was asked: log in first, encrypt first, too weak, wrong password.
REFUSES_US = frozenset({530, 534, 535, 538})
GONE = (SMTPException, OSError, TimeoutError)


def create(surroundings: Surroundings) -> Channel | None:
    """None without a mail server. Raises Misconfigured when it has no sender address."""
    return Email(surroundings.mail, surroundings.now) if surroundings.mail is not None else None


class Email:
    name = "email"
    hooks: Sequence[Hook] = ()
    abilities = Abilities(AddressKind.EMAIL, repeatable=True, connections=CONNECTIONS)

    def __init__(self, server: MailServer, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._sender = _mailbox(server.sender, server.sender_name, Misconfigured)
        self._connections = Connections(server)

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:
        if not isinstance(message, EmailMessage):
            raise Misconfigured(f"an e-mail cannot carry {type(message).__name__}")
        recipient = _mailbox(address, "", Refused)
        mail = self._compose(message, recipient)
        words = await self._connections.deliver(self._sender.addr_spec, recipient.addr_spec, mail)
        return Receipt(
            attempt,
            ReceiptKind.ANSWER,
            key=f"{attempt}:accepted",
            status="accepted",
            at=self._now(),
            ended=Disposition.ACCEPTED,
            detail={"server": words},
        )

    async def close(self) -> None:
        await self._connections.close()

    def _compose(self, message: EmailMessage, recipient: Mailbox) -> bytes:
        mail = Mail(policy=SMTP_POLICY)
        headers = {
            "Message-ID": f"<{message.reference}@{self._sender.domain}>",
            "Subject": message.subject,
            "Auto-Submitted": "auto-generated",
            **{name: self._header(name, value) for name, value in message.headers.items()},
        }
        mail["From"], mail["To"], mail["Date"] = self._sender, recipient, self._now()
        for name, value in headers.items():
            if _LINE_BREAK.search(value):
                raise Refused(f"the header {name!r} has a line break in it", code="header")
            mail[name] = value
        # Base64 passes every server; 8-bit text needs one that offers it.
        mail.set_content(message.text, charset="utf-8", cte="base64")
        mail.add_alternative(message.html, subtype="html", charset="utf-8", cte="base64")
        return mail.as_bytes()

    def _header(self, name: str, value: str) -> str:
        """A header of the message's own. Raises Refused for one that is not its to set."""
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lowered in OURS | TRANSPORTS or lowered.startswith("content-"):
            raise Refused(f"the header {name!r} is not the message's to set", code="header")
        if lowered != UNSUBSCRIBE:
            return value
        if not value and self._server.optout:
            return f"<mailto:{self._server.optout}?subject=unsubscribe>"
        if not value.startswith("<mailto:") or "http" in value.lower():
            raise Refused("List-Unsubscribe must be a mailto address: our mail carries no links", code="header")
        return value


class Connections:
    """A few kept connections to one server; each carries one mail at a time and is dropped at the first failure."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._idle: list[aiosmtplib.SMTP] = []
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def deliver(self, sender: str, recipient: str, mail: bytes) -> str:
        """What the server said when it took the mail. Raises ChannelError."""
        async with self._free:
            client = await self._begin(sender)
            try:
                words = await self._hand_over(client, recipient, mail)
            except BaseException:
                client.close()
                raise
            self._idle.append(client)
            return words

    async def close(self) -> None:
        while self._idle:
            client = self._idle.pop()
            with suppress(*GONE):
                await client.quit()
            client.close()

    async def _begin(self, sender: str) -> aiosmtplib.SMTP:
        """A connection on which MAIL was accepted. One that was closed while it was idle is replaced."""
        while self._idle:
            client = self._idle.pop()
            if client.is_connected:
                with suppress(Unavailable, Misconfigured):
                    return await _open_envelope(client, sender)
        return await _open_envelope(await self._connect(), sender)

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host, port=server.port, timeout=server.timeout, start_tls=False, use_tls=False
        )
        try:
            await client.connect()
            await self._enter(client)
        except GONE as error:
            client.close()
            raise _failure("connect", error, refused=Misconfigured, silent=Unavailable) from error
        except BaseException:
            client.close()
            raise
        return client

    async def _enter(self, client: aiosmtplib.SMTP) -> None:
        await client.ehlo()
        if self._server.starttls:
            if not client.supports_extension("starttls"):
                raise Misconfigured("the mail server offers no STARTTLS")
            await client.starttls()
            await client.ehlo()  # what was said before TLS does not count
        if self._server.username:
            if not client.supports_extension("auth"):
                raise Misconfigured("the mail server offers no login")
            await client.login(self._server.username, self._server.password)

    async def _hand_over(self, client: aiosmtplib.SMTP, recipient: str, mail: bytes) -> str:
        try:
            await client.rcpt(recipient)
        except GONE as error:
            raise _failure("RCPT", error, refused=Refused, silent=Unavailable) from error
        try:
            response = await client.data(mail)
        except GONE as error:
            raise _failure("DATA", error, refused=Refused, silent=Uncertain) from error
        return f"{response.code}"


async def _open_envelope(client: aiosmtplib.SMTP, sender: str) -> aiosmtplib.SMTP:
    try:
        await client.mail(sender)
    except GONE as error:
        client.close()
        raise _failure("MAIL", error, refused=Misconfigured, silent=Unavailable) from error
    except BaseException:
        client.close()
        raise
    return client


def _failure(
    phase: str, error: BaseException, *, refused: type[ChannelError], silent: type[ChannelError]
) -> ChannelError:
    """`refused`: the server said no for good; `silent`: it said nothing. Its own text may quote addresses: left out."""
    if isinstance(error, SMTPNotSupported):
        return Misconfigured(f"{phase}: the mail server lacks what we need", code=type(error).__name__)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Misconfigured(f"{phase}: the mail server's certificate is not good", code=type(error).__name__)
    if not isinstance(error, SMTPResponseException) or error.code < 400:
        return silent(f"{phase}: no answer from the mail server", code=type(error).__name__)
    words = f"{phase}: the mail server answered {error.code}"
    if error.code < 500:
        return Unavailable(words, code=str(error.code))
    return (Misconfigured if error.code in REFUSES_US else refused)(words, code=str(error.code))


def _mailbox(address: str, display_name: str, error: type[ChannelError]) -> Mailbox:
    try:
        mailbox = Mailbox(display_name, addr_spec=address)
        address.encode("ascii")
    except (ValueError, IndexError, AttributeError, MessageError) as bad:
        raise error("not a mail address that can be used", code="address") from bad
    if not mailbox.username or not mailbox.domain:
        raise error("not a mail address that can be used", code="address")
    return mailbox
