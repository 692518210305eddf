"""Mails that come back, in the shapes of several servers; all of them made up."""

import base64
import re
import time
from email.message import EmailMessage

import pytest

from notifier.channels.mail_reports import LOOKED_AT, Report, Word, read_report
from notifier.sandbox.returned_mail import Sent, compose
from tests.channels.channel_kit import NOW

BOUNCE = "bounce+abc.def@office.example"

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mail.office.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounce+abc.def@office.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9B2DD2C0.1764552600/mail.office.example"

This is a MIME-encapsulated message.

--9B2DD2C0.1764552600/mail.office.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<wang@customer.example>: host mx.customer.example said: 550 5.1.1 no such user

--9B2DD2C0.1764552600/mail.office.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.office.example
X-Postfix-Queue-ID: 9B2DD2C0
Arrival-Date: Tue,  1 Dec 2026 09:30:00 +0800 (CST)

Final-Recipient: rfc822; wang@customer.example
Original-Recipient: rfc822;wang@customer.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; 550 5.1.1 <wang@customer.example> no such user

--9B2DD2C0.1764552600/mail.office.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

Subject: a bill

words
--9B2DD2C0.1764552600/mail.office.example--
"""

EXCHANGE = """\
From: <postmaster@contoso.example>
To: <bounce+abc.def@office.example>
Subject: Undeliverable: a bill
X-MS-Exchange-Message-Is-Ndr:
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="_1a2b_"

--_1a2b_
Content-Type: multipart/alternative; differences=Content-Type;
 boundary="_3c4d_"

--_3c4d_
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message to wang@contoso.example couldn't be delivered.=

--_3c4d_
Content-Type: text/html; charset="us-ascii"

<html><body>couldn't be delivered</body></html>
--_3c4d_--

--_1a2b_
Content-Type: message/delivery-status

Reporting-MTA: dns;TYZPR01MB0001.apcprd01.prod.contoso.example
Received-From-MTA: dns;mail.office.example
Arrival-Date: Tue, 1 Dec 2026 01:30:00 +0000

Final-Recipient: rfc822;wang@contoso.example
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient wang@contoso.example not found

--_1a2b_
Content-Type: message/rfc822

Subject: a bill

words
--_1a2b_--
"""

GMAIL = """\
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: bounce+abc.def@office.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
Content-Type: multipart/report; boundary="0000000000"; report-type=delivery-status

--0000000000
Content-Type: multipart/related; boundary="1111111111"

--1111111111
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--1111111111
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--1111111111--

--0000000000
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Mon, 30 Nov 2026 17:30:01 -0800 (PST)

Final-Recipient: rfc822; wang@gmail.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 452-4.2.2 The recipient's inbox is out of storage space.
 452 4.2.2 Please direct the recipient to support pages
Last-Attempt-Date: Mon, 30 Nov 2026 17:30:02 -0800 (PST)

--0000000000--
"""

EXIM = """\
From: Mail Delivery System <Mailer-Daemon@exim.example>
To: bounce+abc.def@office.example
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
Content-Type: multipart/report; report-type=delivery-status; boundary=1764552600-eximdsn-123

--1764552600-eximdsn-123
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1764552600-eximdsn-123
Content-type: message/delivery-status

Reporting-MTA: dns; exim.example

Action: failed
Final-Recipient: rfc822;wang@customer.example
Status: 5.0.0
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--1764552600-eximdsn-123--
"""

CHINESE = """\
From: 郵件系統 <postmaster@mail.customer.example>
To: bounce+abc.def@office.example
Subject: =?big5?B?q0ir5bBow6U=?=
Content-Type: multipart/report; charset=utf-8; report-type=delivery-status; boundary="tui-xin"

--tui-xin
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

您寄出的信件無法投遞，收件人不存在。

--tui-xin
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.customer.example

Final-Recipient: rfc822; wang@customer.example
Action: Failed
Status: 5.1.2 (收件網域不存在)

--tui-xin--
"""

INTERNATIONAL = POSTFIX.replace("message/delivery-status", "message/global-delivery-status").replace(
    "rfc822; wang@customer.example", "utf-8; 王@customer.example"
)
FIELDS = INTERNATIONAL[
    INTERNATIONAL.index("Reporting-MTA") : INTERNATIONAL.index(
        "\n\n--9B2DD2C0.1764552600/mail.office.example\nContent-Description: Und"
    )
]
ENCODED = INTERNATIONAL.replace(
    "global-delivery-status\n", "global-delivery-status\nContent-Transfer-Encoding: base64\n"
).replace(FIELDS, base64.encodebytes(FIELDS.encode()).decode().strip())
WRAPPED = f"""\
Subject: [scanned] a bounce
Content-Type: multipart/mixed; boundary="outer"

