"""A run is opened once: whoever launches it, however often, and however many schedulers keep the hours."""

import asyncio
from datetime import UTC, datetime, timedelta

from notifier.app import Parts
from notifier.domain.campaign import read_parameters
from notifier.engine.opening import open_run
from notifier.engine.timetable import Timetable
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.house import TAIPEI, House, open_house

CAMPAIGN = "payment_deadline"
NOTHING_RUNS = Parts()  # the schedulers are in the hands of the test
MONDAY = datetime(2026, 12, 7, 10, 0, tzinfo=TAIPEI)
SATURDAY_NINE = datetime(2026, 12, 5, 9, 0, tzinfo=TAIPEI)


async def test_a_second_launch_with_the_same_key_rings_nobody(house: House) -> None:
    await customers(house, 3)
    await everyone(house)
    first = await finished(house, await house.launch("December"))

    second = await house.launch("December")

    assert second.id == first.id
    assert second.finished_at == first.finished_at
    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


async def test_launched_twice_at_the_same_instant(house: House) -> None:
    await customers(house, 3)
    await everyone(house)
    campaign = house.app.catalogue.campaign(CAMPAIGN)

    opened = await asyncio.gather(
        *(
            open_run(
                house.app.runs, house.app.catalogue, house.app.wake_ups,
                campaign=campaign, key="December", params=read_parameters(campaign, {}), now=house.clock.now(),
            )
            for _ in range(5)
        )
    )  # fmt: skip

    assert sum(new for _, new in opened) == 1
    assert len({run.id for run, _ in opened}) == 1
    await finished(house, opened[0][0])
    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3)}


async def test_a_later_run_tells_nobody_the_same_thing_again(house: House) -> None:
    await customers(house, 3)
    await everyone(house)
    await finished(house, await house.launch("Tuesday"))
    await house.bill(await house.customer(mobile=number(3)))

    run = await finished(house, await house.launch("Wednesday"))

    assert (run.selected, run.already_told) == (1, 3)
    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(4)}


async def due_since(house: House, moment: datetime) -> Timetable:
    """A timetable whose schedule should have fired at that moment."""
    campaign = house.app.catalogue.campaign(CAMPAIGN)
    assert campaign.schedule is not None
    params = read_parameters(campaign, {})
    await house.app.schedules.ensure(CAMPAIGN, CAMPAIGN, campaign.schedule, params, moment.astimezone(UTC))
    return house.app.timetable()


async def test_two_schedulers_fire_once(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=MONDAY, parts=NOTHING_RUNS) as house:
        one = await due_since(house, MONDAY.replace(hour=9))
        other = house.app.timetable()

        fired = await asyncio.gather(*(timetable.fire_schedules() for timetable in (one, other, one, other)))

        assert sum(fired) == 1
        ((run, _),) = await house.app.runs.latest()
        assert run.key == "payment_deadline 2026-12-07 09:00"
        (schedule,) = await house.app.schedules.all()
        assert schedule.next_at.astimezone(TAIPEI) == datetime(2026, 12, 8, 9, 0, tzinfo=TAIPEI)


async def test_a_missed_weekend_is_caught_up_by_one_run(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=MONDAY, parts=NOTHING_RUNS) as house:
        timetable = await due_since(house, SATURDAY_NINE)

        assert await timetable.fire_schedules() == 1
        assert await timetable.fire_schedules() == 0

        ((run, _),) = await house.app.runs.latest()
        assert run.key == "payment_deadline 2026-12-07 09:00"
        (schedule,) = await house.app.schedules.all()
        assert schedule.note == f"run {run.id} for 2026-12-07 09:00, catching up 2 missed"


async def test_the_morning_opens_a_run_by_itself(database: str, source_database: str) -> None:
    before_nine = datetime(2026, 12, 1, 8, 30, tzinfo=TAIPEI)
    async with open_house(database, source_database, scale=1800, start=before_nine) as house:
        await customers(house, 2)
        await everyone(house)

        async def opened() -> bool:
            return bool(await house.app.runs.latest())

        await house.until(opened, "lanes", "planner")
        ((run, _),) = await house.app.runs.latest()
        await finished(house, run)

        assert run.key == "payment_deadline 2026-12-01 09:00"
        assert rung(await house.ledger("call")) == {number(n): 1 for n in range(2)}
        first = min(call["created_at"] for call in await house.ledger("call"))
        assert datetime.fromisoformat(first) - before_nine >= timedelta(minutes=30)
