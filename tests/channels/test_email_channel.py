import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage as Mail
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from notifier.channels import email
from notifier.channels.email import CONNECTIONS, Email
from notifier.domain.channel import Address, MailServer
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain
from notifier.domain.message import EmailMessage
from notifier.domain.receipt import Receipt, ReceiptKind
from tests.channels.channel_kit import ATTEMPT, NOW, SMS, surroundings

TO = Address("wang@example.tw")
MESSAGE = EmailMessage(
    locale="zh-TW",
    subject="繳費期限提醒：十二月五日",
    text="您好，\n.電費一千元。\n",
    html="<p>您好，電費一千元。</p>",
    reference="0198-2-1",
    headers={"X-District": "鳳山"},
)
DROP, HANG = "drop", "hang"


class CannedServer:
    """An SMTP server that says what the test wants. `replies` by verb; `.` is the end of the data."""

    def __init__(self, **replies: str | list[str]) -> None:
        self.replies = {"EHLO": "250-canned\r\n250 8BITMIME", "DATA": "354 go on", **replies}
        self.said: list[str] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self._reply("greeting", "220 canned\r\n"))
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            self.said.append(line)
            reply = self._reply(verb)
            if verb == "DATA" and reply.startswith(b"354"):
                writer.write(reply)
                await reader.readuntil(b"\r\n.\r\n")
                reply = self._reply("end")
            if reply == b"drop\r\n":
                break
            if reply == b"hang\r\n":
                await reader.read()
                break
            writer.write(reply)

    def _reply(self, verb: str, default: str = "250 fine\r\n") -> bytes:
        reply = self.replies.get(verb, default)
        if isinstance(reply, list):
            reply = reply.pop(0)
        return f"{reply.strip()}\r\n".encode()


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(asyncio.current_task())  # type: ignore[arg-type]
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*conversations)


def server_at(port: int, **changes: Any) -> MailServer:
    plain = MailServer(
        "127.0.0.1", port, sender="notice@utility.example.tw", sender_name="台電", starttls=False, timeout=0.3
    )
    return replace(plain, **changes)


async def send_to(canned: CannedServer, message: EmailMessage = MESSAGE, **changes: Any) -> Receipt:
    async with listening(canned.serve) as port:
        channel = Email(server_at(port, **changes), lambda: NOW)
        try:
            return await channel.send(message, TO, ATTEMPT)
        finally:
            await channel.close()


def test_configured_only_with_a_server() -> None:
    assert email.create(surroundings()) is None
    channel = email.create(surroundings(mail=server_at(25)))
    assert channel is not None
    assert channel.abilities.repeatable
    assert not channel.abilities.receipts


@pytest.mark.parametrize("sender", ["", "nobody", "no body@example.tw", "a@b.tw\r\nBcc: c@d.tw"])
def test_a_sender_that_is_no_address_is_our_fault(sender: str) -> None:
    with pytest.raises(Misconfigured):
        email.create(surroundings(mail=server_at(25, sender=sender)))


async def test_a_mail_that_was_taken_has_ended() -> None:
    canned = CannedServer()
    assert await send_to(canned) == Receipt(
        ATTEMPT,
        ReceiptKind.ANSWER,
        f"{ATTEMPT}:accepted",
        "accepted",
        NOW,
        ended=Disposition.ACCEPTED,
        detail={"server": "250"},
    )
    assert [line.split()[0] for line in canned.said] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert canned.said[1] == "MAIL FROM:<notice@utility.example.tw>"
    assert canned.said[2] == "RCPT TO:<wang@example.tw>"


TABLE: dict[str, tuple[dict[str, str], type[ChannelError]]] = {
    "not now": ({"greeting": "421 too busy"}, Unavailable),
    "not you": ({"greeting": "554 go away"}, Misconfigured),
    "no greeting": ({"EHLO": HANG}, Unavailable),
    "dropped at hello": ({"EHLO": DROP}, Unavailable),
    "sender refused": ({"MAIL": "550 not your domain"}, Misconfigured),
    "sender must log in": ({"MAIL": "530 log in first"}, Misconfigured),
    "sender later": ({"MAIL": "451 later"}, Unavailable),
    "dropped at MAIL": ({"MAIL": DROP}, Unavailable),
    "silent at MAIL": ({"MAIL": HANG}, Unavailable),
    "no such address": ({"RCPT": "550 5.1.1 no such user wang@example.tw"}, Refused),
    "relay needs a login": ({"RCPT": "530 5.7.0 log in first"}, Misconfigured),
    "greylisted": ({"RCPT": "450 4.2.0 greylisted"}, Unavailable),
    "dropped at RCPT": ({"RCPT": DROP}, Unavailable),
    "silent at RCPT": ({"RCPT": HANG}, Unavailable),
    "no data now": ({"DATA": "451 disk"}, Unavailable),
    "no data": ({"DATA": "554 no"}, Refused),
    "words refused": ({"end": "550 spam"}, Refused),
    "words later": ({"end": "452 full"}, Unavailable),
    "dropped after the data": ({"end": DROP}, Uncertain),
    "silent after the data": ({"end": HANG}, Uncertain),
    "garbage after the data": ({"end": "what?"}, Uncertain),
}


