"""A carrier at its worst: everybody is rung as often as their story has it, and the log says what the ledger says."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.crowd import finished
from tests.faults.carrier.town import populate
from tests.house import Pace, open_house

Faults = Mapping[str, Any]
Note = Callable[[str, object], None]

PACE = {
    "voice": Pace(rate=20, burst=100, most_in_flight=60, reserved=0),
    "sms": Pace(rate=20, burst=100, most_in_flight=60, reserved=0),
    "email": Pace(rate=50, burst=500),
}
PATIENCE = 0.3  # real seconds for a request
SCALE = 240  # a create must not take five minutes: that is a second and a quarter, on a machine that has much to do
MANY = 200


@dataclass(frozen=True)
class Storm:
    """`seed` throws the carrier's dice."""

    faults: Faults
    seed: int = 1


STORMS = {
    "429": Storm({"refuse": {"share": 0.5, "seconds": 5}}),
    "5xx": Storm({"error_before": {"share": 0.15, "code": 503}, "error_after": {"share": 0.15, "code": 500}}),
    "slower than our patience": Storm({"latency": {"share": 0.2, "seconds": 0.5}}),
    "timeout or cut after it was placed": Storm({"hang_after": {"share": 0.1, "seconds": 0.6}, "drop_after": 0.15}),
    "half of all callbacks lost": Storm({"lose": 0.5}),
    "all doubled and shuffled": Storm({"double": 1, "shuffle": 1}),
    "wrong words in callbacks": Storm({"misspell": 0.4}),
    "TwiML fetched twice": Storm({"fetch_twice": 1, "double": 1}),
    "a clock five minutes fast": Storm({"skew": 300, "error_after": 0.4, "lose": 0.4}),
    "callbacks that contradict an earlier one": Storm({"contradict": 0.5, "shuffle": 0.3}),
}
TOGETHER = {
    "refuse": {"share": 0.1, "seconds": 5},
    "error_before": {"share": 0.08, "code": 503},
    "error_after": 0.08,
    "hang_after": {"share": 0.03, "seconds": 0.6},
    "latency": {"share": 0.03, "seconds": 0.5},
    "drop_after": 0.08,
    "lose": 0.3,
    "double": 0.3,
    "shuffle": 0.3,
    "misspell": 0.1,
    "delay": {"share": 0.2, "seconds": 300},
    "fetch_twice": 0.3,
    "skew": 300,
    "list_delay": 60,
}
# What needs no looking up: every word arrives, if twice and in no order, so that a minute is enough.
BRIEFLY = {
    "refuse": {"share": 0.1, "seconds": 5},
    "error_after": 0.15,
    "drop_after": 0.1,
    "double": 0.5,
    "shuffle": 0.5,
    "fetch_twice": 0.5,
    "contradict": 0.3,
    "skew": 300,
}


async def weather(database: str, source: str, count: int, storm: Storm, note: Note, scale: float = SCALE) -> None:
    twilio = {"timeout": PATIENCE}
    async with open_house(database, source, scale=scale, seed=storm.seed, pace=PACE, twilio=twilio) as house:
        town = await populate(house, count)
        await house.faults(storm.faults)
        began = time.monotonic()
        run = await finished(house, await house.launch(), within=200)
        note("seconds", round(time.monotonic() - began, 1))
        await house.quiet()
        await town.check(run)


@pytest.mark.long
@pytest.mark.parametrize("storm", STORMS.values(), ids=STORMS)
async def test_one_storm(database: str, source_database: str, storm: Storm, record_property: Note) -> None:
    await weather(database, source_database, MANY, storm, record_property)


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2])
async def test_all_together(database: str, source_database: str, seed: int, record_property: Note) -> None:
    await weather(database, source_database, 2 * MANY, Storm(TOGETHER, seed), record_property)


async def test_a_bad_minute(database: str, source_database: str, record_property: Note) -> None:
    """With few people: what every `make test` asks."""
    await weather(database, source_database, 30, Storm(BRIEFLY), record_property, scale=900)
