"""Mail, as a mail library sends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import aiohttp
import aiosmtplib
import pytest
import uvloop
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope

from notifier.clock import SystemClock
from notifier.sandbox.server import Sandbox, SandboxSettings

from .conftest import Carrier, Opening

ADDRESS = "customer@mail.example"


def letter(to: str = ADDRESS) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "office@utility.example", to, "復電通知"
    mail["Message-ID"] = "<notification-1-0@utility.example>"
    mail.set_content("您的用電已恢復。\n")
    mail.add_alternative("<p>您的用電已恢復。</p>\n", subtype="html")
    return mail


async def send(carrier: Carrier, mail: EmailMessage, **options: Any) -> None:
    given = {"hostname": "127.0.0.1", "port": carrier.sandbox.smtp_port, "timeout": 5} | options
    await aiosmtplib.send(mail, **given)


async def mails(carrier: Carrier, query: str = "") -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = (await carrier.control("GET", f"/mailbox{query}"))["mails"]
    return kept


async def test_a_mail_is_kept_whole(carrier: Carrier) -> None:
    await send(carrier, letter(), start_tls=False)
    [mail] = await mails(carrier)
    assert (mail["mail_from"], mail["rcpt_tos"]) == ("office@utility.example", [ADDRESS])
    assert (mail["message_id"], mail["subject"]) == ("<notification-1-0@utility.example>", "復電通知")
    assert (mail["text"], mail["html"]) == ("您的用電已恢復。\n", "<p>您的用電已恢復。</p>\n")
    assert ["To", ADDRESS] in mail["headers"]
    assert mail["received_at"].startswith("2026-01-05")
    assert mail["attachments"] == []


async def test_mails_are_found_by_address_and_number(carrier: Carrier) -> None:
    mail = letter("other@mail.example")
    mail.add_attachment(b"1234", maintype="application", subtype="pdf", filename="bill.pdf")
    await send(carrier, letter())
    await send(carrier, mail)
    assert [kept["n"] for kept in await mails(carrier, "?since=1")] == [1]
    [found] = await mails(carrier, "?to=other@mail.example")
    assert found["attachments"] == [{"filename": "bill.pdf", "type": "application/pdf", "bytes": 4}]


@pytest.mark.parametrize("code", [451, 550])
async def test_an_address_is_refused(carrier: Carrier, code: int) -> None:
    await carrier.faults(mail_refuse={"share": 1, "only": [ADDRESS], "code": code})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(carrier, letter())
    assert refused.value.recipients[0].code == code
    await send(carrier, letter("other@mail.example"))
    assert len(await mails(carrier)) == 1


async def test_a_message_is_refused_and_not_kept(carrier: Carrier) -> None:
    await carrier.faults(mail_data_refuse={"next": 1})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(carrier, letter())
    assert refused.value.code == 451
    assert await mails(carrier) == []


async def test_the_connection_drops_although_the_mail_is_kept(carrier: Carrier) -> None:
    await carrier.faults(mail_drop={"next": 1})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(carrier, letter())
    await send(carrier, letter())
    assert [mail["message_id"] for mail in await mails(carrier)] == ["<notification-1-0@utility.example>"] * 2


LOGIN = {"username": "office", "password": "a-made-up-password", "start_tls": False}


CONVERSATION = {
    "banner": "",
    "EHLO": "EHLO office.example",
    "AUTH": "AUTH PLAIN AG9mZmljZQBwYXNzd29yZA==",
    "MAIL": "MAIL FROM:<office@utility.example>",
    "RCPT": f"RCPT TO:<{ADDRESS}>",
    "DATA": "DATA",
    "end": "Subject: x\r\n\r\nx\r\n.",
    "QUIT": "QUIT",
}


async def answers(carrier: Carrier) -> dict[str, str]:
    """What the mailbox says at each stage, until it hangs up; of several lines the last."""
    reader, writer = await asyncio.open_connection("127.0.0.1", carrier.sandbox.smtp_port)
    said = {}
    for stage, line in CONVERSATION.items():
        writer.write(f"{line}\r\n".encode() if line else b"")
        while (reply := (await reader.readline()).decode().strip())[3:4] == "-":
            pass
        if not reply:
            break
        said[stage] = reply
    writer.close()
    return said


@pytest.mark.parametrize("stage", CONVERSATION)
async def test_each_stage_is_answered_as_asked(carrier: Carrier, stage: str) -> None:
    await carrier.faults(mail_answer={"next": 1, "code": 451_471, "resource": stage})

    said = await answers(carrier)

    assert said[stage] == "451 4.7.1 as asked for"
    assert all(said[other][0] in "23" for other in list(CONVERSATION)[: list(CONVERSATION).index(stage)])
    assert len(await mails(carrier)) == (stage in ("AUTH", "QUIT"))


@pytest.mark.parametrize("fault", ["mail_cut", "mail_hang"])
@pytest.mark.parametrize("stage", [stage for stage in CONVERSATION if stage != "QUIT"])
async def test_at_each_stage_the_connection_is_cut_or_falls_silent(carrier: Carrier, stage: str, fault: str) -> None:
    await carrier.faults(**{fault: {"next": 1, "resource": stage}})
    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError)):
        await send(carrier, letter(), **LOGIN, timeout=0.3)
    assert len(await mails(carrier)) == ((stage, fault) == ("end", "mail_hang"))


async def test_silence_ends_when_its_time_is_over(carrier: Carrier) -> None:
    await carrier.faults(mail_hang={"next": 1, "resource": "end", "seconds": 0.1})
    await send(carrier, letter())
    assert len(await mails(carrier)) == 1


async def test_a_stage_may_fail_for_one_address_only(carrier: Carrier) -> None:
    await carrier.faults(mail_answer={"share": 1, "code": 550, "resource": "RCPT", "only": [ADDRESS]})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(carrier, letter())
    await send(carrier, letter("other@mail.example"))
    assert len(await mails(carrier)) == 1


async def test_whoever_is_greylisted_is_taken_when_the_time_has_passed(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=3000)
    await carrier.faults(mail_greylist={"share": 1, "seconds": 300})
    while not await mails(carrier):
        with suppress(aiosmtplib.SMTPRecipientsRefused):
            await send(carrier, letter())
    assert (await carrier.control("GET", "/faults"))["mail_greylist"]["fired"] > 0


class Office:
    """An LMTP server that takes what comes back, after refusing it as often as it is told."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.taken: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.original_content, bytes)
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content))
        return "250 taken"


