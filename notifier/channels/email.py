"""E-mail, over SMTP. Each goes out under an envelope sender of its own, to which bounces and complaints come back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage as Mail
from email.policy import SMTP as SMTP_POLICY

from notifier.channels.mail_reports import Report, Word, read_report
from notifier.channels.return_path import ReturnPath
from notifier.channels.smtp_transport import CONNECTIONS, Connections
from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import (
    Abilities,
    Address,
    AddressKind,
    Channel,
    Hook,
    HookCall,
    HookReply,
    MailServer,
    Surroundings,
)
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Forged, Misconfigured, Refused
from notifier.domain.message import EmailMessage, Message
from notifier.domain.receipt import COMPLAINED, FOLLOWS, UNKNOWN_WORD, Receipt, ReceiptKind

UNSUBSCRIBE = "list-unsubscribe"
OURS = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "date", "message-id", "auto-submitted"})
TRANSPORTS = frozenset({"return-path", "received", "mime-version"})
_HEADER_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322: printable, no colon
_LINE_BREAK = re.compile(r"[\r\n\x00\u0085\u2028\u2029]")
ABILITIES = Abilities(AddressKind.EMAIL, repeatable=True, connections=CONNECTIONS)
MARGIN = timedelta(seconds=30)  # a request that is still under way must not be taken for a silent one


def create(surroundings: Surroundings) -> Channel | None:
    """None without a mail server. Raises Misconfigured when it has no sender address, or a bad return path."""
    return Email(surroundings.mail, surroundings.now) if surroundings.mail is not None else None


class Email:
    name = "email"

    def __init__(self, server: MailServer, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._sender = _mailbox(server.sender, server.sender_name, Misconfigured)
        self._return_path = ReturnPath(server.bounce_address, server.bounce_secret) if server.bounce_address else None
        self._connections = Connections(server)
        takes = timedelta(seconds=server.timeout + server.data_timeout)
        self.abilities = replace(ABILITIES, silent_after=max(ABILITIES.silent_after, takes + MARGIN))
        self.hooks: Sequence[Hook] = (Hook("reports", self._hear, by_mail=True),) if self._return_path else ()

    async def send(self, message: Message, address: Address, attempt: AttemptId) -> Receipt:
        if not isinstance(message, EmailMessage):
            raise Misconfigured(f"an e-mail cannot carry {type(message).__name__}")
        words = await self.deliver(message, address, self._return_path.of(attempt) if self._return_path else "")
        return Receipt(
            attempt,
            ReceiptKind.ANSWER,
            key=f"{attempt}:accepted",
            status="accepted",
            at=self._now(),
            ended=Disposition.ACCEPTED,
            detail={"server": words},
        )

    async def deliver(self, message: EmailMessage, address: str, sender: str = "") -> str:
        """Hand over a mail, also one that is no attempt of a notification: what the server said when it took it.
        `sender`: of the envelope, if not ours. Raises ChannelError."""
        recipient = _mailbox(address, "", Refused)
        mail = self._compose(message, recipient)
        return await self._connections.deliver(sender or self._sender.addr_spec, recipient.addr_spec, mail)

    async def close(self) -> None:
        await self._connections.close()

    def _hear(self, call: HookCall) -> HookReply:
        """What came back by mail. Raises Forged for an address that we never gave out. Without a mail yet, whether the
        address may be written to at all."""
        path = self._return_path
        if path is None:
            raise Forged("no return path is in use")
        registered = call.url.strip("<>").lower() == path.address.lower()  # for the complaints of a whole feedback loop
        if registered and not call.body:
            return HookReply()
        report = read_report(call.body) if call.body else Report(Word.AUTO_REPLY)
        attempt = path.read(report.mail_from if registered else call.url)
        return HookReply(receipts=_receipts(attempt, report, call.at))

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


def _mailbox(address: str, display_name: str, error: type[ChannelError]) -> Mailbox:
    try:
        mailbox = Mailbox(display_name, addr_spec=address)
        address.encode("ascii")
    except (ValueError, IndexError, AttributeError, MessageError) as bad:
        raise error("not a mail address that can be used", code="address") from bad
    if not mailbox.username or not mailbox.domain:
        raise error("not a mail address that can be used", code="address")
    return mailbox


ENDINGS = {Word.FAILED: Disposition.UNDELIVERED, Word.DELIVERED: Disposition.DELIVERED}


def _receipts(attempt: AttemptId, report: Report, now: datetime) -> tuple[Receipt, ...]:
    """The report as a word about the attempt. Told again it is the same word, whatever else the mail may say."""
    if report.word is Word.AUTO_REPLY:
        return ()
    detail = {"code": report.code} if report.code else {}
    if report.word is Word.COMPLAINT:
        detail[FOLLOWS] = COMPLAINED
    if report.word is Word.UNREADABLE:
        detail[UNKNOWN_WORD] = "yes"
    ended = Disposition.BOUNCED if report.is_dead_address else ENDINGS.get(report.word)
    key = f"mail:{report.word.value}:{report.code}"
    return (Receipt(attempt, ReceiptKind.CALLBACK, key, report.word.value, now, ended=ended, detail=detail),)
