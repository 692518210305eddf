"""What comes back about a mail, read: bounces (RFC 3464), complaints (RFC 5965), automatic replies (RFC 3834).

Nothing in such a mail is trusted or kept but words of the tables here and status codes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Part
from email.utils import parseaddr
from enum import StrEnum

LOOKED_AT = 128 * 1024  # bytes; what a report says comes before the mail it returns, which is at its end
DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
MOST_BLOCKS = 50  # of fields in a report: one for the message, one for each recipient
FEEDBACK = "message/feedback-report"
COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
HARMLESS = frozenset({"not-spam", "auth-failure", "dmarc"})
MACHINES = frozenset({"mailer-daemon", "postmaster", ""})
# RFC 3463 of the recipient's address. Not X.1.7 and X.1.8, which are about ours, nor X.1.0 and X.1.9, which may be.
DEAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10"})
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_DIAGNOSTIC = re.compile(r"\bsmtp\s*;\s*\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?!\d)", re.IGNORECASE)


class Word(StrEnum):
    """What a mail that came back says."""

    FAILED = "failed"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    COMPLAINT = "complaint"
    FEEDBACK = "feedback"  # of a kind that is no complaint
    AUTO_REPLY = "auto_reply"
    UNREADABLE = "unreadable"  # something else: perhaps a bounce in a form of its own


# Of several recipients of one report, as when a mail was passed on, the first of these counts.
ACTIONS = (Word.FAILED, Word.DELIVERED, Word.DELAYED, Word.RELAYED, Word.EXPANDED)


@dataclass(frozen=True, slots=True)
class Report:
    """`code` is the enhanced status, such as 5.1.1, or ''; `mail_from` the envelope sender a complaint names, or ''."""

    word: Word
    code: str = ""
    mail_from: str = ""

    @property
    def is_dead_address(self) -> bool:
        return self.word is Word.FAILED and self.code in DEAD_ADDRESS


def read_report(raw: bytes) -> Report:
    """What the mail says. Never fails: a mail that cannot be read is UNREADABLE."""
    try:
        mail = message_from_bytes(raw[:LOOKED_AT])
        return _read(mail)
    except Exception:  # the parser has met worse than the standards know; a deep nesting ends in RecursionError
        return Report(Word.UNREADABLE)


def _read(mail: Part) -> Report:
    parts = list(_parts(mail))
    for part in parts:
        if part.get_content_type() in DELIVERY:
            return _delivery(part)
    for part in parts:
        if part.get_content_type() == FEEDBACK:
            return _feedback(part)
    return Report(Word.AUTO_REPLY if _is_auto_reply(mail) else Word.UNREADABLE)


def _parts(mail: Part) -> Iterator[Part]:
    """The parts of a mail, but not of mails that it encloses: ours among them, which says nothing about itself."""
    if mail.get_content_maintype() != "multipart":
        yield mail
        return
    for part in mail.get_payload() if mail.is_multipart() else ():
        if isinstance(part, Part):
            yield from _parts(part)


def _delivery(part: Part) -> Report:
    """The report of the recipient that counts; of these there is one but where a mail was passed on to several."""
    found = [report for block in _blocks(part) if (report := _recipient(block)) is not None]
    return min(found, key=lambda report: ACTIONS.index(report.word), default=Report(Word.UNREADABLE))


def _blocks(part: Part) -> Iterator[Part]:
    """Groups of fields, parted by empty lines. The parser takes them apart for one type only and decodes them for none,
    but a report about an address in Chinese may come in base64 (RFC 6533)."""
    body = part.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    encoded = Part()
    encoded["Content-Transfer-Encoding"] = _field(part, "Content-Transfer-Encoding")
    encoded.set_payload(body)
    fields = encoded.get_payload(decode=True)
    for block in re.split(rb"\n\s*\n", fields, maxsplit=MOST_BLOCKS) if isinstance(fields, bytes) else ():
        yield message_from_bytes(block.strip() + b"\n")


def _recipient(block: Part) -> Report | None:
    action = _field(block, "Action").lower()
    if action not in ACTIONS:
        return None
    return Report(Word(action), _code(block))


def _code(block: Part) -> str:
    """Exim says 5.0.0 of everything: then what the other server said tells more, if it is of the same class."""
    stated = _STATUS.match(_field(block, "Status"))
    said = _DIAGNOSTIC.search(_field(block, "Diagnostic-Code"))
    code = stated.group(1) if stated else ""
    if said and (not code or (code.endswith(".0.0") and said.group(1)[0] == code[0])):
        return said.group(1)
    return code


def _feedback(part: Part) -> Report:
    for block in _blocks(part):
        kind = _field(block, "Feedback-Type").lower()
        if kind in COMPLAINTS:
            return Report(Word.COMPLAINT, mail_from=_field(block, "Original-Mail-From"))
        if kind in HARMLESS:
            return Report(Word.FEEDBACK, mail_from=_field(block, "Original-Mail-From"))
    return Report(Word.UNREADABLE)


def _is_auto_reply(mail: Part) -> bool:
    """Whether a person's mailbox answered. A bounce in a form of its own may call itself automatic, too."""
    sender = parseaddr(_field(mail, "From"))[1].partition("@")[0].lower()
    if sender in MACHINES:
        return False
    automatic = _field(mail, "Auto-Submitted").lower().partition(";")[0].strip()
    return (
        automatic.startswith("auto-")
        or "X-Autoreply" in mail
        or "X-Autorespond" in mail
        or _field(mail, "Precedence").lower() == "auto_reply"
    )


def _field(part: Part, name: str) -> str:
    return " ".join(str(part.get(name, "")).split())