@pytest.mark.parametrize(("replies", "kind"), TABLE.values(), ids=TABLE)
async def test_what_follows_from_a_reply(replies: dict[str, str], kind: type[ChannelError]) -> None:
    with pytest.raises(ChannelError) as caught:
        await send_to(CannedServer(**replies))
    assert type(caught.value) is kind
    assert "wang" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind"), [("535 wrong password", Misconfigured), ("454 later", Unavailable), (DROP, Unavailable)]
)
async def test_a_login_that_fails(reply: str, kind: type[ChannelError]) -> None:
    canned = CannedServer(EHLO="250-canned\r\n250 AUTH PLAIN", AUTH=reply)
    with pytest.raises(ChannelError) as caught:
        await send_to(canned, username="notice", password="a-made-up-password")
    assert type(caught.value) is kind


async def test_a_password_is_not_sent_to_a_server_without_login() -> None:
    with pytest.raises(Misconfigured):
        await send_to(CannedServer(), username="notice", password="a-made-up-password")


async def test_a_server_without_starttls_is_refused() -> None:
    canned = CannedServer()
    with pytest.raises(Misconfigured):
        await send_to(canned, starttls=True)
    assert [line.split()[0] for line in canned.said] == ["EHLO"]


async def test_nobody_listens() -> None:
    async with listening(CannedServer().serve) as port:
        pass
    with pytest.raises(Unavailable):
        await Email(server_at(port), lambda: NOW).send(MESSAGE, TO, ATTEMPT)


@pytest.mark.parametrize(
    "address",
    ["", "wang", "wang@", "@example.tw", "wang@example.tw\r\nRCPT TO:<a@b.tw>", "a@b.tw,c@d.tw", "王@example.tw"],
)
async def test_an_address_that_cannot_be_used(address: str) -> None:
    with pytest.raises(Refused):
        await Email(server_at(9), lambda: NOW).send(MESSAGE, Address(address), ATTEMPT)


async def test_a_mail_carries_no_text_message() -> None:
    with pytest.raises(Misconfigured):
        await Email(server_at(9), lambda: NOW).send(SMS, TO, ATTEMPT)


async def test_a_connection_is_kept() -> None:
    canned = CannedServer()
    async with listening(canned.serve) as port:
        channel = Email(server_at(port), lambda: NOW)
        for _ in range(5):
            await channel.send(MESSAGE, TO, ATTEMPT)
        await channel.close()
    assert canned.connections == 1


async def test_a_kept_connection_that_has_gone_stale_costs_nothing() -> None:
    canned = CannedServer(MAIL=["250 fine", "421 idle too long", "250 fine", DROP, "250 fine"])
    async with listening(canned.serve) as port:
        channel = Email(server_at(port), lambda: NOW)
        for _ in range(3):
            await channel.send(MESSAGE, TO, ATTEMPT)
        await channel.close()
    assert canned.connections == 3


async def test_a_refused_mail_does_not_spoil_the_next() -> None:
    canned = CannedServer(RCPT=["550 no such user", "250 fine"])
    async with listening(canned.serve) as port:
        channel = Email(server_at(port), lambda: NOW)
        with pytest.raises(Refused):
            await channel.send(MESSAGE, TO, ATTEMPT)
        await channel.send(MESSAGE, TO, ATTEMPT)
        await channel.close()
    assert canned.said.count("RCPT TO:<wang@example.tw>") == 2


async def test_many_mails_share_few_connections() -> None:
    canned = CannedServer()
    async with listening(canned.serve) as port:
        channel = Email(server_at(port, timeout=5), lambda: NOW)
        await asyncio.gather(*(channel.send(MESSAGE, TO, ATTEMPT) for _ in range(40)))
        await channel.close()
    assert canned.connections == CONNECTIONS
    assert sum(line == "DATA" for line in canned.said) == 40


