"""What pressed keys make us do, in the transaction that records them: rows for the office, events for the world
outside, and reminders that rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from notifier.domain.calendar import Calendar
from notifier.domain.message import Action
from notifier.domain.receipt import Receipt
from notifier.domain.reply import OFFICE_WORK, PAUSING, RETURNING, Standing, due_at
from notifier.engine.webhooks import OUTBOX
from notifier.storage.database import WakeUps
from notifier.storage.replies import Answer, ReplyStore, Rest


@dataclass(frozen=True, slots=True)
class Rests:
    """For how long reminders of a bill rest, after each key that asks for it."""

    already_paid: timedelta
    promise: timedelta
    extension: timedelta

    def of(self, action: Action) -> timedelta:
        return {
            Action.ALREADY_PAID: self.already_paid,
            Action.PROMISE: self.promise,
            Action.EXTENSION: self.extension,
        }[action]


@dataclass(frozen=True, slots=True)
class Replying:
    """`closes`: when the office does, local time."""

    replies: ReplyStore
    calendar: Calendar
    rests: Rests
    closes: time
    wake_ups: WakeUps

    async def carry_out(self, connection: Any, receipts: Sequence[Receipt], now: datetime) -> None:
        """What the keys of these receipts ask for. A call's key that is applied again changes nothing."""
        pressed = [(receipt, receipt.action) for receipt in receipts if receipt.action is not None]
        if not pressed:
            return
        await self.replies.store(connection, now, [self._answer(one, action) for one, action in pressed])
        await self.wake_ups.send(OUTBOX, connection)
        if resting := [self._rest(one, action) for one, action in pressed if action in PAUSING]:
            await self.replies.rest(connection, now, resting)

    def _answer(self, receipt: Receipt, action: Action) -> Answer:
        work = OFFICE_WORK.get(action)
        return Answer(
            receipt.attempt,
            action,
            receipt.detail.get("key", ""),
            receipt.at,
            due_at(action, receipt.at, self._end_of_next_working_day),
            work.kind if work else None,
            receipt.detail.get("day") or (work.value if work else "") or None,
            Standing(receipt.detail.get("standing", Standing.HOLDS)),
        )

    def _rest(self, receipt: Receipt, action: Action) -> Rest:
        return Rest(receipt.attempt, receipt.at + self.rests.of(action), action.value, action in RETURNING)

    def _end_of_next_working_day(self, now: datetime) -> datetime:
        day = self.calendar.local(now).date() + timedelta(days=1)
        while self.calendar.day_off(day) is not None:
            day += timedelta(days=1)
        return datetime.combine(day, self.closes, self.calendar.zone)
