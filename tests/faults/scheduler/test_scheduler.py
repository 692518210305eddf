"""Three schedulers, clocks that jump, machines in other zones, weekends that were missed: every firing once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notifier.app import Parts
from notifier.clock import ScaledClock, SystemClock
from notifier.engine.cron import BadCron, next_firing
from notifier.engine.timetable import Timetable
from tests.faults.scheduler.process import Scheduler, schedulers
from tests.faults.source.utility import comes
from tests.house import TAIPEI, House, free_port, make_settings, open_house

CAMPAIGN = "payment_deadline"
MONDAY = datetime(2026, 12, 7, 10, 0, tzinfo=TAIPEI)
SATURDAY_NINE = datetime(2026, 12, 5, 9, 0, tzinfo=TAIPEI)
STANDING = 1e-9  # a clock that stands still
ZONES = ("America/New_York", "Pacific/Kiritimati", "Europe/London")


async def enter(house: House, name: str, cron: str, next_at: datetime, **more: str) -> None:
    await house.app.schedules.ensure(name, more.get("campaign", CAMPAIGN), cron, {}, next_at.astimezone(UTC))
    policy = more.get("policy", "catch_up")
    await house.app.pool.execute("update notifier.schedule set policy = $2 where name = $1", name, policy)


async def keys(house: House) -> list[str]:
    return sorted(run.key for run, _ in await house.app.runs.latest(100))


async def notes(house: House) -> dict[str, str]:
    return {schedule.name: schedule.note or "" for schedule in await house.app.schedules.all()}


def at(house: House, moment: datetime, scale: float = STANDING) -> Timetable:
    timetable = house.app.timetable()
    timetable.clock = ScaledClock(moment.astimezone(UTC), scale, 0)
    return timetable


@pytest.fixture
async def monday(database: str, source_database: str) -> AsyncIterator[House]:
    """Monday at ten, and nobody has kept the hours since Friday."""
    async with open_house(database, source_database, parts=Parts(), scale=STANDING, start=MONDAY) as house:
        yield house


async def test_what_one_schedule_lacks_keeps_no_other(monday: House) -> None:
    """A line nobody can read, a campaign of another version, a policy: each says what became of it."""
    await enter(monday, "broken", "0 9 * *", SATURDAY_NINE)
    await enter(monday, "never", "0 9 31 2 *", SATURDAY_NINE)
    await enter(monday, "of a newer version", "0 9 * * *", SATURDAY_NINE, campaign="meter_exchange")
    await enter(monday, "caught up", "0 9 * * *", SATURDAY_NINE)
    await enter(monday, "reported", "0 9 * * *", SATURDAY_NINE, policy="report")

    keepers = [at(monday, MONDAY) for _ in range(3)]
    fired = await asyncio.gather(*(keeper.fire_schedules() for keeper in keepers * 2))

    assert sum(fired) == 2
    assert await keys(monday) == ["caught up 2026-12-07 09:00"]
    assert await notes(monday) == {
        "broken": "its cron line cannot be read: 0 9 * *",
        "never": "its cron line cannot be read: 0 9 31 2 *",
        "of a newer version": "waits for a scheduler that knows the campaign meter_exchange",
        "caught up": "run 1 for 2026-12-07 09:00, catching up 2 missed",
        "reported": "missed 3 firings up to 2026-12-07 09:00",
    }


@pytest.mark.long
async def test_what_was_mended_is_caught_up(monday: House) -> None:
    await enter(monday, "broken", "0 9 * *", SATURDAY_NINE)
    assert await at(monday, MONDAY).fire_schedules() == 0
    await monday.app.pool.execute("update notifier.schedule set cron = '0 9 * * *'")
    assert await at(monday, MONDAY).fire_schedules() == 1
    assert await keys(monday) == ["broken 2026-12-07 09:00"]


@pytest.mark.long
async def test_a_line_that_was_changed_fires_by_the_new_one_alone(monday: House) -> None:
    """Moved from nine to eleven in the table at half past eight: nine is nobody's hour any more."""
    await enter(monday, "moved", "0 11 * * *", MONDAY.replace(hour=9))
    assert await at(monday, MONDAY).fire_schedules() == 0
    assert await notes(monday) == {"moved": "its cron line was changed"}
    assert await at(monday, MONDAY.replace(hour=11)).fire_schedules() == 1
    assert await keys(monday) == ["moved 2026-12-07 11:00"]


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("0 9 * * 1", 7), ("0 9 * * 0", 6), ("0 9 * * 7", 6), ("0 9 * * 1-5", 7), ("0 9 * * mon-fri", 7),
        ("0 9 * * 6,0", 5), ("0 9 * * sat-sun", 5), ("0 9 * * 2/2", 5), ("0 9 * * */3", 5), ("0 9 * * *", 5),
    ],
)  # fmt: skip
def test_monday_is_monday(line: str, day: int) -> None:
    """1 is Monday in a cron line, and Tuesday to APScheduler. From Friday the 4th at ten."""
    friday = SATURDAY_NINE - timedelta(hours=23)
    assert next_firing(line, "Asia/Taipei", friday).astimezone(TAIPEI) == datetime(2026, 12, day, 9, tzinfo=TAIPEI)