@pytest.fixture
async def office() -> AsyncIterator[tuple[Office, int]]:
    loop, office, lines = asyncio.get_running_loop(), Office(), list[LMTP]()

    def connection() -> LMTP:
        lines.append(LMTP(office, loop=loop, hostname="office.example"))
        return lines[-1]

    server = await loop.create_server(connection, "127.0.0.1", 0)
    yield office, server.sockets[0].getsockname()[1]
    server.close()
    for line in lines:
        if line.transport is not None:
            line.transport.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("mail_bounce", [b"Action: failed", b"Status: 5.1.1", b"multipart/report; report-type=delivery-status"]),
        ("mail_delay", [b"Action: delayed", b"Status: 4.4.7", b"THIS IS A WARNING ONLY"]),
        ("mail_complain", [b"Feedback-Type: abuse", b"Original-Mail-From: <office@utility.example>"]),
    ],
)
async def test_what_comes_back_is_handed_over_until_it_is_taken(
    open_carrier: Opening, office: tuple[Office, int], fault: str, said: list[bytes]
) -> None:
    taking, port = office
    taking.answers = ["451 not now", "451 not yet"]
    carrier = await open_carrier(scale=3000, lmtp=("127.0.0.1", port))
    await carrier.faults(**{fault: {"next": 1}})

    await send(carrier, letter())
    await carrier.settled()

    ((sender, to, mail),) = taking.taken
    assert (sender, to) == ("<>", ["office@utility.example"])
    assert all(part in mail for part in said)
    (report,) = (await carrier.control("GET", "/mailbox"))["reports"]
    assert (report["to"], report["answers"]) == ("office@utility.example", [451, 451, 250])


async def test_what_is_refused_for_good_is_given_up(open_carrier: Opening, office: tuple[Office, int]) -> None:
    taking, port = office
    taking.answers = ["550 not ours"]
    carrier = await open_carrier(scale=3000, lmtp=("127.0.0.1", port))
    await carrier.faults(mail_bounce={"next": 1, "seconds": 600})

    await send(carrier, letter())
    await carrier.settled()

    assert taking.taken == []
    assert (await carrier.control("GET", "/mailbox"))["reports"][0]["answers"] == [550]


async def test_starttls(open_carrier: Opening) -> None:
    carrier = await open_carrier(starttls=True)
    await send(carrier, letter(), start_tls=True, validate_certs=False)
    assert len(await mails(carrier)) == 1


def test_the_drop_works_on_uvloop_too() -> None:
    """Its transports are no `asyncio.WriteTransport`, though they can be aborted."""

    async def dropped() -> int:
        sandbox = Sandbox(SandboxSettings("AC" + "0" * 32, "token"), SystemClock())
        await sandbox.start()
        async with aiohttp.ClientSession() as session, session.post(f"{sandbox.url}/faults", json={"mail_drop": 1}):
            with pytest.raises(aiosmtplib.SMTPServerDisconnected):
                await aiosmtplib.send(letter(), hostname="127.0.0.1", port=sandbox.smtp_port, timeout=5)
            async with session.get(f"{sandbox.url}/mailbox") as response:
                kept: int = (await response.json())["next"]
        await sandbox.stop()
        return kept

    assert uvloop.run(dropped()) == 1