class Mailbox:
    """A real SMTP server, which keeps what it is sent."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.mails: list[Mail] = []

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:
        assert isinstance(envelope.original_content, bytes)
        self.mails.append(message_from_bytes(envelope.original_content, Mail, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def mailbox_at(mailbox: Mailbox) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    made: list[SMTP] = []

    def connection() -> SMTP:
        made.append(SMTP(mailbox, loop=loop, hostname="mailbox.example", **mailbox.options))
        return made[-1]

    server = await loop.create_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in made:
            if one.transport is not None:
                one.transport.close()
        await asyncio.sleep(0)  # a transport closes its socket in the loop's next round


async def deliver(message: EmailMessage, mailbox: Mailbox | None = None, **changes: Any) -> Mail:
    mailbox = mailbox or Mailbox()
    async with mailbox_at(mailbox) as port:
        channel = Email(server_at(port, timeout=5, **changes), lambda: NOW)
        await channel.send(message, TO, ATTEMPT)
        await channel.close()
    return mailbox.mails[-1]


async def test_a_mail_as_it_arrives() -> None:
    mail = await deliver(MESSAGE)
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == "台電 <notice@utility.example.tw>"
    assert mail["To"] == "wang@example.tw"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<0198-2-1@utility.example.tw>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-District"] == "鳳山"
    assert "List-Unsubscribe" not in mail
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content().replace("\r\n", "\n") for part in mail.iter_parts())
    assert text == MESSAGE.text
    assert html.strip() == MESSAGE.html


async def test_the_same_reference_is_the_same_mail() -> None:
    first, again = await deliver(MESSAGE), await deliver(replace(MESSAGE, text="later facts"))
    assert first["Message-ID"] == again["Message-ID"]


async def test_unsubscribing_is_by_mail() -> None:
    asked = replace(MESSAGE, headers={"List-Unsubscribe": ""})
    mail = await deliver(asked, optout="stop@utility.example.tw")
    assert mail["List-Unsubscribe"] == "<mailto:stop@utility.example.tw?subject=unsubscribe>"
    own = replace(MESSAGE, headers={"List-Unsubscribe": "<mailto:stop@utility.example.tw?subject=abc>"})
    assert (await deliver(own))["List-Unsubscribe"] == "<mailto:stop@utility.example.tw?subject=abc>"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nBcc: someone@example.tw"},
        {"X-A": "1\nBcc: someone@example.tw"},
        {"X-A": "1\rB: 2"},
        {"X-A\r\nBcc": "someone@example.tw"},
        {"X A": "1"},
        {"": "1"},
        {"X-A:": "1"},
        {"bcc": "someone@example.tw"},
        {"To": "someone@example.tw"},
        {"message-id": "<1@2>"},
        {"Content-Type": "text/html"},
        {"List-Unsubscribe": "<https://example.tw/stop>"},
        {"List-Unsubscribe": "<mailto:a@b.tw>, <https://example.tw/stop>"},
        {"List-Unsubscribe": ""},
    ],
    ids=repr,
)
async def test_headers_that_are_not_the_messages_to_set(headers: dict[str, str]) -> None:
    with pytest.raises(Refused):
        await Email(server_at(9), lambda: NOW).send(replace(MESSAGE, headers=headers), TO, ATTEMPT)


@pytest.mark.parametrize("changes", [{"subject": "a\r\nBcc: b@c.tw"}, {"reference": "1>\r\nBcc: b@c.tw"}])
async def test_no_line_breaks_in_our_own_headers(changes: dict[str, str]) -> None:
    with pytest.raises(Refused):
        await Email(server_at(9), lambda: NOW).send(replace(MESSAGE, **changes), TO, ATTEMPT)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


def tls_mailbox(certificate: tuple[Path, Path]) -> Mailbox:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate[1], certificate[0])

    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, login: Any) -> AuthResult:
        return AuthResult(success=(login.login, login.password) == (b"notice", b"a-made-up-password"), handled=False)

    return Mailbox(tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate)


async def test_a_login_under_tls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    login = {"username": "notice", "password": "a-made-up-password", "starttls": True}
    assert re.match("繳費", (await deliver(MESSAGE, tls_mailbox(certificate), **login))["Subject"])
    with pytest.raises(Misconfigured):
        await deliver(MESSAGE, tls_mailbox(certificate), **(login | {"password": "wrong"}))


async def test_a_certificate_that_nobody_vouches_for(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(Misconfigured):
        await deliver(MESSAGE, tls_mailbox(certificate), starttls=True)
