"""The carrier fails while a call is being asked for: nobody is rung twice for one try, no try is spent for nothing."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.house import House, open_house

MANY = 12
ONE_EACH = Counter({number(n): 1 for n in range(MANY)})
BEFORE = "not_created"  # how an attempt ends that turned out not to exist


async def attempts(house: House) -> Counter[str]:
    rows = await house.app.pool.fetch("select disposition from notifier.attempt where channel = 'voice'")
    return Counter(row["disposition"] for row in rows)


async def tries_spent_before(house: House) -> set[int]:
    """Tries already spent when an attempt was made, over all attempts."""
    rows = await house.app.pool.fetch("select distinct tries from notifier.attempt")
    return {row["tries"] for row in rows}


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"error_after": {"share": 1, "code": 500}}, id="500 after the call was placed"),
        pytest.param({"drop_after": 1}, id="connection cut after the call was placed"),
        pytest.param({"error_after": 1, "lose": 1}, id="500 after, and no callback ever"),
        pytest.param({"drop_after": 1, "lose": 1}, id="cut after, and no callback ever"),
        pytest.param({"hang_after": {"share": 1, "seconds": 1.5}}, id="answered when the call is long over"),
    ],
)
async def test_a_call_that_was_placed_is_not_placed_again(house: House, faults: Mapping[str, Any]) -> None:
    await customers(house, MANY)
    await everyone(house)
    await house.faults(faults)

    run = await finished(house, await house.launch())

    assert rung(await house.ledger("call")) == ONE_EACH
    assert await attempts(house) == {"answered": MANY}
    assert (await house.tally(run)).outcomes == {"acknowledged": MANY}


async def test_an_answer_later_than_our_patience(database: str, source_database: str) -> None:
    async with open_house(database, source_database, twilio={"timeout": 0.5}) as house:
        await customers(house, MANY)
        await everyone(house)
        await house.faults({"hang_after": {"share": 1, "seconds": 2}})

        await finished(house, await house.launch())

        assert rung(await house.ledger("call")) == ONE_EACH
        assert await attempts(house) == {"answered": MANY}


async def test_a_503_before_the_call_is_looked_up_twice_and_then_called(house: House) -> None:
    await customers(house, MANY)
    await everyone(house)
    await house.faults({"error_before": {"next": MANY, "code": 503}})

    await finished(house, await house.launch())

    assert rung(await house.ledger("call")) == ONE_EACH
    assert await attempts(house) == {BEFORE: MANY, "answered": MANY}
    assert await tries_spent_before(house) == {0}


async def test_a_storm_of_429_spends_no_try(house: House) -> None:
    """All are refused at once; the breaker opens, one request at a time finds out, and then all go through."""
    await customers(house, MANY)
    await everyone(house)
    await house.faults({"refuse": {"next": MANY + 2, "seconds": 20}})

    run = await finished(house, await house.launch())

    assert rung(await house.ledger("call")) == ONE_EACH
    assert await attempts(house) == {"not_sent": MANY + 2, "answered": MANY}
    assert await tries_spent_before(house) == {0}
    assert (await house.tally(run)).outcomes == {"acknowledged": MANY}


async def test_every_fault_at_once(house: House) -> None:
    """A bad day at the carrier: each create may be refused, fail before, fail after or be cut; callbacks go astray."""
    await customers(house, 3 * MANY)
    await everyone(house)
    await house.faults(
        {
            "refuse": {"share": 0.2, "seconds": 5},
            "error_before": 0.1,
            "error_after": 0.2,
            "drop_after": 0.2,
            "lose": 0.3,
        }
    )

    await finished(house, await house.launch())

    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(3 * MANY)}
    assert (await attempts(house))["answered"] == 3 * MANY
    assert await tries_spent_before(house) == {0}
