"""What comes back of a mail that was taken: bounces and warnings in Postfix's shape, complaints as ARF, by LMTP."""

import asyncio
import smtplib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from notifier.clock import Clock
from notifier.sandbox.activity import Activity
from notifier.sandbox.faults import Faults, Switch
from notifier.sandbox.mail_line import HOSTNAME

AGAIN = 60.0  # seconds of the clock until what was not taken is handed over again
PATIENCE = 10.0  # real seconds

DELIVERY_REPORT = """\
Return-Path: <>
Received: by {host} (Postfix) id 4C1F22F002; {date}
Date: {date}
From: MAILER-DAEMON@{host} (Mail Delivery System)
Subject: {subject}
To: {sender}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4C1F22F002.1764552600/{host}"
Content-Transfer-Encoding: 8bit
Message-Id: <20261201013000.{number}@{host}>

This is a MIME-encapsulated message.

--4C1F22F002.1764552600/{host}
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host {host}.

{words}

--4C1F22F002.1764552600/{host}
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
X-Postfix-Queue-ID: 4C1F22F002
X-Postfix-Sender: rfc822; {sender}
Arrival-Date: {date}

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; {code} {status} <{recipient}>: {reason}

--4C1F22F002.1764552600/{host}
Content-Description: Undelivered Message
Content-Type: message/rfc822

{original}
--4C1F22F002.1764552600/{host}--
"""

FEEDBACK_REPORT = """\
Date: {date}
From: <abuse@customer.example>
Subject: FW: complaint
To: <{sender}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
\tboundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for a message received on {date}.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{sender}>
Original-Rcpt-To: <{recipient}>
Arrival-Date: {date}

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{original}
--part1_13d.2e68ed54_boundary--
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail as its report tells of it."""

    n: int
    sender: str
    recipient: str
    content: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Returned:
    """One report, and the codes with which handing it over was answered; 0 is no answer."""

    kind: str
    to: str
    answers: list[int] = field(default_factory=list)


class ReturnedMail:
    """`lmtp`: host and port of whoever takes what comes back; without it nothing is handed over."""

    def __init__(self, clock: Clock, faults: Faults, activity: Activity, lmtp: tuple[str, int] | None) -> None:
        self.reports: list[Returned] = []
        self._clock = clock
        self._faults = faults
        self._activity = activity
        self._lmtp = lmtp

    async def of(self, sent: Sent) -> None:
        """Let come back what the faults say, now or in the background."""
        faults = self._faults.now
        for kind, switch in (
            ("failed", faults.mail_bounce),
            ("delayed", faults.mail_delay),
            ("complaint", faults.mail_complain),
        ):
            if switch.strikes(self._faults.dice, sent.recipient):
                await self._return(kind, switch, sent)

    async def _return(self, kind: str, switch: Switch, sent: Sent) -> None:
        returned, mail = Returned(kind, sent.sender), compose(kind, switch.code, sent)
        self.reports.append(returned)
        wait = switch.seconds
        if not wait:
            if await self._hand_over(returned, mail):
                return
            wait = AGAIN
        self._activity.start(self._persist(returned, mail, wait))

    async def _persist(self, returned: Returned, mail: bytes, wait: float) -> None:
        await self._clock.sleep(wait)
        while not await self._hand_over(returned, mail):
            await self._clock.sleep(AGAIN)

    async def _hand_over(self, returned: Returned, mail: bytes) -> bool:
        """Whether that was the end of it: taken, or refused for good."""
        if self._lmtp is None:
            return True
        code = await asyncio.to_thread(hand_over, *self._lmtp, returned.to, mail)
        returned.answers.append(code)
        return code // 100 in (2, 5)


def compose(kind: str, code: int, sent: Sent) -> bytes:
    """The report as its mail. `code` 511 is the status 5.1.1."""
    given = {
        "host": HOSTNAME, "number": sent.n, "sender": sent.sender, "recipient": sent.recipient,
        "date": format_datetime(sent.at), "original": sent.content.decode("utf-8", "replace"),
    }  # fmt: skip
    if kind == "complaint":
        return _wire(FEEDBACK_REPORT, given)
    status = ".".join(str(code))
    given |= {"action": kind, "status": status, "code": 550 if status.startswith("5") else 450}
    return _wire(DELIVERY_REPORT, given | (FAILED if kind == "failed" else DELAYED))


FAILED = {
    "subject": "Undelivered Mail Returned to Sender",
    "words": "I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.",
    "reason": "Recipient address rejected",
}
DELAYED = {
    "subject": "Delayed Mail (still being retried)",
    "words": "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE.",
    "reason": "try again later",
}


def _wire(template: str, given: dict[str, Any]) -> bytes:
    return template.format(**given).replace("\r\n", "\n").replace("\n", "\r\n").encode()


def hand_over(host: str, port: int, to: str, mail: bytes) -> int:
    """Deliver over LMTP from the null sender, as a mail server does; the code of the answer, or 0 without one."""
    gone = suppress(OSError, smtplib.SMTPServerDisconnected)
    with gone, smtplib.LMTP(host, port, HOSTNAME, timeout=PATIENCE) as server:
        try:
            server.sendmail("", [to], mail)
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients[to][0]
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        return 250
    return 0
