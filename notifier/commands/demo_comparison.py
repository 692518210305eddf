"""Our delivery log against what the carrier and the mailbox say happened. Pure: evidence in, verdicts out.

The carrier's ledger is read by a table of our own below, on purpose not by the channels' code that is being judged.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from notifier.domain.attempt_id import attempt_time
from notifier.domain.script import plain
from notifier.domain.telephone import Number, read_cell

LATEST_AFTER_PAYMENT = 2.0  # real seconds a create may come after the payment's commit
NEVER_LEFT = frozenset({"not_sent", "not_created"})
MOST_OFFENDERS = 5

CALL_ENDINGS: Mapping[tuple[str, int | None], str] = {
    ("busy", 486): "busy",
    ("busy", None): "busy",
    ("no-answer", 480): "no_answer",
    ("no-answer", 487): "no_answer",
    ("no-answer", None): "no_answer",
    ("no-answer", 603): "declined",
    ("no-answer", 486): "declined",
    ("failed", 404): "refused",
    ("failed", None): "failed",
    ("canceled", None): "cancelled",
}
TEXT_ENDINGS: Mapping[tuple[str, int | None], str] = {
    ("delivered", None): "delivered",
    ("undelivered", 30003): "undelivered",
    ("undelivered", 30005): "refused",
    ("undelivered", 30006): "refused",
    ("failed", 30008): "failed",
    ("sent", None): "sent",
}
UNNOTICED = frozenset({"failed", "canceled"})  # no phone can have rung: the same try is made again
REPLIES = frozenset({"1", "7"})
CONFIRMED = {"8": "wrong_person", "9": "answered"}  # pressed twice in a row


class Rule(StrEnum):
    """What the comparison asks, in the order in which it is shown."""

    FINISHED = "finished"
    ADDS_UP = "adds_up"
    CALLS = "calls"
    TEXTS = "texts"
    MAILS = "mails"
    ONE_TO_ONE = "one_to_one"
    OUTCOMES = "outcomes"
    RECORDINGS = "recordings"
    ONCE_PER_TRY = "once_per_try"
    PREFERRED = "preferred"
    AFTER_PAYMENT = "after_payment"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """One row of the delivery log. `rest` holds the lines that are spoken only after the essential part was heard."""

    id: UUID
    notification: int
    channel: str
    step: int
    tries: int
    disposition: str | None
    rest: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Contact:
    """A call, text or mail that really took place, as the other side recorded it. `attempt` None: none is named.
    `created_real`: Unix seconds; `rang`: whether a customer could notice."""

    kind: str  # voice, sms, email
    attempt: UUID | None
    created_at: datetime
    created_real: float
    ending: str | None
    rang: bool = True
    heard: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Recordings:
    """How often recordings were played, and the addresses of those that failed or were fetched more than once."""

    played: int = 0
    failed: Sequence[str] = ()
    repeated: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """By which channel a customer is to be told first, of each way in which the source may be read; `asked`: as the
    customer prefers."""

    channels: frozenset[str]
    asked: bool


@dataclass(frozen=True)
class Evidence:
    """`paid`: when, in real Unix seconds, the last bill of a notification was paid in full; `is_open`: whether anybody
    may be contacted at a moment; `slack`: what of the clock's time one second of real time is; `wishes`: by
    notification."""

    attempts: Sequence[LoggedAttempt]
    contacts: Sequence[Contact]
    paid: Mapping[int, float]
    is_open: Callable[[datetime], bool]
    slack: timedelta
    finished: bool
    difference: int
    recordings: Recordings = Recordings()
    wishes: Mapping[int, Wish] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    rule: Rule
    passed: bool
    figures: Mapping[str, int] = field(default_factory=dict)
    offenders: Sequence[str] = ()


def compare(evidence: Evidence) -> list[Check]:
    """Every rule, kept or broken."""
    log = {attempt.id: attempt for attempt in evidence.attempts}
    return [
        Check(Rule.FINISHED, evidence.finished),
        Check(Rule.ADDS_UP, evidence.difference == 0, {"difference": evidence.difference}),
        *(_same_count(rule, channel, evidence) for rule, channel in COUNTED.items()),
        _one_to_one(evidence, log),
        _same_outcomes(evidence.contacts, log),
        _recordings(evidence.recordings),
        _once_per_try(evidence.contacts, log),
        _first_as_preferred(evidence, log),
        _nobody_after_payment(evidence, log),
        _inside_the_window(evidence),
    ]


COUNTED = {Rule.CALLS: "voice", Rule.TEXTS: "sms", Rule.MAILS: "email"}


def _broken(rule: Rule, offenders: Iterable[str], **figures: int) -> Check:
    found = list(offenders)
    return Check(rule, not found, {**figures, "broken": len(found)}, found[:MOST_OFFENDERS])


def _same_count(rule: Rule, channel: str, evidence: Evidence) -> Check:
    ours = sum(a.channel == channel and a.disposition not in NEVER_LEFT for a in evidence.attempts)
    theirs = sum(contact.kind == channel for contact in evidence.contacts)
    return Check(rule, ours == theirs, {"ours": ours, "theirs": theirs})


def _one_to_one(evidence: Evidence, log: Mapping[UUID, LoggedAttempt]) -> Check:
    """Every contact has its row and every row that left its contact, of the same kind and only one."""
    seen = Counter(contact.attempt for contact in evidence.contacts)
    kinds = {contact.attempt: contact.kind for contact in evidence.contacts}
    left = [attempt for attempt in log.values() if attempt.disposition not in NEVER_LEFT]
    offenders = [f"{attempt.id}: nobody has seen it" for attempt in left if attempt.id not in seen]
    for attempt, times in seen.items():
        if attempt is None or attempt not in log:
            offenders.append(f"{attempt}: not in our log")
        elif times > 1:
            offenders.append(f"{attempt}: {times} times")
        elif log[attempt].channel != kinds[attempt]:
            offenders.append(f"{attempt}: {log[attempt].channel} here, {kinds[attempt]} there")
    return _broken(Rule.ONE_TO_ONE, offenders, compared=len(seen))


def _same_outcomes(contacts: Sequence[Contact], log: Mapping[UUID, LoggedAttempt]) -> Check:
    offenders = []
    compared = 0
    for contact in contacts:
        if contact.attempt is None or (attempt := log.get(contact.attempt)) is None:
            continue
        compared += 1
        theirs = _ending(contact, attempt)
        if attempt.disposition != theirs:
            offenders.append(f"{attempt.id}: {attempt.disposition} here, {theirs} there")
    return _broken(Rule.OUTCOMES, offenders, compared=compared)


def _ending(contact: Contact, attempt: LoggedAttempt) -> str | None:
    """A call that was picked up reached the customer when anything after the essential part was heard."""
    if contact.kind == "voice" and contact.ending == "hung_up" and _bare(contact.heard) & _bare(attempt.rest):
        return "answered"
    return contact.ending


def _bare(lines: Iterable[str]) -> frozenset[str]:
    """Without punctuation: of a recording only the pauses are known."""
    return frozenset(re.sub(r"\W+", "", line) for line in lines)


def _recordings(found: Recordings) -> Check:
    offenders = [*(f"{url}: not played" for url in found.failed), *(f"{url}: fetched again" for url in found.repeated)]
    return _broken(Rule.RECORDINGS, offenders, compared=found.played)


def _once_per_try(contacts: Sequence[Contact], log: Mapping[UUID, LoggedAttempt]) -> Check:
    rung: Counter[tuple[str, int, int, int]] = Counter()
    for contact in contacts:
        if contact.rang and contact.attempt is not None and (attempt := log.get(contact.attempt)) is not None:
            rung[attempt.channel, attempt.notification, attempt.step, attempt.tries] += 1
    twice = [f"{channel}, notification {n}, step {step}, try {tries + 1}: {times} times"
             for (channel, n, step, tries), times in rung.items() if times > 1]  # fmt: skip
    return _broken(Rule.ONCE_PER_TRY, twice, compared=len(rung))


def _first_as_preferred(evidence: Evidence, log: Mapping[UUID, LoggedAttempt]) -> Check:
    first: dict[int, Contact] = {}
    for contact in sorted(evidence.contacts, key=lambda contact: contact.created_at):
        if contact.attempt is not None and (attempt := log.get(contact.attempt)) is not None:
            first.setdefault(attempt.notification, contact)
    compared = {n: (contact, evidence.wishes[n]) for n, contact in first.items() if n in evidence.wishes}
    offenders = [
        f"notification {n}: {contact.kind} first, not {' or '.join(sorted(wish.channels))}"
        for n, (contact, wish) in compared.items()
        if contact.kind not in wish.channels
    ]
    asked = sum(wish.asked for _, wish in compared.values())
    return _broken(Rule.PREFERRED, offenders, compared=len(compared), asked=asked)


def read_wishes(plan: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> dict[str, Wish]:
    """By subject: of the cells in the source, of which an account may have several rows."""
    found: defaultdict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for row in rows:
        if (channel := _told_first(plan, row)) is not None:
            found[row["bill_no"]].append((channel, _wish(row)))
    return {
        subject: Wish(frozenset(channel for channel, _ in ways), any(channel == wish for channel, wish in ways))
        for subject, ways in found.items()
    }


def _told_first(plan: Sequence[str], row: Mapping[str, Any]) -> str | None:
    cells = [read_cell(cell) for cell in (row["mobile"], row["phone"]) if cell is not None]
    number = next((cell.e164 for cell in cells if isinstance(cell, Number)), None)
    email = (row["email"] or "").strip()
    has: Mapping[str | None, bool] = {
        "voice": number is not None,
        "sms": number is not None and number.startswith("+8869"),
        "email": "@" in email and " " not in email,
    }
    return next((channel for channel in (_wish(row), *plan) if channel in plan and has.get(channel)), None)


def _wish(row: Mapping[str, Any]) -> str | None:
    return row["prefers"].strip().lower() if row["prefers"] else None


def _nobody_after_payment(evidence: Evidence, log: Mapping[UUID, LoggedAttempt]) -> Check:
    offenders, compared = [], 0
    for contact in evidence.contacts:
        attempt = log.get(contact.attempt) if contact.attempt is not None else None
        paid = evidence.paid.get(attempt.notification) if attempt else None
        if attempt is None or paid is None:
            continue
        compared += 1
        if contact.created_real > paid + LATEST_AFTER_PAYMENT:
            offenders.append(f"{attempt.id}: {contact.created_real - paid:.1f} s after the payment")
    return _broken(Rule.AFTER_PAYMENT, offenders, payers=len(evidence.paid), compared=compared)


def _inside_the_window(evidence: Evidence) -> Check:
    """Decided inside the window, and on its way within a real second of that."""
    outside = []
    for contact in evidence.contacts:
        decided = attempt_time(contact.attempt) if contact.attempt is not None else contact.created_at
        late = contact.created_at - decided > evidence.slack and not evidence.is_open(contact.created_at)
        if late or not evidence.is_open(decided):
            outside.append(f"{contact.attempt}: {contact.created_at.isoformat()}")
    return _broken(Rule.WINDOW, outside, compared=len(evidence.contacts))


def read_recordings(entries: Iterable[Mapping[str, Any]], clips: Iterable[Mapping[str, Any]]) -> Recordings:
    """Of the ledger, and of what the carrier has fetched."""
    calls = [entry for entry in entries if entry["kind"] == "call"]
    fetched = {clip["url"]: clip["requests"] for clip in clips}
    troubles = [trouble["url"] or "" for call in calls for trouble in call["errors"]]
    return Recordings(
        sum(heard["kind"] == "play" for call in calls for heard in call["heard"]),
        tuple(url for url in troubles if url in fetched),
        tuple(url for url, requests in fetched.items() if requests > 1),
    )


def needs_words(entry: Mapping[str, Any]) -> bool:
    """Whether what became of a call depends on what was heard in it."""
    return entry["kind"] == "call" and _call_ending(entry) == "hung_up"


def read_ledger(entries: Iterable[Mapping[str, Any]]) -> list[Contact]:
    """The carrier's ledger, entry by entry. A status no table knows is itself, and so differs from ours."""
    return [_call(entry) if entry["kind"] == "call" else _text(entry) for entry in entries]


