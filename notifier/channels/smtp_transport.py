"""A few kept connections to one SMTP server. What a failure means depends on how far the conversation had come:

connect, STARTTLS, login   Unavailable; Misconfigured when the server refuses us
MAIL                       Unavailable; Misconfigured when it refuses our sender
RCPT                       Unavailable (4xx, greylisting); Refused when it refuses the address; Unknown when it may
                           as well mean us (5.7: by policy, such as "relay access denied")
DATA, with an answer       Unavailable (4xx); Refused when it refuses the words
DATA, without one          Uncertain: the same Message-ID makes a repeat the same mail
"""

import asyncio
import re
import ssl
import time
from contextlib import suppress

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPNotSupported, SMTPResponseException

from notifier.domain.channel import MailServer
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain, Unknown

CONNECTIONS = 4
FRESH = 30.0  # seconds a connection may rest; after that a firewall may have forgotten it, and nobody would answer
GOODBYE = 2.0  # seconds for all QUITs together
GONE = (SMTPException, OSError, TimeoutError)
# Refusals that are about us whatever was asked: log in first, encrypt first, too weak, wrong password.
REFUSES_US = frozenset({530, 534, 535, 538})
# Enhanced codes (RFC 3463) of a refused RCPT that may be about us: our sender's address, or any policy.
MAYBE_US = re.compile(r"5\.(7\.\d+|1\.[78])")
_ENHANCED = re.compile(r"[45]\.\d{1,3}\.\d{1,3}(?!\d)")
TLS_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Connections:
    """Each connection carries one mail at a time and is dropped at the first failure."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []  # since when
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def deliver(self, sender: str, recipient: str, mail: bytes) -> str:
        """What the server said when it took the mail. Raises ChannelError."""
        async with self._free:
            client = await self._address(sender, recipient)
            try:
                words = await self._hand_over(client, mail)
            except BaseException:
                client.close()
                raise
            self._idle.append((time.monotonic(), client))
            return words

    async def close(self) -> None:
        clients, self._idle = [client for _, client in self._idle], []
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await asyncio.gather(*[client.quit() for client in clients], return_exceptions=True)
        for client in clients:
            client.close()

    async def _address(self, sender: str, recipient: str) -> aiosmtplib.SMTP:
        """A connection on which MAIL and RCPT were accepted. All steps together take no longer than one may, or the
        mail would tell what was true a minute ago."""
        try:
            async with asyncio.timeout(self._server.timeout):
                client = await self._begin(sender)
                await _name_recipient(client, recipient)
                return client
        except TimeoutError as error:
            raise Unavailable("no answer from the mail server", code=type(error).__name__) from error

    async def _begin(self, sender: str) -> aiosmtplib.SMTP:
        """A connection on which MAIL was accepted. One that was closed while it was idle is replaced."""
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < FRESH:
                with suppress(Unavailable, Misconfigured):
                    return await _open_envelope(client, sender)
            client.close()
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

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: bytes) -> str:
        """A server may look long at a mail before it answers (RFC 5321 4.5.3.2.6: ten minutes). Whoever gives up sooner
        sends it twice."""
        try:
            response = await client.data(mail, timeout=self._server.data_timeout)
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


async def _name_recipient(client: aiosmtplib.SMTP, recipient: str) -> None:
    try:
        await client.rcpt(recipient)
    except GONE as error:
        client.close()
        raise _failure("RCPT", error, refused=Refused, silent=Unavailable) from error
    except BaseException:
        client.close()
        raise


def _failure(
    phase: str, error: BaseException, *, refused: type[ChannelError], silent: type[ChannelError]
) -> ChannelError:
    """`refused`: the server said no for good; `silent`: it said nothing. Its own text may quote addresses: left out."""
    if isinstance(error, SMTPNotSupported) or type(error) is SMTPException:  # such as: no way to log in that both know
        return Misconfigured(f"{phase}: the mail server lacks what we need", code=type(error).__name__)
    if _distrusts(error):
        return Misconfigured(f"{phase}: the mail server's certificate is not good", code=type(error).__name__)
    if not isinstance(error, SMTPResponseException) or error.code < 400:
        return silent(f"{phase}: no answer from the mail server", code=type(error).__name__)
    enhanced = _enhanced_code(error)
    code = f"{error.code} {enhanced}".strip()
    words = f"{phase}: the mail server answered {code}"
    if error.code < 500:
        return Unavailable(words, code=code, about_one=_is_about_one(phase, error.code, enhanced))
    if error.code in REFUSES_US:
        return Misconfigured(words, code=code)
    return (Unknown if phase == "RCPT" and MAYBE_US.fullmatch(enhanced) else refused)(words, code=code)


def _distrusts(error: BaseException) -> bool:
    """A handshake that was cut off says nothing about whom we were talking to."""
    return any(isinstance(one, ssl.SSLError) and not isinstance(one, TLS_CUT_OFF) for one in (error, error.__cause__))


def _enhanced_code(error: SMTPResponseException) -> str:
    found = _ENHANCED.match(error.message)
    return found.group() if found else ""


def _is_about_one(phase: str, code: int, enhanced: str) -> bool:
    """Whether a 4xx is about this recipient (greylisting, a full mailbox) and not about the server: address, mailbox or
    policy status (RFC 3463 X.1, X.2, X.7), and of plain codes the two that greylisting uses."""
    if enhanced:
        return phase in ("RCPT", "DATA") and enhanced[2:4] in ("1.", "2.", "7.")
    return phase == "RCPT" and code in (450, 451)
