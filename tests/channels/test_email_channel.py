import asyncio
import re
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage as Mail
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from notifier.channels import email, smtp_transport
from notifier.channels.email import CONNECTIONS, Email
from notifier.channels.return_path import ReturnPath
from notifier.domain.channel import Address, HookCall, HookReply, MailServer
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Forged, Misconfigured, Refused, Unavailable, Uncertain, Unknown
from notifier.domain.message import EmailMessage
from notifier.domain.receipt import UNKNOWN_WORD, Receipt, ReceiptKind
from notifier.sandbox.returned_mail import Sent, compose
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
            await self.waits(verb)
            reply = self._reply(verb)
            if verb == "DATA" and reply.startswith(b"354"):
                writer.write(reply)
                await reader.readuntil(b"\r\n.\r\n")
                await self.waits("end")
                reply = self._reply("end")
            if reply == b"drop\r\n":
                break
            if reply == b"hang\r\n":
                await reader.read()
                break
            writer.write(reply)

    async def waits(self, verb: str) -> None:
        """Before answering."""

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
        "127.0.0.1",
        port,
        sender="notice@utility.example.tw",
        sender_name="台電",
        starttls=False,
        timeout=0.3,
        data_timeout=0.3,
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
    "relay access denied": ({"RCPT": "554 5.7.1 relay access denied"}, Unknown),
    "our sender is no address": ({"RCPT": "550 5.1.8 sender rejected"}, Unknown),
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
    ("stage", "reply", "about_one"),
    [
        ("RCPT", "450 4.2.0 greylisted", True),
        ("RCPT", "451 4.7.1 greylisted", True),
        ("RCPT", "451 greylisted", True),
        ("RCPT", "452 4.2.2 mailbox full", True),
        ("RCPT", "451 4.3.0 temporary lookup failure", False),
        ("RCPT", "452 insufficient system storage", False),
        ("RCPT", "421 4.7.0 too many connections", True),
        ("RCPT", "421 closing", False),
        ("MAIL", "451 4.7.1 later", False),
        ("end", "451 4.7.1 greylisted", True),
        ("end", "451 local error in processing", False),
    ],
)
async def test_who_is_put_off_is_no_trouble_of_the_channel(stage: str, reply: str, about_one: bool) -> None:
    with pytest.raises(Unavailable) as caught:
        await send_to(CannedServer(**{stage: reply}))
    assert caught.value.about_one is about_one
    assert caught.value.code == " ".join(re.findall(r"^\d{3}|\d\.\d\.\d", reply))


async def test_a_log_in_that_only_the_server_knows() -> None:
    canned = CannedServer(EHLO="250-canned\r\n250 AUTH GSSAPI")
    with pytest.raises(Misconfigured):
        await send_to(canned, username="notice", password="a-made-up-password")


class SlowServer(CannedServer):
    """Answers everything, after a while."""

    def __init__(self, pause: float, verbs: frozenset[str] = frozenset(), **replies: str | list[str]) -> None:
        super().__init__(**replies)
        self.pause = pause
        self.verbs = verbs

    async def waits(self, verb: str) -> None:
        if not self.verbs or verb in self.verbs:
            await asyncio.sleep(self.pause)


async def test_all_steps_together_take_no_longer_than_one_may() -> None:
    """Each answer comes in time; but the facts are told as of two seconds ago."""
    with pytest.raises(Unavailable):
        await send_to(SlowServer(0.12))


async def test_a_server_may_look_long_at_a_mail() -> None:
    """Giving up on it sooner would send the mail twice."""
    receipt = await send_to(SlowServer(0.5, frozenset({"end"})), data_timeout=5)
    assert receipt.ended is Disposition.ACCEPTED


def test_a_mail_under_way_is_not_taken_for_a_silent_one() -> None:
    patient = Email(server_at(25, timeout=20, data_timeout=900), lambda: NOW)
    assert patient.abilities.silent_after > timedelta(seconds=920)
    assert Email(server_at(25), lambda: NOW).abilities.silent_after == timedelta(minutes=6)


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


