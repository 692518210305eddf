"""Mail, as a mail library sends it."""

from email.message import EmailMessage
from typing import Any

import aiohttp
import aiosmtplib
import pytest
import uvloop

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
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=carrier.sandbox.smtp_port, timeout=5, **options)


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
