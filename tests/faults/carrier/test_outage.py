"""A carrier that is away for two hours: it is left in peace, nothing is promised, and it is not run over when it is
back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from notifier.commands.progress import finish_words, read_standing
from notifier.domain.follow_up import FREE_RETRIES
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, number, placed_at
from tests.faults.carrier.door import Door, open_door
from tests.faults.carrier.town import Town, populate, when
from tests.house import House, Pace, open_house

Note = Callable[[str, object], None]

SCALE = 240
AWAY = timedelta(hours=2)
RATE, LINES = 0.5, 40
PACE = {
    "voice": Pace(rate=RATE, burst=1, most_in_flight=LINES, reserved=0),
    "sms": Pace(rate=5, burst=50),
    "email": Pace(rate=50, burst=500),
}
WINDOW = RATE * SCALE  # what one grant covers: a real second
PROBES = 31  # the breaker's waits from half a minute to ten fill two hours with so many
LOOKS = 120  # one a minute


@dataclass(frozen=True)
class Foreseen:
    """What the page of the run promised at a moment."""

    at: datetime
    finish: datetime | None
    words: str


@dataclass
class Outage:
    """What came of it. `begun` is the first moment at which the breaker was seen open."""

    house: House
    town: Town
    run: Run
    begun: datetime
    ended: datetime
    foreseen: list[Foreseen] = field(default_factory=list)


@asynccontextmanager
async def calling(
    database: str, source: str, count: int, door: Door | None = None
) -> AsyncIterator[tuple[House, Town]]:
    twilio = {"timeout": 1.0} | ({"base_url": door.url} if door else {})
    async with open_house(database, source, scale=SCALE, pace=PACE, twilio=twilio) as house:
        if door is not None:
            door.leads_to = urlsplit(house.sandbox.url).port or 0
        yield house, await populate(house, count)


async def endure(house: House, town: Town, fall: Callable[[], Awaitable[None]], away: timedelta) -> Outage:
    """The run until the carrier fails, through the outage, with the page of the run read all the time."""
    run = await house.launch()

    async def some_are_called() -> bool:
        return len(house.sandbox.ledger) >= 20

    await when(some_are_called)
    await fall()
    await when(lambda: breaker_is_open(house))
    begun = house.clock.now()
    outage = Outage(house, town, run, begun, begun + away)
    while house.clock.now() < outage.ended:
        standing = await read_standing(house.app, run.id)
        outage.foreseen.append(Foreseen(standing.read_at, standing.finish, finish_words(house.app, standing)))
        await asyncio.sleep(0.1)
    outage.ended = house.clock.now()
    return outage


async def breaker_is_open(house: House) -> bool:
    return any(budget.breaker_open for budget in await house.app.budgets.all() if budget.channel == "voice")


async def see_it_through(outage: Outage, note: Note) -> None:
    """When the carrier is back: the pace is kept, everybody's story comes true, and no promise was broken."""
    house, back = outage.house, outage.ended
    run = await finished(house, outage.run, within=100)
    await house.quiet()
    await outage.town.check(run)
    assert run.finished_at is not None
    note("minutes from its return to the finish", round((run.finished_at - back).total_seconds() / 60))
    check_pace([placed_at(call) for call in await house.ledger("call")], back, note)
    assert [one for one in outage.foreseen if one.finish is not None] == []
    assert all("unavailable" in one.words for one in outage.foreseen)
    note("forecasts made meanwhile", len(outage.foreseen))


def check_pace(placed: list[datetime], back: datetime, note: Note) -> None:
    """What has been placed at any moment after the return is no more than the rate allows, and one grant."""
    after = sorted(moment for moment in placed if moment >= back)
    since = after[0]
    for n, moment in enumerate(after):
        assert n <= RATE * (moment - since).total_seconds() + WINDOW, (n, moment - since)
    in_minute = sum(moment - since < timedelta(minutes=10) for moment in after)
    note("calls in the first ten minutes after its return", in_minute)
    note("minutes until it was called again", round((since - back).total_seconds() / 60))


@pytest.mark.long
async def test_whoever_is_tried_all_through_an_outage_is_not_given_up(database: str, source_database: str) -> None:
    """The breaker's probes are made with somebody, and with the same few people when hardly anybody is left."""
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(open_door())
        twilio = {"base_url": door.url, "timeout": 1.0}
        house = await stack.enter_async_context(open_house(database, source_database, scale=3600, twilio=twilio))
        door.leads_to = urlsplit(house.sandbox.url).port or 0
        door.shut()
        accounts = await customers(house, 1)
        await everyone(house)
        run = await house.planned(await house.launch())

        async def tried_often() -> bool:
            house.app.wake_ups.ring("lanes")  # the second that a lane rests is an hour here
            return len(await house.attempts(accounts[number(0)])) > 2 * FREE_RETRIES

        await when(tried_often)
        await door.open()
        await finished(house, run)

        free = [row["free"] for row in await house.app.pool.fetch("select free from notifier.attempt")]
        assert max(free) < 5  # as many as it takes to open the breaker
        assert len(await house.ledger("call")) == 1


@pytest.mark.long
async def test_two_hours_of_503(database: str, source_database: str, record_property: Note) -> None:
    async with calling(database, source_database, 120) as (house, town):
        outage = await endure(house, town, lambda: house.faults({"down": 1}), AWAY)
        async with house.carrier.get("/faults") as response:
            asked = (await response.json())["down"]["fired"]
        record_property("requests in two hours", asked)
        assert asked <= WINDOW + PROBES + LOOKS
        await house.no_more_faults()
        await see_it_through(outage, record_property)


@pytest.mark.long
async def test_two_hours_of_refused_connections(database: str, source_database: str, record_property: Note) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(open_door())
        house, town = await stack.enter_async_context(calling(database, source_database, 120, door))

        async def shut() -> None:
            door.shut()

        outage = await endure(house, town, shut, AWAY)
        tried = await house.app.pool.fetchval(
            "select count(*) from notifier.attempt where disposition = 'not_sent' and id >= notifier.uuid_floor($1)",
            outage.begun,
        )
        record_property("connections tried in two hours", tried)
        assert 10 <= tried <= WINDOW + PROBES
        await door.open()
        await see_it_through(outage, record_property)
