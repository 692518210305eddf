"""Answers of customers, as whoever acts on them sees and moves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


class AnswerState(StrEnum):
    OPEN = "open"  # nobody has it
    CLAIMED = "claimed"
    CLOSED = "closed"


class Move(StrEnum):
    """What a person does with an answer."""

    CLAIMED = "claimed"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True)
class AnswerQueries:
    list_answers: Query
    find: Query
    history: Query
    move: Query
    overdue_by_section: Query


@dataclass(frozen=True, slots=True)
class Answer:
    """`standing`: whether it held by the facts of that moment; `due_at`: until when somebody should have acted."""

    id: int
    campaign: str
    subjects: Sequence[str]
    account_no: str | None
    district: str | None
    section: str
    action: str
    value: str | None
    standing: str
    at: datetime
    due_at: datetime
    state: str
    claimed_by: str | None
    claimed_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    move: str
    by: str
    note: str | None
    at: datetime


class AnswerStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(AnswerQueries, sql_root() / "answer.sql")

    async def some(
        self, section: str | None, states: Sequence[AnswerState], overdue_at: datetime | None, most: int
    ) -> list[Answer]:
        """The nearest deadline first. `overdue_at`: only what should have been acted on by then."""
        rows = await self._q.list_answers.fetch(
            self._pool, section=section or "", states=list(states), overdue_at=overdue_at, most=most
        )
        return [Answer(**row) for row in rows]

    async def find(self, reply: int) -> Answer | None:
        row = await self._q.find.fetch_row(self._pool, reply=reply)
        return Answer(**row) if row else None

    async def history(self, reply: int) -> list[Moved]:
        return [Moved(**row) for row in await self._q.history.fetch(self._pool, reply=reply)]

    async def move(self, reply: int, move: Move, by: str, note: str | None, now: datetime) -> bool:
        """Answers whether it could be moved so. Of several who claim at once, one can."""
        moved = await self._q.move.fetch_value(self._pool, reply=reply, move=move.value, by=by, note=note, now=now)
        return moved is not None

    async def overdue(self, now: datetime) -> dict[str, int]:
        """How many by section."""
        rows = await self._q.overdue_by_section.fetch(self._pool, now=now)
        return {row["section"]: row["answers"] for row in rows}
