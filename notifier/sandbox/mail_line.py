"""One SMTP connection to the mailbox, which can fail at any stage: banner, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, end
(of the mail) and QUIT."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult

from notifier.sandbox.faults import Faults

HOSTNAME = "mailbox.sandbox"
BANNER, END = "banner", "end"

Command = Callable[["MailLine", str], Awaitable[None]]


def _with_faults(stage: str) -> Command:
    async def command(self: "MailLine", argument: str) -> None:
        found = re.search(r"<([^<>]*)>", argument or "") if stage == "RCPT" else None
        if not await self.stumbles(stage, found.group(1) if found else ""):
            await getattr(SMTP, f"smtp_{stage}")(self, argument)

    return command


class MailLine(SMTP):
    """Takes any login that is offered."""

    smtp_EHLO = _with_faults("EHLO")  # noqa: N815
    smtp_STARTTLS = _with_faults("STARTTLS")  # noqa: N815
    smtp_AUTH = _with_faults("AUTH")  # noqa: N815
    smtp_MAIL = _with_faults("MAIL")  # noqa: N815
    smtp_RCPT = _with_faults("RCPT")  # noqa: N815
    smtp_DATA = _with_faults("DATA")  # noqa: N815
    smtp_QUIT = _with_faults("QUIT")  # noqa: N815

    def __init__(self, handler: Any, faults: Faults, **options: Any) -> None:
        self._faults = faults
        super().__init__(
            handler, hostname=HOSTNAME, enable_SMTPUTF8=True, auth_require_tls=False, authenticator=_admit, **options
        )

    async def stumbles(self, stage: str, to: str = "") -> bool:
        """Whether a fault has answered in the place of the mailbox. Does not return when it cuts the connection."""
        faults, dice = self._faults.now, self._faults.dice
        if faults.mail_hang.strikes(dice, to, stage):
            await asyncio.sleep(faults.mail_hang.seconds)
        if faults.mail_cut.strikes(dice, to, stage):
            await cut(self)
        if not faults.mail_answer.strikes(dice, to, stage):
            return False
        await self.push(refusal(faults.mail_answer.code, "as asked for"))
        return True

    async def _handle_client(self) -> None:
        if await self.stumbles(BANNER):
            cast(asyncio.Transport, self.transport).close()
            return
        await super()._handle_client()


async def cut(line: SMTP) -> None:
    """Cuts the connection and never answers: the loss of the connection ends this wait with a cancellation."""
    cast(asyncio.WriteTransport, line.transport).abort()
    await asyncio.get_running_loop().create_future()


def refusal(code: int, words: str) -> str:
    """`code` 451 or, with an enhanced code of its own, 451471 for 451 4.7.1."""
    plain, enhanced = divmod(code, 1000) if code > 999 else (code, code // 100 * 100)
    return f"{plain} {'.'.join(str(enhanced))} {words}"


def _admit(*_: Any) -> AuthResult:
    return AuthResult(success=True)
