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
    fired: Query
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

    async def due(self, connection: Connection, now: datetime) -> list[Schedule]:
        """What should have fired by now, locked for the transaction: another scheduler is given none of it."""
        return [Schedule(**row) for row in await self._q.due.fetch(connection, now=now)]

    async def fired(self, connection: Connection, name: str, next_at: datetime, last_at: datetime, note: str) -> None:
        await self._q.fired.execute(connection, name=name, next_at=next_at, last_at=last_at, note=note)

    async def all(self) -> list[Schedule]:
        return [Schedule(**row) for row in await self._q.list_schedules.fetch(self.pool)]
