"""What customers answered: stored with what the world outside is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.attempt_id import AttemptId
from notifier.domain.message import Action
from notifier.domain.reply import Standing
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into


@dataclass(frozen=True)
class ReplyQueries:
    about: Query
    store: Query
    rest: Query
    history: Query


@dataclass(frozen=True, slots=True)
class Answer:
    """One customer's key. `kind`: the work it makes for the office, None for none; `value`: the day or half-day."""

    attempt: AttemptId
    action: Action
    key: str
    at: datetime
    due_at: datetime
    kind: str | None = None
    value: str | None = None
    standing: Standing = Standing.HOLDS


@dataclass(frozen=True, slots=True)
class Rest:
    """Reminders of what an attempt was about rest `until`; `returns`: then it may be told once more."""

    attempt: AttemptId
    until: datetime
    reason: str
    returns: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One thing known of a case's days: `what` is slipped, proposed or chosen; `day` is ISO."""

    at: datetime
    what: str
    day: str | None
    attempt_id: AttemptId | None
    key: str | None
    standing: str | None


class ReplyStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._q = load_into(ReplyQueries, sql_root() / "reply.sql")

    async def about(self, attempt: AttemptId) -> tuple[str, list[str]] | None:
        """The campaign and the subjects of an attempt; None when there is no such attempt."""
        row = await self._q.about.fetch_row(self._pool, attempt=attempt)
        return (row["campaign"], list(row["subjects"])) if row else None

    async def store(self, connection: Any, now: datetime, answers: Sequence[Answer]) -> None:
        await self._q.store.execute(
            connection, now=now,
            attempts=[a.attempt for a in answers], actions=[a.action.value for a in answers],
            keys=[a.key for a in answers], chosen=[a.value for a in answers],
            standings=[a.standing.value for a in answers], at=[a.at for a in answers],
            due=[a.due_at for a in answers], kinds=[a.kind for a in answers],
        )  # fmt: skip

    async def rest(self, connection: Any, now: datetime, rests: Sequence[Rest]) -> None:
        await self._q.rest.execute(
            connection, now=now,
            attempts=[r.attempt for r in rests], until=[r.until for r in rests],
            reasons=[r.reason for r in rests], again=[r.returns for r in rests],
        )  # fmt: skip

    async def history(self, subject: str) -> list[Step]:
        """What happened to the days of a case, the oldest first."""
        return [Step(**row) for row in await self._q.history.fetch(self._pool, subject=subject)]
