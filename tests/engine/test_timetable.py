"""Schedules fire once each whoever keeps them, and what was missed is caught up or said."""

import asyncio
from datetime import UTC, datetime, timedelta

from notifier.app import Parts
from notifier.clock import ScaledClock
from notifier.engine.timetable import Timetable
from tests.house import House, open_house

FRIDAY = datetime(2026, 12, 4, 0, 30, tzinfo=UTC)  # 08:30 in Taipei
PARTS = Parts()


async def entered(house: House) -> Timetable:
    timetable = house.app.timetable()
    await timetable.enter_schedules()
    return timetable


async def at(house: House, moment: datetime) -> list[Timetable]:
    """Three schedulers of three processes, their clocks at the same moment."""
    clock = ScaledClock(moment, 1e-9, 0)
    keepers = [house.app.timetable() for _ in range(3)]
    for keeper in keepers:
        keeper.clock = clock
    return keepers


async def runs(house: House) -> list[str]:
    return [run.key for run, _ in reversed(await house.app.runs.latest())]


async def test_three_schedulers_fire_once(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=PARTS, scale=1e-9, start=FRIDAY) as house:
        await entered(house)
        for moment in (FRIDAY + timedelta(minutes=29), FRIDAY + timedelta(minutes=31)):
            await asyncio.gather(*(keeper.fire_schedules() for keeper in await at(house, moment)))
        assert await runs(house) == ["payment_deadline 2026-12-04 09:00"]


async def test_a_weekend_that_was_missed_is_caught_up_by_one_run(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=PARTS, scale=1e-9, start=FRIDAY) as house:
        await entered(house)
        monday = FRIDAY + timedelta(days=3, hours=2)
        await asyncio.gather(*(keeper.fire_schedules() for keeper in await at(house, monday)))
        assert await runs(house) == ["payment_deadline 2026-12-07 09:00"]
        (schedule,) = await house.app.schedules.all()
        assert "catching up 3 missed" in (schedule.note or "")
        assert schedule.next_at == datetime(2026, 12, 8, 1, 0, tzinfo=UTC)


async def test_by_the_policy_report_a_missed_firing_is_only_said(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=PARTS, scale=1e-9, start=FRIDAY) as house:
        await entered(house)
        await house.app.pool.execute("update notifier.schedule set policy = 'report'")
        for keeper in await at(house, FRIDAY + timedelta(days=3, hours=2)):
            await keeper.fire_schedules()
        assert await runs(house) == []
        (schedule,) = await house.app.schedules.all()
        assert "missed 4 firings up to 2026-12-07 09:00" in (schedule.note or "")


async def test_a_clock_that_jumps_back_fires_nothing_twice(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=PARTS, scale=1e-9, start=FRIDAY) as house:
        await entered(house)
        for minutes in (31, -600, 31, 32):
            for keeper in await at(house, FRIDAY + timedelta(minutes=minutes)):
                await keeper.enter_schedules()
                await keeper.fire_schedules()
        assert await runs(house) == ["payment_deadline 2026-12-04 09:00"]


async def test_a_changed_cron_line_starts_anew(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=PARTS, scale=1e-9, start=FRIDAY) as house:
        timetable = await entered(house)
        following = timetable.next_firing("30 10 * * *", FRIDAY)
        await house.app.schedules.ensure("payment_deadline", "payment_deadline", "30 10 * * *", {}, following)
        (schedule,) = await house.app.schedules.all()
        assert schedule.next_at == datetime(2026, 12, 4, 2, 30, tzinfo=UTC)
