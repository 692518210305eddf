"""The clock's jobs, held by APScheduler. When each schedule fires next is the database's word, not this process's."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from notifier.clock import Clock
from notifier.domain.campaign import read_parameters
from notifier.engine.backoff import Patience, persist
from notifier.engine.catalogue import Catalogue
from notifier.engine.cron import BadCron, next_firing
from notifier.engine.keeper import Keeper
from notifier.engine.learning import Learning
from notifier.engine.opening import open_run
from notifier.engine.suspending import Suspending
from notifier.engine.sweeps import Sweeps
from notifier.storage.database import LOST, WakeUps
from notifier.storage.queries import Connection
from notifier.storage.runs import RunStore
from notifier.storage.schedules import Firing, Schedule, ScheduleStore

log = structlog.get_logger()

# Real seconds between two turns of each duty; with a scaled clock all are due as often as they can be.
TURNS: dict[str, float] = {
    "fire_schedules": 1.0,
    "look_after_silent": 1.0,
    "sweep": 2.0,
    "carry_out_suspensions": 0.5,
    "close_runs": 1.0,
    "watch_runs": 5.0,
    "probe_channels": 5.0,  # while it fails nobody is called: it must show soon that all is well again
    "ensure_partitions": 600.0,
    "forget_households": 3600.0,
    "learn_numbers": 60.0,
    "forget_numbers": 3600.0,
}
# Seconds of the clock; at the fastest, a real one.
TURNS_OF_THE_CLOCK: dict[str, float] = {"sweep_source": 60.0}
LATE = 900.0  # real seconds after which a firing is a missed one, for schedules that only report those
SET_BACK = 60.0  # real seconds by which two schedulers' clocks never differ
JUMP = 0.5  # real seconds; the wall clock is looked at once a second


@dataclass
class Timetable:
    catalogue: Catalogue
    clock: Clock
    schedules: ScheduleStore
    runs: RunStore
    keeper: Keeper
    sweeps: Sweeps
    wake_ups: WakeUps
    suspending: Suspending
    learning: Learning
    _turns: "set[asyncio.Task[Any]]" = field(default_factory=set)  # under way

    async def run(self) -> None:
        """Keep the hours until cancelled."""
        await persist("timetable", self.keeper.ensure_partitions)
        await persist("timetable", self.enter_schedules)
        scheduler = AsyncIOScheduler(timezone=self.catalogue.calendar.zone.key)
        of_the_clock = {name: max(1.0, every / self.clock.scale) for name, every in TURNS_OF_THE_CLOCK.items()}
        for name, seconds in (TURNS | of_the_clock).items():
            duty = getattr(self, name, None) or getattr(self.keeper, name)
            scheduler.add_job(
                self._guarded(name, duty), "interval", seconds=seconds, id=name, max_instances=1, coalesce=True,
                misfire_grace_time=None, next_run_time=datetime.now(self.catalogue.calendar.zone),
            )  # fmt: skip
        scheduler.start()
        try:
            await _follow_the_wall(scheduler)
        finally:
            scheduler.shutdown(wait=False)  # it cancels the turns under way, and does not wait for them
            await asyncio.gather(*self._turns, return_exceptions=True)

    async def enter_schedules(self) -> None:
        """Campaigns that declare hours have a schedule of their own name."""
        for campaign in self.catalogue.campaigns.values():
            if campaign.schedule is None:
                continue
            following = self.next_firing(campaign.schedule, self.clock.now())
            params = read_parameters(campaign, {})
            await self.schedules.ensure(campaign.name, campaign.name, campaign.schedule, params, following)

    async def sweep_source(self) -> int:
        """Look for what no event reported; answers how much of it is new."""
        return await self.sweeps.sweep()

    async def fire_schedules(self) -> int:
        """Open the runs that are due; answers how many schedules fired. A firing is taken by one scheduler, and its key
        opens one run."""
        now, scale = self.clock.now(), self.clock.scale
        set_back = now + timedelta(seconds=SET_BACK * scale)
        fired = 0
        async with self.schedules.pool.acquire() as connection, connection.transaction():
            for schedule in await self.schedules.due(connection, now, set_back, self.clock.real_now()):
                firing = await self._fire(connection, schedule, now)
                fired += firing.fired
                if firing.changes(schedule):
                    await self.schedules.note(connection, schedule.name, firing)
        return fired

    async def _fire(self, connection: Connection, schedule: Schedule, now: datetime) -> Firing:
        """One schedule's turn. What one of them lacks must not keep the others."""
        if schedule.campaign not in self.catalogue.campaigns:
            return self._wait(schedule, f"waits for a scheduler that knows the campaign {schedule.campaign}")
        try:
            return await self._turn(connection, schedule, now)
        except BadCron:
            return self._wait(schedule, f"its cron line cannot be read: {schedule.cron}")

    def _wait(self, schedule: Schedule, note: str) -> Firing:
        """It stays due: once it can be fired, it is late, and not forgotten."""
        if note != schedule.note:
            log.error("schedule.waits", schedule=schedule.name, note=note)
        return Firing(schedule.next_at, schedule.last_at, note)

    async def _turn(self, connection: Connection, schedule: Schedule, now: datetime) -> Firing:
        following = self.next_firing(schedule.cron, now)
        if schedule.next_at > now:  # it fired at a moment that is yet to come; what fires again has the same key
            log.warning("schedule.clock_was_set_back", schedule=schedule.name, last_at=schedule.last_at)
            return Firing(following, now, "the clock was set back")
        first = self.next_firing(schedule.cron, schedule.next_at - timedelta(seconds=1))
        if first > now:
            return Firing(first, schedule.last_at, "its cron line was changed")
        return Firing(following, now, await self._open(connection, schedule, first, now), fired=True)

    async def _open(self, connection: Connection, schedule: Schedule, first: datetime, now: datetime) -> str:
        """Open the run of the latest moment that is due. Firings missed before it are caught up by that one run, since
        an audience holds whatever is due and not yet told; by the policy `report` they are only noted."""
        moment, missed = self._latest(schedule.cron, first, now)
        local = self.catalogue.calendar.local(moment)
        if schedule.policy == "report" and now - moment > timedelta(seconds=LATE * self.clock.scale):
            log.error("schedule.missed", schedule=schedule.name, firings=missed + 1, last=local.isoformat())
            return f"missed {missed + 1} firings up to {local:%Y-%m-%d %H:%M}"
        run, opened = await open_run(
            self.runs, self.catalogue, self.wake_ups,
            campaign=self.catalogue.campaign(schedule.campaign), key=f"{schedule.name} {local:%Y-%m-%d %H:%M}",
            params=schedule.params, now=now, connection=connection,
        )  # fmt: skip
        log.info("schedule.fired", schedule=schedule.name, run=run.id, opened=opened, missed=missed)
        late = f"{missed} missed before it" if schedule.policy == "report" else f"catching up {missed} missed"
        return f"run {run.id} for {local:%Y-%m-%d %H:%M}" + (f", {late}" if missed else "")

    def _latest(self, cron: str, first: datetime, now: datetime) -> tuple[datetime, int]:
        """The last moment at or before now at which the line fires, and how many there were from `first` till then."""
        moment, missed = first, 0
        while (following := self.next_firing(cron, moment)) <= now:
            moment, missed = following, missed + 1
        return moment, missed

    def next_firing(self, cron: str, after: datetime) -> datetime:
        """The first moment after the one given at which the cron line fires, in the calendar's zone. Raises BadCron."""
        return next_firing(cron, self.catalogue.calendar.zone.key, after)

    async def carry_out_suspensions(self) -> int:
        return await self.suspending.carry_out()

    async def learn_numbers(self) -> int:
        return await self.learning.learn()

    async def forget_numbers(self) -> int:
        return await self.learning.forget()

    def _guarded(self, name: str, duty: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
        """A duty that survives a lost database and rests while the clock is astray: its next turn comes by itself."""
        patience, not_before = Patience(name), 0.0

        async def turn() -> None:
            nonlocal not_before
            if self.clock.astray or time.monotonic() < not_before:
                return
            task = asyncio.current_task()
            assert task is not None
            self._turns.add(task)
            task.add_done_callback(self._turns.discard)
            try:
                await duty()
            except asyncio.CancelledError:
                return  # the scheduler is shutting down; the next one takes the duty up
            except LOST as error:
                if not task.cancelling():  # asyncpg may raise this in the place of a cancellation
                    not_before = time.monotonic() + patience.lost(error)
            except Exception:
                log.exception("timetable.duty_failed", duty=name)
            else:
                patience.reset()

        return turn


async def _follow_the_wall(scheduler: AsyncIOScheduler) -> None:
    """Until cancelled. APScheduler counts by the wall clock: after a step back of an hour its duties would rest for an
    hour. Whenever it was set back, all are due at once."""
    before = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(1)
        wall = time.time() - time.monotonic()
        if wall < before - JUMP:
            log.warning("timetable.clock_was_set_back", seconds=round(before - wall, 1))
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(scheduler.timezone))
        before = wall