--outer
{POSTFIX[POSTFIX.index("Content-Type: multipart") :]}
--outer
Content-Type: text/plain

This mail was scanned.
--outer--
"""
QMAIL = """\
From: MAILER-DAEMON@qmail.example
To: bounce+abc.def@office.example
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.
<wang@customer.example>:
Sorry, no mailbox here by that name. (#5.1.1)
"""
COMPLAINT = """\
From: <abuse@mailbox-provider.example>
Subject: FW: a bill
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Made/1.0
Version: 1
Original-Mail-From: <bounce+abc.def@office.example>

--part1
Content-Type: message/rfc822

Subject: a bill

words
--part1--
"""
AWAY = """\
From: =?utf-8?B?546L?= <wang@customer.example>
To: bounce+abc.def@office.example
Subject: Automatic reply: a bill
Auto-Submitted: auto-replied (vacation)

I am away until Monday.
"""
ANSWER = """\
From: wang@customer.example
To: bounce+abc.def@office.example
Subject: Re: a bill

I have paid!
"""


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


DEAD, FULL = Report(Word.FAILED, "5.1.1"), Report(Word.FAILED, "5.2.2")
STATUS = "Status: 5.1.1"
DIAGNOSTIC = "Diagnostic-Code: smtp; 550 5.1.1 <wang@customer.example> no such user\n"
TWO = "Action: expanded\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; li@customer.example\nAction: failed"
TABLE: dict[str, tuple[str, Report]] = {
    "Postfix": (POSTFIX, DEAD),
    "Postfix, delayed": (
        replaced(POSTFIX, ("Action: failed", "Action: delayed"), (STATUS, "Status: 4.4.1")),
        Report(Word.DELAYED, "4.4.1"),
    ),
    "Postfix, delivered": (
        replaced(POSTFIX, ("Action: failed", "Action: delivered"), (STATUS, "Status: 2.1.5")),
        Report(Word.DELIVERED, "2.1.5"),
    ),
    "given up after days": (replaced(POSTFIX, (STATUS, "Status: 4.4.7")), Report(Word.FAILED, "4.4.7")),
    "relayed": (replaced(POSTFIX, ("failed", "relayed"), (STATUS, "Status: 2.1.9")), Report(Word.RELAYED, "2.1.9")),
    "no status": (replaced(POSTFIX, (STATUS + "\n", ""), (DIAGNOSTIC, "")), Report(Word.FAILED)),
    "no status but the other server's": (replaced(POSTFIX, (STATUS + "\n", "")), DEAD),
    "a status that is none": (replaced(POSTFIX, (STATUS, "Status: five"), (DIAGNOSTIC, "")), Report(Word.FAILED)),
    "an action that is none": (replaced(POSTFIX, ("Action: failed", "Action: 失敗")), Report(Word.UNREADABLE)),
    "of two recipients the failed": (replaced(POSTFIX, ("Action: failed", TWO)), DEAD),
    "Exchange": (EXCHANGE, Report(Word.FAILED, "5.1.10")),
    "Gmail-like": (GMAIL, FULL),
    "Exim, which says 5.0.0 of everything": (EXIM, DEAD),
    "Exim, of another class": (replaced(EXIM, ("550 5.1.1", "451 4.1.1")), Report(Word.FAILED, "5.0.0")),
    "Chinese": (CHINESE, Report(Word.FAILED, "5.1.2")),
    "international": (INTERNATIONAL, DEAD),
    "international, in base64 (RFC 6533)": (ENCODED, DEAD),
    "wrapped by a scanner": (WRAPPED, DEAD),
    "not called a report": (
        replaced(POSTFIX, ("multipart/report; report-type=delivery-status", "multipart/mixed")),
        DEAD,
    ),
    "qmail, in a form of its own": (QMAIL, Report(Word.UNREADABLE)),
    "a bounce that calls itself automatic": (
        replaced(QMAIL, ("Subject", "Auto-Submitted: auto-replied\nSubject")),
        Report(Word.UNREADABLE),
    ),
    "a complaint": (COMPLAINT, Report(Word.COMPLAINT, mail_from="<bounce+abc.def@office.example>")),
    "not spam": (replaced(COMPLAINT, ("abuse\n", "not-spam\n")), Report(Word.FEEDBACK, mail_from=f"<{BOUNCE}>")),
    "feedback of an unknown kind": (replaced(COMPLAINT, (": abuse\n", ": curious\n")), Report(Word.UNREADABLE)),
    "away": (AWAY, Report(Word.AUTO_REPLY)),
    "away, says Exchange": (replaced(AWAY, ("auto-replied (vacation)", "auto-generated")), Report(Word.AUTO_REPLY)),
    "away, says an old server": (
        replaced(AWAY, ("Auto-Submitted: auto-replied (vacation)", "Precedence: auto_reply")),
        Report(Word.AUTO_REPLY),
    ),
    "a person's answer": (ANSWER, Report(Word.UNREADABLE)),
    "not by a machine": (replaced(AWAY, ("auto-replied (vacation)", "no")), Report(Word.UNREADABLE)),
    "nothing": ("", Report(Word.UNREADABLE)),
}


@pytest.mark.parametrize(("mail", "report"), TABLE.values(), ids=TABLE)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_comes_back(mail: str, report: Report, ending: str) -> None:
    assert read_report(mail.replace("\n", ending).encode()) == report


@pytest.mark.parametrize(
    ("code", "dead"),
    [("5.1.1", True), ("5.1.2", True), ("5.1.10", True), ("5.1.7", False), ("5.1.8", False), ("5.1.0", False),
     ("5.2.2", False), ("4.1.1", False), ("5.11.1", False), ("", False)],
)  # fmt: skip
def test_only_what_is_said_of_the_customers_address_is_held_against_it(code: str, dead: bool) -> None:
    """5.1.7 and 5.1.8 are about ours."""
    assert Report(Word.FAILED, code).is_dead_address is dead
    assert not Report(Word.DELAYED, code).is_dead_address


def test_a_report_that_our_own_mail_encloses_is_not_believed() -> None:
    """Whatever a customer's mail says of its own."""
    outer = EmailMessage()
    outer["From"] = "wang@customer.example"
    outer.set_content("see below")
    inner = EmailMessage()
    inner["Content-Type"] = 'multipart/report; boundary="9B2DD2C0.1764552600/mail.office.example"'
    inner.set_payload(POSTFIX[POSTFIX.index("--9B2DD2C0") :])
    outer.add_attachment(inner)

    assert read_report(outer.as_bytes()).word is Word.UNREADABLE


@pytest.mark.parametrize("kind", ["failed", "delayed", "complaint"])
def test_the_sandbox_writes_what_can_be_read(kind: str) -> None:
    sent = Sent(1, BOUNCE, "wang@customer.example", "Subject: 帳單\r\n\r\n您好".encode(), NOW)
    report = read_report(compose(kind, 511, sent))

    assert report.word == kind
    assert report.code == ("" if kind == "complaint" else "5.1.1")


@pytest.mark.parametrize("cut", range(0, len(POSTFIX), 37))
def test_a_mail_cut_anywhere_is_read_or_is_not(cut: int) -> None:
    assert read_report(POSTFIX[:cut].encode()).word in (Word.UNREADABLE, Word.FAILED)


def nested(depth: int) -> bytes:
    layers = [f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth)]
    return "".join(layers).encode()


@pytest.mark.parametrize(
    "mail",
    [b"\xff\xfe\x00" * 1000, b"Content-Type: ;;;=\n\n", b"From: <<<>>>\nAuto-Submitted: \xff\n\nx", nested(3000),
     b"a" * 2 * LOOKED_AT, b"\n" * LOOKED_AT, b": " * LOOKED_AT],
    ids=["bytes", "content type", "addresses", "nested", "one line", "empty lines", "colons"],
)  # fmt: skip
def test_hostile_mails_cost_little(mail: bytes) -> None:
    began = time.process_time()

    assert read_report(mail).word is Word.UNREADABLE
    assert time.process_time() - began < 2.0


def test_only_the_beginning_is_looked_at() -> None:
    late = re.sub(r"\n\n(?=--9B2D.*\nContent-Description: Delivery)", "\n\n" + "x\n" * LOOKED_AT, POSTFIX, count=1)

    assert read_report(late.encode()).word is Word.UNREADABLE