def _call(entry: Mapping[str, Any]) -> Contact:
    heard = frozenset(line for one in entry["heard"] for line in (one.get("lines") or [one.get("words", "")]))
    return _contact("voice", entry, _call_ending(entry), entry["status"] not in UNNOTICED, heard)


def _text(entry: Mapping[str, Any]) -> Contact:
    word = entry["status"], entry["error_code"]
    return _contact("sms", entry, TEXT_ENDINGS.get(word, f"{word[0]} {word[1]}"), entry["status"] not in UNNOTICED)


def _contact(
    kind: str, entry: Mapping[str, Any], ending: str, rang: bool, heard: frozenset[str] = frozenset()
) -> Contact:
    created = datetime.fromisoformat(entry["created_at"])
    return Contact(kind, _attempt_of(entry["status_callback"]), created, entry["created_real"], ending, rang, heard)


def _attempt_of(url: str | None) -> UUID | None:
    found = parse_qs(urlsplit(url or "").query).get("attempt", [""])[0]
    try:
        return UUID(found)
    except ValueError:
        return None


def _call_ending(entry: Mapping[str, Any]) -> str:
    if entry["status"] == "completed":
        return _picked_up(entry["pressed"], entry["answered_by"] or "")
    word = entry["status"], entry["sip_code"]
    plain = entry["status"], None
    return CALL_ENDINGS.get(word) or CALL_ENDINGS.get(plain) or f"{word[0]} {word[1]}"


