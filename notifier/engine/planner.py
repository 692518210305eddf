"""Draws a run's audience: by binary COPY into staging, screened, merged and inserted in one transaction."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from notifier.clock import Clock
from notifier.domain.calendar import NeverOpen
from notifier.domain.campaign import Campaign
from notifier.domain.follow_up import PREFERENCES
from notifier.domain.message import LOCALES
from notifier.domain.states import RunState
from notifier.domain.suspension import because_of
from notifier.domain.telephone import Number, read_cell
from notifier.domain.watch import has_shrunk
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.engine.clips import Clips
from notifier.engine.list_fit import DoesNotFit, Fit, fit_list
from notifier.engine.preparer import recorded_channel
from notifier.engine.rendering import Rendering
from notifier.engine.write_ahead import URGENT_BELOW
from notifier.storage.audiences import AudienceStore, PutOff, Screened, Screening
from notifier.storage.database import LOST, WakeUps
from notifier.storage.error_words import without_cells
from notifier.storage.lists import ListStore
from notifier.storage.queries import Connection, QueryError
from notifier.storage.runs import Run, RunStore
from notifier.storage.source import Source, SourceBroken, SourceLost, SourceSlow
from notifier.storage.suspensions import SuspensionStore

log = structlog.get_logger()

POLL = 1.0  # real seconds; covers a lost wake-up
CELLS_AT_ONCE = 2000  # telephone cells read between two turns of the event loop: about 50 ms
DEFAULT_LOCALE = "zh-TW"
AWAY = 1.0  # real seconds between two tries at a source that is away
PATIENCE = 3  # audiences that took too long, before a person must look


@dataclass(frozen=True, slots=True)
class Drawn:
    """An audience staged and screened inside an open transaction."""

    screened: Screened
    due_at: datetime
    put_off: tuple[PutOff, ...] = ()

    @property
    def selected(self) -> int:
        return self.screened.selected

    @property
    def already_told(self) -> int:
        return self.screened.staged - self.screened.selected


class Moved(Exception):
    """A person paused or cancelled the run while its audience was drawn."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run could not be planned, and the state that follows; in PLANNING it is tried again in `wait` seconds."""

    why: str
    then: RunState
    wait: float = 0.0


