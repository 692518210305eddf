"""The keeper asks a carrier that is slow, silent or odd: what can be found out is, and nothing is asked too often."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifier.channels.voice import Voice
from notifier.domain.channel import Address
from tests.acceptance.crowd import NO_ANSWER, customers, everyone, finished, number, rung
from tests.faults.carrier.town import when
from tests.house import House, open_house

MANY = 20


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    """Everybody's call was placed, the answers were lost, and no callback will come."""
    async with open_house(database, source_database) as opened:
        await customers(opened, MANY)
        await everyone(opened)
        await opened.faults({"error_after": 1, "lose": 1})
        yield opened


class Odd(Voice):
    """A plug-in with a fault: it trips over one address."""

    stumbles = number(0)
    seconds = 0.0
    at_once = most = 0

    async def look_up(self, attempt: Any, address: Address, *args: Any, **more: Any) -> Any:
        if address == self.stumbles:
            raise KeyError("an entry that is not there")
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        return await super().look_up(attempt, address, *args, **more)


def make_odd(house: House, **more: Any) -> Odd:
    channels: Any = house.app.catalogue.channels
    voice = channels["voice"]
    voice.__class__ = Odd
    for name, value in more.items():
        setattr(voice, name, value)
    return voice  # type: ignore[no-any-return]


@pytest.mark.long
async def test_one_odd_row_does_not_keep_the_others(house: House) -> None:
    odd = make_odd(house)
    run = await house.launch()

    async def all_others() -> bool:
        return (await house.app.runs.tally(run)).open == 1

    await when(all_others)
    odd.stumbles = ""

    await finished(house, await house.run(run))
    assert rung(await house.ledger()) == {number(n): 1 for n in range(MANY)}


@pytest.mark.long
async def test_slow_answers_are_waited_for_together(house: House) -> None:
    odd = make_odd(house, stumbles="", seconds=0.2)
    began = time.monotonic()
    await finished(house, await house.launch())
    assert 2 < odd.most <= 10
    assert time.monotonic() - began < MANY * odd.seconds


@pytest.mark.long
async def test_a_carrier_without_an_answer_is_asked_once_a_minute(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=60) as house:
        await customers(house, MANY)
        await everyone(house, NO_ANSWER)  # who answers is heard of
        await house.faults({"error_after": 1, "lose": 1})
        await house.launch()

        async def all_in_doubt() -> bool:
            states = await house.app.pool.fetch("select state from notifier.attempt")
            return [row["state"] for row in states] == ["uncertain"] * MANY

        await when(all_in_doubt)
        await house.app.pool.execute("update notifier.in_flight set look_at = since")
        await house.faults({"down": 1})
        began = house.clock.now()
        keeper = house.app.keeper()

        async def three_minutes_on() -> bool:
            await keeper.look_after_silent()
            return (house.clock.now() - began).total_seconds() > 180

        await when(three_minutes_on)
        async with house.carrier.get("/faults") as response:
            asked = (await response.json())["down"]["fired"]
        assert 2 <= asked <= 2 * 4  # by the house's own keeper and by this one
