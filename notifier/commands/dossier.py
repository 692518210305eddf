"""Everything that is on record about one customer, gathered from the log."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from notifier.commands.asked import Asked
from notifier.domain.address import mask_address
from notifier.domain.attempt_id import attempt_time
from notifier.domain.notice_code import notice_code
from notifier.domain.telephone import Number
from notifier.storage.inquiries import Row

if TYPE_CHECKING:
    from notifier.app import App


@dataclass(frozen=True, slots=True)
class Dossier:
    """`attempts` by notification and `receipts` by attempt, oldest first; the rest newest first."""

    asked: Asked
    notifications: list[Row]
    attempts: dict[int, list[Row]]
    receipts: dict[Any, list[Row]]
    excluded: list[Row]
    suppressions: list[Row]
    book: Row | None = None

    @property
    def empty(self) -> bool:
        return not (self.notifications or self.excluded or self.suppressions)


async def gather(app: "App", asked: Asked, *, most: int, receipts: bool) -> Dossier:
    notifications = await _notifications(app, asked, most)
    ids = [row["id"] for row in notifications]
    attempts = _by(await app.inquiries.attempts(ids), "notification_id")
    attempt_ids = [row["id"] for rows in attempts.values() for row in rows]
    accounts = {row["account_no"] for row in notifications} if asked.address is None else set()
    if asked.account:
        accounts.add(asked.account)
    excluded = [row for account in sorted(accounts) for row in await app.inquiries.excluded(account, most)]
    return Dossier(
        asked=asked,
        notifications=notifications,
        attempts=attempts,
        receipts=_by(await app.inquiries.receipts(attempt_ids), "attempt_id") if receipts else {},
        excluded=excluded,
        suppressions=await _suppressions(app, asked, ids),
        book=await app.inquiries.reading_of(asked.text) if asked.reading else None,
    )


async def _notifications(app: "App", asked: Asked, most: int) -> list[Row]:
    """Whatever the text can be read as is looked for; the first that finds something is what was meant."""
    if asked.notification is not None and (found := await app.inquiries.notification(asked.notification)):
        return found
    if asked.account is not None and (found := await app.inquiries.notifications_of_account(asked.account, most)):
        return found
    return await app.inquiries.notifications_to(asked.address, most) if asked.address else []


async def _suppressions(app: "App", asked: Asked, notifications: list[int]) -> list[Row]:
    addresses = await app.inquiries.addresses(notifications) if asked.address is None else [asked.address]
    return [{"address": address, **row} for address in addresses for row in await app.inquiries.suppressions(address)]


def _by(rows: list[Row], name: str) -> dict[Any, list[Row]]:
    grouped: dict[Any, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[name], []).append(row)
    return grouped


def dossier_json(dossier: Dossier, *, words: bool) -> dict[str, Any]:
    """As JSON; the exact words only where they were asked for."""
    reading = dossier.asked.reading
    read = None
    if reading is not None:
        read = {"number": reading.e164} if isinstance(reading, Number) else {"reason": reading.reason.value}
    return {
        "asked": dossier.asked.text,
        "reading": read,
        "number_book": dossier.book,
        "notifications": [_notification_json(dossier, row, words) for row in dossier.notifications],
        "excluded": dossier.excluded,
        "suppressions": [
            {**row, "address": shown_address(dossier.asked, row["address"])} for row in dossier.suppressions
        ],
    }


def _notification_json(dossier: Dossier, row: Row, words: bool) -> Row:
    attempts = dossier.attempts.get(row["id"], [])
    return {
        **row,
        "notice_code": notice_code(row["id"]),
        "attempts": [_attempt_json(dossier, attempt, words) for attempt in attempts],
    }


def _attempt_json(dossier: Dossier, attempt: Row, words: bool) -> Row:
    shown = {name: value for name, value in attempt.items() if words or name != "message"}
    shown["at"] = attempt_time(attempt["id"])
    shown["engine"] = engine_of(attempt)
    if dossier.receipts:
        shown["receipts"] = dossier.receipts.get(attempt["id"], [])
    return shown


def engine_of(attempt: Row) -> str | None:
    """Who spoke the call; None for what is no call, and for one whose words are erased."""
    engine: str | None = (attempt["message"] or {}).get("engine")
    return engine


def shown_address(asked: Asked, address: str) -> str:
    """The address that was asked for as it is; of any other only enough to recognise it by."""
    return address if address == asked.address else mask_address(address)
