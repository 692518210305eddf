"""Draws a run's audience: by binary COPY into staging, screened, merged and inserted in one transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from notifier.clock import Clock
from notifier.domain.calendar import NeverOpen
from notifier.domain.campaign import Campaign
from notifier.domain.message import LOCALES
from notifier.domain.states import RunState
from notifier.domain.telephone import Number, read_cell
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue, UnknownCampaign
from notifier.storage.audiences import AudienceStore, Screened, Screening
from notifier.storage.database import LOST, WakeUps
from notifier.storage.queries import Connection, QueryError
from notifier.storage.runs import Run, RunStore
from notifier.storage.source import Source, SourceBroken, SourceLost

log = structlog.get_logger()

POLL = 1.0  # real seconds; covers a lost wake-up
CELLS_AT_ONCE = 2000  # telephone cells read between two turns of the event loop: about 50 ms
DEFAULT_LOCALE = "zh-TW"


@dataclass(frozen=True, slots=True)
class Drawn:
    """An audience staged and screened inside an open transaction."""

    screened: Screened
    due_at: datetime

    @property
    def selected(self) -> int:
        return self.screened.selected

    @property
    def already_told(self) -> int:
        return self.screened.staged - self.screened.selected


@dataclass
class Planner:
    catalogue: Catalogue
    clock: Clock
    audiences: AudienceStore
    runs: RunStore
    source: Source
    wake_ups: WakeUps
    _woken: asyncio.Event = field(init=False)

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event("planner")

    async def run(self) -> None:
        """Plan runs as they are opened, until cancelled."""
        persistence = Persistence("planner")
        while True:
            if not await persistence.attempt(self.plan_next):
                await wait_for(self._woken, POLL)

    async def plan_next(self) -> bool:
        """Plan one run; answers whether there is reason to look again at once. The run's row stays locked while its
        audience is drawn, so that a planner that dies leaves nothing behind and another begins anew."""
        async with self.audiences.pool.acquire() as connection, connection.transaction():
            run = await self.runs.next_to_plan(connection)
            if run is None:
                return False
            problem: tuple[str, bool] | None = None
            try:
                async with connection.transaction():
                    drawn = await self.draw(connection, self.catalogue.campaign(run.campaign), run.params)
                    await self._fan_out(connection, run, drawn)
            except SourceLost as error:
                problem = f"the source database: {error}", True
            except (SourceBroken, QueryError, NeverOpen, UnknownCampaign) as error:
                problem = str(error), False
            except LOST:
                raise
            except asyncpg.PostgresError as error:
                problem = f"its audience cannot be drawn: {error}", False
        if problem is None:
            await self.audiences.refresh_statistics()
            await self.wake_ups.send("lanes")
            return True
        await self._explain(run, *problem)
        return False

    async def _explain(self, run: Run, what: str, passing: bool) -> None:
        if passing:
            await self.runs.wait_for(run.id, what)
            log.warning("run.waiting", run=run.id, waiting_for=what)
        else:
            await self.runs.move(run.id, RunState.FAILED, what, self.clock.now())
            log.error("run.failed", run=run.id, reason=what)

    async def draw(self, connection: Connection, campaign: Campaign, params: Mapping[str, Any]) -> Drawn:
        """Stage and screen the audience as of now, inside the transaction of `connection`."""
        now = self.clock.now()
        due_at = self.catalogue.opening(campaign)(now)
        async with (
            self.source.snapshot() as reader,
            aclosing(self.source.audience(reader, campaign.name, now, params)) as rows,
        ):
            await self.audiences.stage(connection, campaign.name, rows)
        await self._read_cells(connection)
        return Drawn(await self.audiences.screen(connection, self._screening(campaign, now)), due_at)

    async def _fan_out(self, connection: Connection, run: Run, drawn: Drawn) -> None:
        campaign = self.catalogue.campaign(run.campaign)
        channels = [step.channel for step in campaign.plan]
        await self.audiences.fan_out(connection, run.id, campaign.name, drawn.due_at, channels)
        expiry = drawn.screened.next_expiry
        await self.runs.planned(connection, run.id, self.clock.now(), drawn.selected, drawn.already_told, expiry)
        log.info("run.planned", run=run.id, selected=drawn.selected, already_told=drawn.already_told)

    async def _read_cells(self, connection: Connection) -> None:
        """Telephone cells nobody has read before, into the number book."""
        cells = await self.audiences.unread_cells(connection)
        for start in range(0, len(cells), CELLS_AT_ONCE):
            await self._keep(connection, cells[start : start + CELLS_AT_ONCE])

    async def _keep(self, connection: Connection, cells: Sequence[str]) -> None:
        readings = [read_cell(cell) for cell in cells]
        numbers = [reading.e164 if isinstance(reading, Number) else None for reading in readings]
        reasons = [None if isinstance(reading, Number) else reading.reason.value for reading in readings]
        await self.audiences.keep_numbers(connection, cells, numbers, reasons)

    def _screening(self, campaign: Campaign, now: datetime) -> Screening:
        return Screening(
            campaign=campaign.name,
            purpose=campaign.purpose.value,
            now=now,
            zone=self.catalogue.calendar.zone.key,
            expiry_days=campaign.expires.days,
            expiry_at=campaign.expires.at,
            locales=LOCALES,
            default_locale=DEFAULT_LOCALE,
            merge=campaign.merge_household,
            first_steps=self.catalogue.first_steps(campaign),
        )
