"""Mails that come back, taken in over LMTP (RFC 2033): known by the address they were written to, on disk before they
are answered.

250 once it is stored, 451 when it cannot be (the mail server then hands it over again), 550 for an address that is not
ours. Nothing of a mail or an address is ever logged.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import cast

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from notifier.clock import Clock
from notifier.domain.channel import Channel, Hook, HookCall, HookReply
from notifier.domain.errors import Forged
from notifier.domain.receipt import UNKNOWN_WORD
from notifier.engine.inbox import Intake
from notifier.web.metrics import CALLBACKS

log = structlog.get_logger()

HOSTNAME = "notifier"
MOST_MAIL = 1024 * 1024  # bytes; the mails we send have 20 KiB
LONGEST_LINE = 64 * 1024  # bytes; the standard's 998 is not kept by everybody
PATIENCE = 60.0  # real seconds from one command to the next, the whole mail being part of DATA
MOST_CONNECTIONS = 50
GOODBYE = 5.0  # real seconds for what is being stored

TAKEN = "250 2.0.0 taken"
LATER = "451 4.3.0 not stored; please hand it over again"
NOT_OURS = "550 5.1.1 not an address of ours"
ONE_AT_A_TIME = "452 4.5.3 one recipient at a time"  # LMTP answers once for each: with one there is one answer
TOO_MANY = b"421 4.3.2 too many connections\r\n"


class MailHooks:
    """The hooks of all channels that are told by mail."""

    def __init__(self, channels: Iterable[Channel], clock: Clock, intake: Intake) -> None:
        self._hooks = [(channel, hook) for channel in channels for hook in channel.hooks if hook.by_mail]
        self._clock = clock
        self._intake = intake

    def admits(self, address: str) -> bool:
        """Whether anybody takes mail for the address; a stranger's is counted."""
        return self._ask(address, b"") is not None

    async def take(self, address: str, mail: bytes) -> str:
        """The answer to a mail, once what it says is on disk."""
        heard = self._ask(address, mail)
        if heard is None:
            return NOT_OURS
        channel, hook, reply = heard
        try:
            await self._intake.take(reply.receipts)
        except Exception as error:  # whatever it was: the mail server keeps the mail
            log.warning("mail_hook.not_stored", channel=channel.name, error=type(error).__name__)
            CALLBACKS.labels(channel.name, hook.path, "lost").inc()
            return LATER
        CALLBACKS.labels(channel.name, hook.path, _result(reply)).inc()
        return TAKEN

    def _ask(self, address: str, mail: bytes) -> tuple[Channel, Hook, HookReply] | None:
        """The hook that takes the mail, and what it makes of it."""
        call = HookCall(
            url=address, headers={}, parameters=(), form=(), body=mail, attempt=None, message=None,
            at=self._clock.now(),
        )  # fmt: skip
        for channel, hook in self._hooks:
            try:
                return channel, hook, hook.answer(call)
            except Forged as error:
                CALLBACKS.labels(channel.name, hook.path, "forged").inc()
                log.warning("hook.forged", channel=channel.name, hook=hook.path, reason=str(error))
        return None


def _result(reply: HookReply) -> str:
    if not reply.receipts:
        return "ignored"
    return "unknown" if any(UNKNOWN_WORD in receipt.detail for receipt in reply.receipts) else "taken"


class Handler:
    """What aiosmtpd asks at each command."""

    def __init__(self, hooks: MailHooks) -> None:
        self._hooks = hooks
        self._storing = 0
        self.idle = asyncio.Event()
        self.idle.set()

    async def handle_RCPT(  # noqa: N802
        self, _server: LMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return ONE_AT_A_TIME
        if not self._hooks.admits(address):
            return NOT_OURS
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 yes"

    async def handle_DATA(self, _server: LMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._storing += 1
        self.idle.clear()
        try:
            return await self._hooks.take(envelope.rcpt_tos[0], envelope.original_content or b"")
        finally:
            self._storing -= 1
            if not self._storing:
                self.idle.set()

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail_hook.failed", error=type(error).__name__)  # without its text, which may quote the mail
        return LATER


class Listener(LMTP):
    """One connection of a mail server, counted among the `opened`."""

    line_length_limit = LONGEST_LINE

    def __init__(self, handler: Handler, opened: set["Listener"]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(handler, data_size_limit=MOST_MAIL, hostname=HOSTNAME, timeout=PATIENCE, loop=loop)
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._opened.discard(self)
        super().connection_lost(error)


class Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.WriteTransport, transport).write(TOO_MANY)
        transport.close()


@asynccontextmanager
async def listen_for_mail(hooks: MailHooks, host: str, port: int) -> AsyncIterator[int]:
    """Take mails in until the block ends; answers the port. What is being stored then is still answered."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own log names addresses
    handler, opened = Handler(hooks), set[Listener]()

    def connection() -> asyncio.Protocol:
        return Listener(handler, opened) if len(opened) < MOST_CONNECTIONS else Refusal()

    server = await asyncio.get_running_loop().create_server(connection, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(handler.idle.wait(), GOODBYE)
        for one in list(opened):
            if one.transport is not None:
                one.transport.close()
