"""Drawing an audience: staging, the number book, screening and the fan-out, all in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import asyncpg

from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Connection, Query, load_into
from notifier.storage.source import STAGING

WRITING = timedelta(minutes=1)  # more than the source is given: it is for the source to give up, with the reason


@dataclass(frozen=True)
class PlannerQueries:
    create_staging: Query
    stage_list: Query
    take_turns: Query
    analyze_staging: Query
    unread_cells: Query
    keep_numbers: Query
    screen: Query
    count_staged: Query
    preview: Query
    fates: Query
    samples: Query
    by_subject: Query
    fan_out: Query
    analyze_notifications: Query


@dataclass(frozen=True, slots=True)
class Screening:
    """What screening needs to know of a campaign. `preferences` and `first_steps` as documented in planner.sql;
    `again`: why a person decides about a subject that was told before."""

    campaign: str
    purpose: str
    now: datetime
    zone: str
    expiry_days: int
    expiry_at: time
    locales: Sequence[str]
    default_locale: str
    merge: bool
    preferences: Sequence[str]
    first_steps: Sequence[int]
    again: str | None


@dataclass(frozen=True, slots=True)
class Screened:
    """How many rows the source gave, how many of them nobody has told yet, how many of these are left out, and when
    the first of the others expires."""

    staged: int
    selected: int
    excluded: int
    next_expiry: datetime | None

    @property
    def tellable(self) -> int:
        """Whom to tell is known, whether it was done before or not."""
        return self.staged - self.excluded


@dataclass(frozen=True, slots=True)
class PutOff:
    """Whom a suspension leaves alone is due when it is over, and why that is so."""

    suspension: int
    opens: datetime
    because: str


@dataclass(frozen=True, slots=True)
class OneSubject:
    """What an audience says of one subject: `selected` by it at all; `tellable`: now, to somebody, for the first time;
    else why not, unless it was told before."""

    subject: str
    selected: bool
    tellable: bool
    out_because: str | None


class AudienceStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(PlannerQueries, sql_root() / "planner.sql")

    async def take_turns(self, connection: Connection, campaign: str) -> None:
        """Wait for our turn among the runs of this campaign; it lasts as long as the transaction."""
        await self._q.take_turns.fetch(connection, campaign=campaign)

    async def stage(self, connection: Connection, rows: AsyncIterator[bytes], within: timedelta) -> None:
        """Copy an audience in, which may take the source so long."""
        await self._q.create_staging.execute(connection)
        seconds = (within + WRITING).total_seconds()
        await _unless_lost(
            connection,
            connection.copy_to_table("staging", source=rows, columns=list(STAGING), format="binary", timeout=seconds),
        )
        await self._q.analyze_staging.execute(connection)

    async def stage_list(
        self,
        connection: Connection,
        list_id: int,
        template: str,
        cells: Collection[tuple[str, str]],
        used: Collection[str],
    ) -> None:
        """Let the rows of an uploaded list take the place of what the source said of its accounts. `cells`: the names
        of what the words cannot do without, each with what it must read as; `used`: all that they may say."""
        await self._q.stage_list.execute(
            connection, list=list_id, template=template, used=sorted(used),
            names=[name for name, _ in sorted(cells)], kinds=[kind for _, kind in sorted(cells)],
        )  # fmt: skip

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
        return Screened(**row) if row else Screened(0, 0, 0, None)

    async def by_subject(self, connection: Connection, subjects: Sequence[str]) -> list[OneSubject]:
        """What became of each of these subjects, once they are screened."""
        rows = await self._q.by_subject.fetch(connection, subjects=list(subjects))
        return [OneSubject(**row) for row in rows]

    async def fan_out(
        self,
        connection: Connection,
        run: int,
        campaign: str,
        due_at: datetime,
        plan_channels: Sequence[str],
        put_off: Sequence[PutOff] = (),
    ) -> None:
        await self._q.fan_out.execute(
            connection, run=run, campaign=campaign, due_at=due_at, plan_channels=list(plan_channels),
            suspensions=[one.suspension for one in put_off],
            opens=[one.opens for one in put_off],
            reasons=[one.because for one in put_off],
        )  # fmt: skip

    async def refresh_statistics(self) -> None:
        """After the fan-out has been committed; unless somebody is at it already."""
        with suppress(asyncpg.LockNotAvailableError):
            await self._q.analyze_notifications.execute(self.pool)

    async def preview(self, connection: Connection) -> dict[str, Any]:
        row = await self._q.preview.fetch_row(connection)
        return {name: value or {} if name not in COUNTS else value for name, value in dict(row or {}).items()}

    async def fates(self, connection: Connection, subjects: Sequence[str]) -> list[dict[str, Any]]:
        """What the drawing makes of these subjects; a row for each that the source has put into the audience."""
        return [dict(row) for row in await self._q.fates.fetch(connection, subjects=list(subjects))]

    async def samples(self, connection: Connection, most: int) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._q.samples.fetch(connection, most=most)]


async def _unless_lost(connection: Connection, copy: Coroutine[Any, Any, object]) -> None:
    """A copy whose connection is cut while its buffer is full waits in asyncpg for room that there never will be."""
    lost = asyncio.Event()

    def note(_connection: Any) -> None:
        lost.set()

    connection.add_termination_listener(note)
    copying, losing = asyncio.ensure_future(copy), asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait([copying, losing], return_when=asyncio.FIRST_COMPLETED)
        if not copying.done():
            raise ConnectionResetError("the connection was lost in the middle of the copy")
        await copying
    finally:
        for task in (copying, losing):
            task.cancel()
        await asyncio.gather(copying, losing, return_exceptions=True)
        with suppress(asyncpg.InterfaceError):  # lost, it is the pool's again
            connection.remove_termination_listener(note)


COUNTS = frozenset({"merged", "notifications", "with_phone", "with_mobile", "with_email"})
