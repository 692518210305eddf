"""The timetable's truth: when each schedule fires next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into


@dataclass(frozen=True)
class ScheduleQueries:
    ensure: Query
    due: Query
    note: Query
    list_schedules: Query


@dataclass(frozen=True, slots=True)
class Schedule:
    name: str
    campaign: str
    cron: str
    params: Mapping[str, Any]
    policy: str
    next_at: datetime
    last_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """What became of a schedule's turn. `last_at`: when it fired last, by the clock of that moment."""

    next_at: datetime
    last_at: datetime | None
    note: str
    fired: bool = False

    def changes(self, schedule: Schedule) -> bool:
        return (self.next_at, self.last_at, self.note) != (schedule.next_at, schedule.last_at, schedule.note)


class ScheduleStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(ScheduleQueries, sql_root() / "schedule.sql")

    async def ensure(
        self, name: str, campaign: str, cron: str, params: Mapping[str, object], next_at: datetime
    ) -> None:
        """Enter a schedule, or bring its words up to date; a changed cron line starts anew from `next_at`."""
        await self._q.ensure.execute(
            self.pool, name=name, campaign=campaign, cron=cron, params=dict(params), next_at=next_at
        )

    async def due(
        self, connection: Connection, now: datetime, set_back: datetime, real_now: datetime
    ) -> list[Schedule]:
        """What should have fired by now, or fired after `set_back`, which has not come yet. Locked for the transaction:
        another scheduler is given none of it. Nothing when `real_now` is not the database's time."""
        rows = await self._q.due.fetch(connection, now=now, set_back=set_back, real_now=real_now)
        return [Schedule(**row) for row in rows]

    async def note(self, connection: Connection, name: str, firing: Firing) -> None:
        await self._q.note.execute(
            connection, name=name, next_at=firing.next_at, last_at=firing.last_at, note=firing.note
        )

    async def all(self) -> list[Schedule]:
        return [Schedule(**row) for row in await self._q.list_schedules.fetch(self.pool)]
