"""Drawing an audience: staging, the number book, screening and the fan-out, all in one transaction."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into
from notifier.storage.source import STAGING


@dataclass(frozen=True)
class PlannerQueries:
    create_staging: Query
    take_turns: Query
    analyze_staging: Query
    unread_cells: Query
    keep_numbers: Query
    screen: Query
    count_staged: Query
    preview: Query
    samples: Query
    fan_out: Query
    analyze_notifications: Query


@dataclass(frozen=True, slots=True)
class Screening:
    """What screening needs to know of a campaign. `first_steps` as documented in planner.sql."""

    campaign: str
    purpose: str
    now: datetime
    zone: str
    expiry_days: int
    expiry_at: time
    locales: Sequence[str]
    default_locale: str
    merge: bool
    first_steps: Sequence[int]


@dataclass(frozen=True, slots=True)
class Screened:
    """How many rows the source gave, how many of them nobody has told yet, and when the first of those expires."""

    staged: int
    selected: int
    next_expiry: datetime | None


class AudienceStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(PlannerQueries, sql_root() / "planner.sql")

    async def stage(self, connection: Connection, campaign: str, rows: AsyncIterator[bytes]) -> None:
        """Wait for our turn among the runs of this campaign and copy its audience in."""
        await self._q.take_turns.fetch(connection, campaign=campaign)
        await self._q.create_staging.execute(connection)
        await connection.copy_to_table("staging", source=rows, columns=list(STAGING), format="binary")
        await self._q.analyze_staging.execute(connection)

    async def unread_cells(self, connection: Connection) -> list[str]:
        return [row["cell"] for row in await self._q.unread_cells.fetch(connection)]

    async def keep_numbers(
        self, connection: Connection, cells: Sequence[str], numbers: Sequence[str | None], reasons: Sequence[str | None]
    ) -> None:
        await self._q.keep_numbers.execute(connection, cells=cells, numbers=numbers, reasons=reasons)

    async def screen(self, connection: Connection, screening: Screening) -> Screened:
        """Say of every staged row whether it is in, out or merged."""
        values = {name: getattr(screening, name) for name in Screening.__dataclass_fields__}
        await self._q.screen.execute(connection, **values)
        row = await self._q.count_staged.fetch_row(connection)
        return Screened(**row) if row else Screened(0, 0, None)

    async def fan_out(
        self, connection: Connection, run: int, campaign: str, due_at: datetime, plan_channels: Sequence[str]
    ) -> None:
        await self._q.fan_out.execute(
            connection, run=run, campaign=campaign, due_at=due_at, plan_channels=list(plan_channels)
        )

    async def refresh_statistics(self) -> None:
        """After the fan-out has been committed."""
        await self._q.analyze_notifications.execute(self.pool)

    async def preview(self, connection: Connection) -> dict[str, Any]:
        row = await self._q.preview.fetch_row(connection)
        return {name: value or {} if name not in COUNTS else value for name, value in dict(row or {}).items()}

    async def samples(self, connection: Connection, most: int) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._q.samples.fetch(connection, most=most)]


COUNTS = frozenset({"merged", "notifications", "with_phone", "with_mobile", "with_email"})
