"""Nobody is reminded of a bill already paid: what is true is asked again before every try."""

from datetime import datetime

from notifier.domain.states import RunState
from tests.acceptance.crowd import AGREES, BUSY, LISTENS, everyone, finished, number
from tests.house import TAIPEI, House, open_house

BEFORE_NINE = datetime(2026, 12, 1, 6, 0, tzinfo=TAIPEI)


async def test_paid_before_the_call(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        account = await house.customer(mobile=number(1))
        bill = await house.bill(account)
        await everyone(house)

        run = await house.planned(await house.launch())
        await house.pay(bill)
        await finished(house, run)

        assert await house.ledger() == []
        notification = await house.notification(account)
        assert notification["outcome"] == "withdrawn"
        assert notification["reason"].startswith("paid at 0")
        assert await house.attempts(account) == []


async def test_paid_between_two_tries(house: House) -> None:
    account = await house.customer(mobile=number(1), email="li@customer.example")
    bill = await house.bill(account)
    await house.people({"calls": {number(1): [BUSY, AGREES]}})

    run = await house.launch()

    async def rung_once() -> bool:
        return any(attempt["disposition"] == "busy" for attempt in await house.attempts(account))

    await house.planned(run)
    await house.until(rung_once, "lanes", "inbox")
    await house.pay(bill)
    await finished(house, run)

    assert [call["status"] for call in await house.ledger("call")] == ["busy"]
    assert await house.mailbox() == []
    assert (await house.notification(account))["outcome"] == "withdrawn"


async def test_some_of_a_household_s_bills_are_paid(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        account = await house.customer(mobile=number(1))
        paid, half_paid = await house.bill(account, amount=500), await house.bill(account, amount=1200)
        await house.bill(account, amount=1000)
        await everyone(house, LISTENS)

        run = await house.planned(await house.launch())
        await house.pay(paid)
        await house.pay(half_paid, amount=200)
        await finished(house, run)

        (call,) = await house.ledger("call")
        assert "有兩筆電費" in "".join(await house.heard(call))
        assert "".join(await house.heard(call)).count("新臺幣兩千元") == 2
        assert (await house.notification(account))["outcome"] == "reached"


async def test_all_of_a_household_s_bills_are_paid(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        account = await house.customer(mobile=number(1))
        bills = [await house.bill(account) for _ in range(3)]
        await everyone(house)

        run = await house.planned(await house.launch())
        await house.pay(*bills)
        ended = await finished(house, run)

        assert await house.ledger() == []
        tally = await house.tally(ended)
        assert (tally.selected, tally.merged, tally.outcomes) == (3, 2, {"withdrawn": 1})


async def test_a_wave_of_payments_pauses_the_run(database: str, source_database: str) -> None:
    """More withdrawn than payments explain: a broken join looks just like this."""
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        bills = [await house.bill(await house.customer(mobile=number(n))) for n in range(60)]
        await everyone(house)

        run = await house.planned(await house.launch())
        await house.pay(*bills[:40])
        paused = await house.ended(run)

        assert paused.state is RunState.PAUSED
        assert paused.reason == "40 of 60 were withdrawn: more than payments explain"
        assert await house.ledger() == []
