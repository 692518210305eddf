"""An SMTP server that keeps every mail, and refuses, loses or returns some on demand."""

import asyncio
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from notifier.clock import Clock
from notifier.sandbox.faults import Faults
from notifier.sandbox.mail_line import END, HOSTNAME, MailLine, cut, refusal
from notifier.sandbox.returned_mail import ReturnedMail, Sent

IDLE = 300.0  # real seconds until a silent connection is closed
OK = "250 OK"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail accepted, with its envelope."""

    n: int
    mail_from: str
    rcpt_tos: tuple[str, ...]
    message: EmailMessage
    content: bytes
    received_at: datetime
    received_real: float


class Mailbox:
    """Serves SMTP in the running event loop. `certificate`: whom STARTTLS shows, as PEM."""

    def __init__(self, clock: Clock, faults: Faults, returned: ReturnedMail) -> None:
        self.mails: list[Mail] = []
        self.returned = returned
        self.certificate = ""
        self._first_named: dict[str, datetime] = {}
        self._clock = clock
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._connections: WeakSet[SMTP] = WeakSet()

    async def start(self, host: str, port: int, *, starttls: bool = False) -> int:
        """The port it listens on. `starttls` offers TLS under a throw-away certificate."""
        loop = asyncio.get_running_loop()
        context = None
        if starttls:
            context, self.certificate = await asyncio.to_thread(throwaway_tls)

        def connection() -> SMTP:
            smtp = MailLine(self, self._faults, loop=loop, tls_context=context, timeout=IDLE)
            self._connections.add(smtp)
            return smtp

        self._server = await loop.create_server(connection, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.close()
        await self._server.wait_closed()

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if self._is_greylisted(address):
            return refusal(451_471, "greylisted, please try again later")
        refuse = self._faults.now.mail_refuse
        if refuse.strikes(self._faults.dice, address):
            return refusal(refuse.code, "mailbox unavailable")
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return OK

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        first = envelope.rcpt_tos[0]
        faults, dice = self._faults.now, self._faults.dice
        if faults.mail_data_refuse.strikes(dice, first):
            return refusal(faults.mail_data_refuse.code, "message refused")
        if faults.mail_answer.strikes(dice, first, END):
            return refusal(faults.mail_answer.code, "as asked for")
        if faults.mail_cut.strikes(dice, first, END):
            await cut(server)
        mail = self._keep(envelope)
        await self.returned.of(Sent(mail.n, mail.mail_from, first, mail.content, mail.received_at))
        if faults.mail_drop.strikes(dice, first):
            await cut(server)
        if faults.mail_hang.strikes(dice, first, END):
            await asyncio.sleep(faults.mail_hang.seconds)
        return OK

    def shown(self, since: int, to: str | None) -> list[dict[str, Any]]:
        """The entries of GET /mailbox, from the `since`-th on, for one address or for all."""
        return [mail_shown(mail) for mail in self.mails[max(since, 0) :] if to is None or to in mail.rcpt_tos]

    def _is_greylisted(self, address: str) -> bool:
        greylist, now = self._faults.now.mail_greylist, self._clock.now()
        admitted = self._first_named.setdefault(address, now) + timedelta(seconds=greylist.seconds)
        return now < admitted and greylist.strikes(self._faults.dice, address)

    def _keep(self, envelope: Envelope) -> Mail:
        content = envelope.original_content or b""
        mail = Mail(
            n=len(self.mails),
            mail_from=envelope.mail_from or "",
            rcpt_tos=tuple(envelope.rcpt_tos),
            message=message_from_bytes(content, EmailMessage, policy=policy.default),
            content=content,
            received_at=self._clock.now(),
            received_real=time.time(),
        )
        self.mails.append(mail)
        return mail


def mail_shown(mail: Mail) -> dict[str, Any]:
    """One entry of GET /mailbox."""
    message = mail.message
    return {
        "n": mail.n,
        "message_id": str(message.get("Message-ID", "")),
        "mail_from": mail.mail_from,
        "rcpt_tos": list(mail.rcpt_tos),
        "subject": str(message.get("Subject", "")),
        "headers": [[name, str(value)] for name, value in message.items()],
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "attachments": [_attachment(part) for part in message.iter_attachments()],
        "received_at": mail.received_at.isoformat(),
        "received_real": mail.received_real,
    }


def throwaway_tls() -> tuple[ssl.SSLContext, str]:
    """TLS under a certificate made now and for a day, of this machine's loopback; and the certificate as PEM. Needs the
    `openssl` program; raises RuntimeError without it."""
    if (openssl := shutil.which("openssl")) is None:
        raise RuntimeError("STARTTLS needs the openssl program")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        names = f"subjectAltName=DNS:{HOSTNAME},DNS:localhost,IP:127.0.0.1"
        make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={HOSTNAME}"]
        make += ["-addext", names]
        subprocess.run([openssl, *make, "-keyout", key, "-out", certificate], check=True, capture_output=True)  # noqa: S603
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        return context, certificate.read_text("ascii")


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


def _attachment(part: Any) -> dict[str, Any]:
    payload = part.get_payload(decode=True) or b""
    return {"filename": part.get_filename(), "type": part.get_content_type(), "bytes": len(payload)}
