"""Mails as a mail server hands them over: known by their address, on disk before they are answered."""

import asyncio
import logging
import smtplib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY

from notifier.app import Parts
from notifier.channels.return_path import ReturnPath
from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.sandbox.returned_mail import Sent, compose, hand_over
from notifier.web import mail_hooks
from tests.house import MORNING, House, free_port, open_house
from tests.web.test_hooks import known_attempt

BOUNCES = {"bounce_address": "bounce@office.example", "bounce_secret": "made-up"}
PATH = ReturnPath(*BOUNCES.values())
WANG = "wang@customer.example"


@pytest.fixture
async def web(database: str, source_database: str) -> AsyncIterator[House]:
    """Only the web part runs: nobody applies what it stores."""
    lmtp = {"port": free_port()}
    async with open_house(database, source_database, parts=Parts(web=True), smtp=BOUNCES, lmtp=lmtp) as opened:
        yield opened


@pytest.fixture
async def path(web: House) -> str:
    """Where the mail of an attempt comes back to."""
    attempt = read_attempt_id(await known_attempt(web))
    assert attempt is not None
    return PATH.of(AttemptId(attempt))


def bounce(path: str, code: int = 511) -> bytes:
    return compose("failed", code, Sent(1, path, WANG, b"Subject: x", MORNING))


def port(house: House) -> int:
    assert house.app.settings.lmtp is not None
    return house.app.settings.lmtp.port


async def hand(house: House, to: str, mail: bytes) -> int:
    return await asyncio.to_thread(hand_over, "127.0.0.1", port(house), to, mail)


async def receipts(house: House) -> list[tuple[Any, ...]]:
    rows = await house.app.pool.fetch("select status, copies, applied_at from notifier.receipt order by key")
    return [tuple(row) for row in rows]


def counted(result: str) -> float:
    labels = {"channel": "email", "hook": "reports", "result": result}
    return REGISTRY.get_sample_value("notifier_callbacks_total", labels) or 0.0


async def test_a_bounce_is_on_disk_when_it_is_answered(web: House, path: str) -> None:
    assert await hand(web, path, bounce(path)) == 250
    assert await receipts(web) == [("failed", 1, None)]

    assert await hand(web, path, bounce(path)) == 250
    assert await receipts(web) == [("failed", 2, None)]


async def test_an_address_that_is_not_ours_is_refused_before_the_mail(web: House, path: str) -> None:
    before = counted("forged")

    for address in (path.replace("bounce+", "bounce+a"), "notice@office.example", "bounce+x.y@office.example"):
        assert await asyncio.to_thread(answers, port(web), [f"RCPT TO:<{address}>"]) == [550]

    assert counted("forged") == before + 3
    assert await receipts(web) == []


def answers(where: int, commands: list[str]) -> list[int]:
    """The codes with which the commands after LHLO and MAIL are answered."""
    with smtplib.LMTP("127.0.0.1", where, timeout=10) as server:
        server.ehlo()
        server.docmd("MAIL FROM:<>")
        return [server.docmd(command)[0] for command in commands]


async def test_one_recipient_at_a_time(web: House, path: str) -> None:
    """LMTP is answered once for each: so there is one."""
    assert await asyncio.to_thread(answers, port(web), [f"RCPT TO:<{path}>"] * 2 + ["RSET", "QUIT"]) == [
        250, 452, 250, 221,
    ]  # fmt: skip


async def test_what_cannot_be_stored_is_asked_for_again(web: House, path: str) -> None:
    before = counted("lost")
    await web.app.pool.execute("alter table notifier.receipt rename to receipt_away")
    try:
        assert await hand(web, path, bounce(path)) == 451
    finally:
        await web.app.pool.execute("alter table notifier.receipt_away rename to receipt")
    assert counted("lost") == before + 1
    assert await hand(web, path, bounce(path)) == 250
    assert await receipts(web) == [("failed", 1, None)]


async def test_what_is_counted(web: House, path: str) -> None:
    unknown, ignored = counted("unknown"), counted("ignored")

    assert await hand(web, path, b"Subject: failure notice\r\n\r\nSorry.\r\n") == 250
    assert await hand(web, path, f"From: {WANG}\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n".encode()) == 250

    assert (counted("unknown"), counted("ignored")) == (unknown + 1, ignored + 1)
    assert await receipts(web) == [("unreadable", 1, None)]


async def test_sizes(web: House, path: str) -> None:
    """Long lines, which some servers write; large mails, of which the beginning is looked at; but no flood."""
    line = b"x" * 20_000 + b"\r\n"
    assert await hand(web, path, b"X-Long: " + line + bounce(path)) == 250
    assert await hand(web, path, bounce(path, 522) + line * 40) == 250
    assert len(await receipts(web)) == 2

    assert await hand(web, path, line * 60) == 552
    assert len(await receipts(web)) == 2


async def test_a_server_that_says_nothing_is_hung_up_on(web: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_hooks, "PATIENCE", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", port(web))
    writer.write(b"LHLO mail.office.example\r\nMAIL FROM:<>\r\n")

    async with asyncio.timeout(10):
        assert b"250" in await reader.read()
    writer.close()


async def test_one_connection_too_many(web: House, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_hooks, "MOST_CONNECTIONS", 2)
    kept = [await asyncio.open_connection("127.0.0.1", port(web)) for _ in range(2)]
    for reader, _ in kept:
        assert (await reader.readline()).startswith(b"220")

    reader, writer = await asyncio.open_connection("127.0.0.1", port(web))
    assert (await reader.read()).startswith(b"421")
    for one in (writer, *(writer for _, writer in kept)):
        one.close()

    async def taken() -> None:
        while await hand(web, path, bounce(path)) != 250:
            pass

    await asyncio.wait_for(taken(), 10)


async def test_whoever_hangs_up_in_the_middle_leaves_nothing(web: House, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port(web))
    writer.write(f"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\nSubject: x\r\n".encode())
    await reader.readuntil(b"354")
    writer.transport.abort()

    assert await hand(web, path, bounce(path)) == 250
    assert await receipts(web) == [("failed", 1, None)]


async def test_no_address_and_no_word_of_a_mail_is_logged(
    web: House, path: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await hand(web, path, bounce(path))
    await hand(web, path.replace("+", "+a"), bounce(path))
    await hand(web, path, f"Subject: {WANG}\r\n\r\nsecret words".encode())
    with suppress(smtplib.SMTPException):
        await asyncio.to_thread(answers, port(web), [f"RCPT TO:<{WANG}>", f"VRFY {WANG}", WANG])

    written = caplog.text + "".join(capsys.readouterr())

    assert "hook.forged" in written
    for private in (WANG, "customer.example", path.partition("@")[0], "secret words"):
        assert private not in written