def _picked_up(pressed: Sequence[str], answered_by: str) -> str:
    """What a person's keys made of the call; `hung_up` until what was heard shows otherwise."""
    for before, key in zip([None, *pressed], pressed, strict=False):
        if key in REPLIES:
            return "answered"
        if key == before and key in CONFIRMED:
            return CONFIRMED[key]
    return "machine" if answered_by.startswith(("machine", "fax")) else "hung_up"


def read_mailbox(mails: Iterable[Mapping[str, Any]], attempts: Iterable[LoggedAttempt]) -> list[Contact]:
    """The mails as contacts of the attempts that their Message-IDs name: notification, step and try."""
    by_reference: defaultdict[str, list[UUID]] = defaultdict(list)
    for attempt in attempts:
        if attempt.channel == "email" and attempt.disposition not in NEVER_LEFT:
            by_reference[f"{attempt.notification}.{attempt.step}.{attempt.tries}"].append(attempt.id)
    return [
        Contact(
            "email",
            _taken(by_reference[mail["message_id"].strip("<>").partition("@")[0]]),
            datetime.fromisoformat(mail["received_at"]),
            mail["received_real"],
            "accepted",
        )
        for mail in mails
    ]


def _taken(attempts: list[UUID]) -> UUID | None:
    return attempts.pop(0) if attempts else None


def rest_of(message: Mapping[str, Any] | None) -> frozenset[str]:
    """The lines of a stored voice message that follow its essential part, in any language."""
    scripts: Collection[Mapping[str, Any]] = (message or {}).get("scripts", {}).values()
    return frozenset(plain(line) for script in scripts for line in script["marked"][script["essential"] :])