@pytest.mark.parametrize("line", ["", "0 9 * *", "0 9 * * 8", "0 9 * * 5-2", "0 9 * * x", "61 9 * * *", "0 9 31 2 *"])
def test_a_line_that_is_none(line: str) -> None:
    with pytest.raises(BadCron):
        next_firing(line, "Asia/Taipei", MONDAY)


async def test_a_clock_two_days_ahead_and_back_again(monday: House) -> None:
    """What fired too early does not fire again; what lies between is not passed over."""
    await enter(monday, CAMPAIGN, "0 9 * * *", MONDAY.replace(hour=9))
    for moment in (MONDAY, MONDAY + timedelta(days=2), MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)):
        for _ in range(2):
            await at(monday, moment).fire_schedules()
    assert await keys(monday) == [f"{CAMPAIGN} 2026-12-0{day} 09:00" for day in (7, 8, 9)]


@pytest.mark.long
async def test_a_machine_whose_clock_has_jumped_fires_nothing(monday: House) -> None:
    """Before anybody has measured it: its own clock is two days ahead of the database's."""
    await enter(monday, CAMPAIGN, "* * * * *", datetime.now(UTC) + timedelta(minutes=1))
    jumped = monday.app.timetable()
    jumped.clock = SystemClock(time=lambda: (datetime.now(UTC) + timedelta(days=2)).timestamp())
    assert await jumped.fire_schedules() == 0
    sound = monday.app.timetable()
    sound.clock = SystemClock()
    await monday.app.pool.execute("update notifier.schedule set next_at = date_trunc('minute', now())")
    assert await sound.fire_schedules() == 1


