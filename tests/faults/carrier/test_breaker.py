"""The request that finds out whether the carrier works again: a word about its recipient says that it does."""

import pytest

from tests.acceptance.crowd import customers, everyone, finished, number
from tests.faults.carrier.town import when
from tests.house import House, open_house

NO_SUCH_COUNTRY = "+15005550001"  # answered by 400 and 21217


async def breaker_is_open(house: House) -> bool:
    return any(budget.breaker_open for budget in await house.app.budgets.all() if budget.channel == "voice")


@pytest.mark.long
async def test_a_refusal_of_a_number_closes_the_breaker(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as house:
        await customers(house, 1)
        await everyone(house)
        await house.app.budgets.pause("voice", "until all is made ready")
        run = await house.planned(await house.launch())
        await house.app.pool.execute("update notifier.notification set phone = $1", NO_SUCH_COUNTRY)
        await house.app.pool.execute(
            "update notifier.budget set paused = 'unavailable: 503', trouble = 5, paused_until = $1"
            " where channel = 'voice'",
            house.clock.now(),
        )
        assert await breaker_is_open(house)

        async def closed() -> bool:
            return not await breaker_is_open(house)

        await when(closed)
        await finished(house, run)
        assert await house.ledger() == []
        assert number(0) not in await house.app.pool.fetch("select address from notifier.attempt")