async def test_a_connection_that_has_rested_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall may have forgotten it: whatever is said then is heard by nobody."""
    canned = CannedServer()
    async with listening(canned.serve) as port:
        channel = Email(server_at(port), lambda: NOW)
        await channel.send(MESSAGE, TO, ATTEMPT)
        monkeypatch.setattr(smtp_transport, "FRESH", 0.0)
        await channel.send(MESSAGE, TO, ATTEMPT)
        await channel.close()
    assert canned.connections == 2


async def test_a_silent_goodbye_does_not_keep_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_transport, "GOODBYE", 0.2)
    canned = CannedServer(QUIT=HANG)
    async with listening(canned.serve) as port:
        channel = Email(server_at(port, timeout=30), lambda: NOW)
        await asyncio.gather(*(channel.send(MESSAGE, TO, ATTEMPT) for _ in range(CONNECTIONS)))
        began = time.monotonic()
        await channel.close()
        assert time.monotonic() - began < 2.0


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


BOUNCES = {"bounce_address": "bounce@utility.example.tw", "bounce_secret": "made-up"}
PATH = ReturnPath(*BOUNCES.values())


def told(to: str, mail: bytes, **changes: Any) -> HookReply:
    """What the channel makes of a mail written to the address."""
    (hook,) = Email(server_at(25, **BOUNCES | changes), lambda: NOW).hooks
    assert (hook.path, hook.by_mail) == ("reports", True)
    return hook.answer(HookCall(to, {}, (), (), mail, None, None, NOW))


def report(kind: str, code: int = 511, sender: str = "") -> bytes:
    return compose(kind, code, Sent(1, sender or PATH.of(ATTEMPT), TO, b"Subject: x", NOW))


async def test_each_mail_has_an_envelope_sender_of_its_own() -> None:
    canned = CannedServer()
    await send_to(canned, **BOUNCES)
    assert canned.said[1] == f"MAIL FROM:<{PATH.of(ATTEMPT)}>"


def test_without_a_bounce_address_nothing_is_heard() -> None:
    assert Email(server_at(25), lambda: NOW).hooks == ()


@pytest.mark.parametrize("bad", [{"bounce_address": "bounce"}, {"bounce_secret": ""}])
def test_a_bounce_address_that_cannot_be_used_is_our_fault(bad: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        email.create(surroundings(mail=server_at(25, **BOUNCES | bad)))


@pytest.mark.parametrize(
    ("kind", "code", "ended", "detail"),
    [
        ("failed", 511, Disposition.BOUNCED, {"code": "5.1.1"}),
        ("failed", 522, Disposition.UNDELIVERED, {"code": "5.2.2"}),
        ("failed", 447, Disposition.UNDELIVERED, {"code": "4.4.7"}),
        ("failed", 517, Disposition.UNDELIVERED, {"code": "5.1.7"}),
        ("delayed", 447, None, {"code": "4.4.7"}),
        ("delivered", 200, Disposition.DELIVERED, {"code": "2.0.0"}),
        ("complaint", 0, None, {"follows": "complained"}),
    ],
)
def test_what_comes_back_is_a_word_about_the_attempt(
    kind: str, code: int, ended: Disposition | None, detail: dict[str, str]
) -> None:
    (receipt,) = told(PATH.of(ATTEMPT), report(kind, code)).receipts
    assert receipt == Receipt(
        ATTEMPT, ReceiptKind.CALLBACK, f"mail:{kind}:{detail.get('code', '')}", kind, NOW, ended=ended, detail=detail
    )


def test_what_nobody_can_read_is_loud() -> None:
    (receipt,) = told(PATH.of(ATTEMPT), b"Subject: hello\n\nSorry, no mailbox here by that name.\n").receipts
    assert (receipt.ended, receipt.detail) == (None, {UNKNOWN_WORD: "yes"})


def test_an_automatic_reply_says_nothing() -> None:
    away = b"From: wang@example.tw\nAuto-Submitted: auto-replied\n\nI am away.\n"
    assert told(PATH.of(ATTEMPT), away) == HookReply()


@pytest.mark.parametrize("mail", [b"", report("failed")])
def test_a_mail_to_an_address_we_never_gave_out_is_forged(mail: bytes) -> None:
    strangers = ReturnPath("bounce@utility.example.tw", "another").of(ATTEMPT)
    for address in (strangers, "notice@utility.example.tw", ""):
        with pytest.raises(Forged):
            told(address, mail)


def test_a_feedback_loop_has_one_address_and_names_the_mail() -> None:
    registered = "Bounce@Utility.example.tw"
    assert told(registered, b"") == HookReply()
    (receipt,) = told(registered, report("complaint")).receipts
    assert (receipt.attempt, receipt.status) == (ATTEMPT, "complaint")
    for mail in (report("complaint", sender="stranger@utility.example.tw"), report("failed"), b"Subject: spam\n\nbuy"):
        with pytest.raises(Forged):
            told(registered, mail)