@pytest.mark.long
async def test_killed_between_the_run_and_the_note(monday: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await enter(monday, CAMPAIGN, "0 9 * * *", MONDAY.replace(hour=9))

    async def die(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(monday.app.schedules, "note", die)
        with pytest.raises(ConnectionResetError):
            await at(monday, MONDAY).fire_schedules()
    assert await keys(monday) == []  # the two are one transaction
    assert await at(monday, MONDAY).fire_schedules() == 1
    assert await keys(monday) == [f"{CAMPAIGN} 2026-12-07 09:00"]


@asynccontextmanager
async def three(house: House, database: str, source: str, folder: Path) -> AsyncIterator[list[Scheduler]]:
    """Three schedulers in processes of their own, on the databases and the clock of a house, once all turn."""
    settings = [
        make_settings(database, source, house.sandbox, house.clock, port=free_port(), pool_size=3) for _ in ZONES
    ]
    with schedulers(folder, settings, ZONES) as started:
        await all_turn(started)
        yield started


async def all_turn(started: Sequence[Scheduler], times: int = 2, within: float = 30) -> None:
    """Until each has looked at the schedules so many times more."""
    before = [scheduler.turns.value for scheduler in started]

    async def turned() -> bool:
        assert all(scheduler.process.is_alive() for scheduler in started), [scheduler.said() for scheduler in started]
        return all(scheduler.turns.value >= least + times for scheduler, least in zip(started, before, strict=True))

    await comes(turned, within=within)


@pytest.mark.long
async def test_three_machines_in_other_zones(
    database: str, source_database: str, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    """Two weeks over the end of summer time in New York and in London: nine in Taipei is nine in Taipei, once a day."""
    start = datetime(2026, 10, 24, 8, 0, tzinfo=TAIPEI)
    async with open_house(database, source_database, parts=Parts(), scale=86_400, start=start) as house:
        await house.app.timetable().enter_schedules()
        async with three(house, database, source_database, folder):
            await comes(lambda: reached(house, start + timedelta(days=14)), within=60)
        opened = await keys(house)
        assert {key.rpartition(" ")[2] for key in opened} == {"09:00"}
        assert len(set(opened)) == len(opened) > 3  # a slow machine is late for some days: the next one catches up
        assert opened[-1] >= f"{CAMPAIGN} 2026-11-05 09:00", "beyond both changes of the clocks"
        record_property("runs opened in a fortnight, at a second a day", len(opened))
        (schedule,) = await house.app.schedules.all()
        assert schedule.next_at.astimezone(TAIPEI).hour == 9


async def reached(house: House, moment: datetime) -> bool:
    return house.clock.now() >= moment


@pytest.mark.long
async def test_the_wall_clock_is_set_back_an_hour(database: str, source_database: str, folder: Path) -> None:
    """A machine's clock steps back: its duties go on turning, and nothing fires twice."""
    async with open_house(database, source_database, parts=Parts(), scale=1, start=MONDAY) as house:
        await enter(house, CAMPAIGN, "0 9 * * *", MONDAY.replace(hour=9))
        async with three(house, database, source_database, folder) as started:
            assert await keys(house) == [f"{CAMPAIGN} 2026-12-07 09:00"]
            for scheduler in started:
                scheduler.shift.value = -3600.0
            await all_turn(started, times=3)
            for scheduler in started:
                scheduler.shift.value = +7200.0
            await all_turn(started, times=3)
            for scheduler in started:
                scheduler.shift.value = 0.0
            await all_turn(started, times=3)
        assert "clock_was_set_back" in started[0].said()
        assert await keys(house) == [f"{CAMPAIGN} 2026-12-07 09:00"]


@pytest.mark.long
async def test_schedulers_are_killed_one_after_another(database: str, source_database: str, folder: Path) -> None:
    """Every minute of an afternoon, with two of three schedulers dying at any moment."""
    start = MONDAY.replace(hour=12)
    async with open_house(database, source_database, parts=Parts(), scale=60, start=start) as house:
        await enter(house, "minutes", "* * * * *", start + timedelta(minutes=1))
        for _ in range(3):
            async with three(house, database, source_database, folder) as started:
                for scheduler in started[:2]:
                    scheduler.process.kill()
                await all_turn(started[2:], times=3)
        opened = await keys(house)
        noted = (await notes(house))["minutes"]
    assert len(opened) == len(set(opened)) > 3
    assert noted.startswith("run ")


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        ("America/New_York", date(2027, 3, 14), date(2026, 11, 1)),
        ("Europe/London", date(2027, 3, 28), date(2026, 10, 25)),
    ],
)
def test_a_zone_with_summer_time_keeps_its_hours(zone: str, spring: date, autumn: date) -> None:
    """A utility elsewhere: nine stays nine, and the half past one that comes twice has one key."""
    for changed in (spring, autumn):
        before = datetime.combine(changed, clock_time(0), ZoneInfo(zone)) - timedelta(hours=12)
        first = next_firing("30 9 * * *", zone, before).astimezone(ZoneInfo(zone))
        second = next_firing("30 9 * * *", zone, first).astimezone(ZoneInfo(zone))
        assert [(day.date(), day.hour, day.minute) for day in (first, second)] == [
            (changed, 9, 30),
            (changed + timedelta(days=1), 9, 30),
        ]
    once = next_firing("30 1 * * *", zone, datetime.combine(autumn, clock_time(0), ZoneInfo(zone)))
    again = next_firing("30 1 * * *", zone, once)
    assert f"{once:%Y-%m-%d %H:%M}" == f"{again:%Y-%m-%d %H:%M}" or again - once > timedelta(hours=23)