@dataclass
class Planner:
    catalogue: Catalogue
    clock: Clock
    audiences: AudienceStore
    runs: RunStore
    source: Source
    wake_ups: WakeUps
    clips: Clips
    suspensions: SuspensionStore
    lists: ListStore
    rendering: Rendering
    _woken: asyncio.Event = field(init=False)
    _slow: Counter[int] = field(default_factory=Counter)  # tries at an audience that took too long, by run
    _not_before: dict[int, float] = field(default_factory=dict)  # monotonic seconds

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event("planner")

    async def run(self) -> None:
        """Plan runs as they are opened, until cancelled."""
        persistence = Persistence("planner")
        while True:
            if not await persistence.attempt(self.plan_next):
                await wait_for(self._woken, POLL)

    async def plan_next(self) -> bool:
        """Plan one run; answers whether there is reason to look again at once. All is one transaction: a planner that
        dies leaves nothing behind and another begins anew."""
        if self.clock.astray:
            return False
        async with self.audiences.pool.acquire() as connection, connection.transaction():
            run = await self.runs.next_to_plan(connection, self._later())
            if run is None:
                return False
            trouble = await self._plan(connection, run)
        if trouble is not None:
            await self._explain(run, trouble)
            return False
        self._forget(run)
        await self.suspensions.ask_again(self.clock.now())  # one may have been set while the audience was drawn
        await self.audiences.refresh_statistics()
        await self.wake_ups.send("lanes")
        await self.wake_ups.send("planner")  # a run to prepare
        return True

    def _later(self) -> list[int]:
        return [run for run, moment in self._not_before.items() if moment > time.monotonic()]

    async def _plan(self, connection: Connection, run: Run) -> Trouble | None:
        if (what := self.catalogue.waits_for(run.campaign)) is not None:  # another worker may have it
            return Trouble(what, RunState.PLANNING, 10 * AWAY)
        try:
            async with connection.transaction():
                drawn = await self.draw(connection, self.catalogue.campaign(run.campaign), run.params)
                await self._fan_out(connection, run, drawn)
        except Moved:
            return None
        except SourceSlow as error:
            return self._too_slow(run, error)
        except SourceLost as error:
            return Trouble(f"the source database: {error}", RunState.PLANNING, AWAY)
        except SourceBroken as error:
            return Trouble(f"the source does not hold its contract: {error}", RunState.FAILED)
        except (QueryError, NeverOpen, DoesNotFit) as error:
            return Trouble(str(error), RunState.FAILED)
        except LOST:
            raise
        except asyncpg.PostgresError as error:
            return Trouble(f"its audience cannot be drawn: {without_cells(error)}", RunState.FAILED)
        return None

    def _too_slow(self, run: Run, error: SourceSlow) -> Trouble:
        """It may be the hour, so it is asked again; but not for ever, and at most half of the time: it has others to
        answer."""
        self._slow[run.id] += 1
        if self._slow[run.id] < PATIENCE:
            wait = self.source.audience_within.total_seconds()
            return Trouble(f"the source database: {error}", RunState.PLANNING, wait)
        return Trouble(f"its audience: {error}, {PATIENCE} times in a row", RunState.PAUSED)

    async def _explain(self, run: Run, trouble: Trouble) -> None:
        if trouble.then is RunState.PLANNING:
            self._not_before[run.id] = time.monotonic() + trouble.wait
            await self.runs.wait_for(run.id, trouble.why)
            log.warning("run.waiting", run=run.id, waiting_for=trouble.why)
            return
        self._forget(run)
        await self.runs.move(run.id, trouble.then, trouble.why, self.clock.now())
        log.error(
            "run.failed" if trouble.then is RunState.FAILED else "run.paused_itself", run=run.id, reason=trouble.why
        )

    def _forget(self, run: Run) -> None:
        self._slow.pop(run.id, None)
        self._not_before.pop(run.id, None)

    async def draw(
        self,
        connection: Connection,
        campaign: Campaign,
        params: Mapping[str, Any],
        subjects: Sequence[str] | None = None,
    ) -> Drawn:
        """Stage and screen the audience as of now, or these subjects of it, inside the transaction of `connection`."""
        await self.audiences.take_turns(connection, campaign.name)
        now = self.clock.now()
        due_at = self.catalogue.opening(campaign)(now)
        fit = await fit_list(self.lists, self.rendering, campaign, params, connection) if campaign.listed else None
        given = params if fit is None else {"accounts": await self.lists.accounts(connection, fit.uploaded.id)}
        async with self.source.audience(campaign.name, now, given, subjects) as rows:
            await self.audiences.stage(connection, rows, self.source.audience_within)
        if fit is not None:
            await self._stage_list(connection, fit)
        await self._read_cells(connection)
        screened = await self.audiences.screen(connection, self._screening(campaign, now))
        return Drawn(screened, due_at, await self._put_off(connection, campaign, now))

    async def _put_off(self, connection: Connection, campaign: Campaign, now: datetime) -> tuple[PutOff, ...]:
        opening = self.catalogue.opening(campaign)
        return tuple(
            PutOff(one.id, opening(one.until), because_of(one.reason))
            for one in await self.suspensions.standing(now, connection)
            if campaign.purpose in one.purposes
        )

    async def _stage_list(self, connection: Connection, fit: Fit) -> None:
        columns = fit.uploaded.columns.keys()
        cells = {(name, kind.value) for name, kind in fit.needs.cells if name in columns}
        await self.audiences.stage_list(connection, fit.uploaded.id, fit.template, cells, fit.needs.used)

    async def _fan_out(self, connection: Connection, run: Run, drawn: Drawn) -> None:
        campaign = self.catalogue.campaign(run.campaign)
        channels = [step.channel for step in campaign.plan]
        await self.audiences.fan_out(connection, run.id, campaign.name, drawn.due_at, channels, drawn.put_off)
        expiry = drawn.screened.next_expiry
        now = self.clock.now()
        state = self._next_state(campaign)
        if not await self.runs.planned(connection, run.id, now, state, drawn.selected, drawn.already_told, expiry):
            raise Moved
        log.info("run.planned", run=run.id, selected=drawn.selected, already_told=drawn.already_told)
        before = await self.runs.tellable_before(run.campaign, run.params, run.id, connection)
        if has_shrunk(drawn.screened.tellable, before):
            log.warning("run.audience_has_shrunk", run=run.id, tellable=drawn.screened.tellable, before=before)

    def _next_state(self, campaign: Campaign) -> RunState:
        """What is urgent does not queue up behind the recordings of others: its own are made while it waits for its
        turn."""
        speaks = recorded_channel(self.catalogue, campaign) is not None
        is_prepared = speaks and self.clips.own_engines and campaign.priority >= URGENT_BELOW
        return RunState.PREPARING if is_prepared else RunState.OPEN

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
            preferences=PREFERENCES,
            first_steps=self.catalogue.first_steps(campaign),
            again=campaign.again,
        )
