"""The clock's jobs, held by APScheduler. When each schedule fires next is the database's word, not this process's."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from notifier.clock import Clock
from notifier.domain.campaign import read_parameters
from notifier.engine.catalogue import Catalogue
from notifier.engine.keeper import Keeper
from notifier.engine.opening import open_run
from notifier.storage.database import LOST, WakeUps
from notifier.storage.runs import RunStore
from notifier.storage.schedules import Schedule, ScheduleStore

log = structlog.get_logger()

# Real seconds between two turns of each duty; with a scaled clock all are due as often as they can be.
TURNS: dict[str, float] = {
    "fire_schedules": 1.0,
    "look_after_silent": 1.0,
    "sweep": 2.0,
    "close_runs": 1.0,
    "watch_runs": 5.0,
    "probe_channels": 5.0,  # while it fails nobody is called: it must show soon that all is well again
    "ensure_partitions": 600.0,
}


@dataclass
class Timetable:
    catalogue: Catalogue
    clock: Clock
    schedules: ScheduleStore
    runs: RunStore
    keeper: Keeper
    wake_ups: WakeUps

    async def run(self) -> None:
        """Keep the hours until cancelled."""
        await self.keeper.ensure_partitions()
        await self.enter_schedules()
        scheduler = AsyncIOScheduler(timezone=self.catalogue.calendar.zone.key)
        for name, seconds in TURNS.items():
            duty = getattr(self, name, None) or getattr(self.keeper, name)
            scheduler.add_job(
                self._guarded(name, duty), "interval", seconds=seconds, id=name, max_instances=1, coalesce=True,
                misfire_grace_time=None, next_run_time=datetime.now(self.catalogue.calendar.zone),
            )  # fmt: skip
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def enter_schedules(self) -> None:
        """Campaigns that declare hours have a schedule of their own name."""
        for campaign in self.catalogue.campaigns.values():
            if campaign.schedule is None:
                continue
            following = self.next_firing(campaign.schedule, self.clock.now())
            params = read_parameters(campaign, {})
            await self.schedules.ensure(campaign.name, campaign.name, campaign.schedule, params, following)

    async def fire_schedules(self) -> int:
        """Open the runs that are due. A firing is taken by one scheduler, and its key opens one run."""
        fired = 0
        now = self.clock.now()
        async with self.schedules.pool.acquire() as connection, connection.transaction():
            for schedule in await self.schedules.due(connection, now):
                note = await self._fire(schedule, now)
                await self.schedules.fired(connection, schedule.name, self.next_firing(schedule.cron, now), now, note)
                fired += 1
        return fired

    async def _fire(self, schedule: Schedule, now: datetime) -> str:
        """Open the run of the latest moment that is due. Firings missed before it are caught up by that one run, since
        an audience holds whatever is due and not yet told; by the policy `report` they are only noted."""
        if schedule.campaign not in self.catalogue.campaigns:
            log.error("schedule.campaign_unknown", schedule=schedule.name, campaign=schedule.campaign)
            return f"the campaign {schedule.campaign} is not installed"
        moment, missed = self._latest(schedule, now)
        local = self.catalogue.calendar.local(moment)
        if missed and schedule.policy == "report":
            return f"missed {missed + 1} firings up to {local:%Y-%m-%d %H:%M}"
        campaign = self.catalogue.campaign(schedule.campaign)
        key = f"{schedule.name} {local:%Y-%m-%d %H:%M}"
        run, opened = await open_run(
            self.runs, self.catalogue, self.wake_ups, campaign=campaign, key=key, params=schedule.params, now=now
        )
        log.info("schedule.fired", schedule=schedule.name, run=run.id, opened=opened, missed=missed)
        late = f", catching up {missed} missed" if missed else ""
        return f"run {run.id} for {local:%Y-%m-%d %H:%M}{late}"

    def _latest(self, schedule: Schedule, now: datetime) -> tuple[datetime, int]:
        """The last moment at or before now at which the schedule fires, and how many it has missed before that."""
        moment, missed = schedule.next_at, 0
        while (following := self.next_firing(schedule.cron, moment)) <= now:
            moment, missed = following, missed + 1
        return moment, missed

    def next_firing(self, cron: str, after: datetime) -> datetime:
        """The first moment after the one given at which the cron line fires, in the calendar's zone."""
        trigger = CronTrigger.from_crontab(cron, timezone=self.catalogue.calendar.zone.key)
        following: datetime | None = trigger.get_next_fire_time(after, after)
        if following is None:
            raise ValueError(f"the cron line {cron!r} never fires after {after}")
        return following

    def _guarded(self, name: str, duty: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        """A duty that survives a lost database and rests while the clock is astray: its next turn comes by itself."""

        async def turn() -> None:
            if self.clock.astray:
                return
            try:
                await duty()
            except asyncio.CancelledError:
                return  # the scheduler is shutting down; the next one takes the duty up
            except LOST as error:
                log.warning("timetable.database_lost", duty=name, error=type(error).__name__)
            except Exception:
                log.exception("timetable.duty_failed", duty=name)

        return turn
