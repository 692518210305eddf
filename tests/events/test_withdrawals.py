"""A paid bill: whoever waits for a next try, on whatever channel, or for a person, is not contacted about it again."""

from datetime import datetime

import pytest

from notifier.domain.states import RunState
from tests.acceptance.crowd import BUSY, LISTENS, everyone, finished, number
from tests.events.kit import CAMPAIGN, PAID, effects, happen, inbox, sender, settled, told
from tests.house import TAIPEI, House, open_house

BEFORE_NINE = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)
RESTING = 1.0  # of the clock per real second: what waits hours for its next try waits for all of the test
RINGS_LONG = {"outcome": "no_answer"}


async def test_who_waits_for_the_next_try_is_withdrawn_at_once(database: str, source_database: str) -> None:
    """On every channel: one waits for the second call, one for the window to open, one for a person."""
    async with open_house(database, source_database, scale=RESTING, start=BEFORE_NINE) as house:
        waits = await house.customer(mobile=None, email="li@customer.example")
        calls, spared = await house.customer(mobile=number(1)), await house.customer(life_support=True)
        bills = [await house.bill(account) for account in (waits, calls, spared)]
        still_owed = await house.customer(mobile=number(2))
        owed = await house.bill(still_owed)
        run = await house.planned(await house.launch())

        await house.pay(*bills)
        async with await sender(house) as system:
            for position, bill in enumerate([*bills, owed]):
                await system.send(bill, position, kind=PAID)
        await settled(house, 4)

        assert effects(await inbox(house.app)) == ["withdrawn", "withdrawn", "withdrawn", "still_due"]
        tally = await house.tally(run)
        assert (tally.outcomes, tally.held, tally.open) == ({"withdrawn": 3}, {}, 1)
        assert (await house.notification(waits))["reason"].startswith("paid at 08:")
        assert tally.difference == 0
        queued = await house.app.pool.fetchval("select count(*) from notifier.queue")
        assert queued == 1


async def test_between_two_tries(house: House) -> None:
    account = await house.customer(mobile=number(1), email="li@customer.example")
    bill = await house.bill(account)
    await house.people({"calls": {number(1): [BUSY]}})
    run = await house.launch()

    async def rung_once() -> bool:
        return any(attempt["disposition"] == "busy" for attempt in await house.attempts(account))

    await house.planned(run)
    await house.until(rung_once, "lanes", "inbox")
    await house.pay(bill)
    await happen(house, (PAID, bill))
    await finished(house, run)

    assert [call["status"] for call in await house.ledger("call")] == ["busy"]
    assert await house.mailbox() == []
    assert effects(await inbox(house.app)) == ["withdrawn"]


async def test_the_event_alone_is_not_believed(house: House) -> None:
    """A payment taken back, of another bill, or of a part only: the facts say what is owed."""
    await everyone(house, LISTENS)
    account = await house.customer(mobile=number(1))
    bill = await house.bill(account, amount=1200)
    await house.pay(bill, amount=200)

    async with await sender(house) as system:
        await system.send(bill, 1)
        await system.send(bill, 2, kind=PAID)
        await settled(house, 2)
    await told(house)

    (call,) = await house.ledger("call")
    assert "".join(await house.heard(call)).count("新臺幣一千元") >= 2


async def test_of_a_household_the_others_are_still_told(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=1800, start=BEFORE_NINE) as house:
        await everyone(house, LISTENS)
        account = await house.customer(mobile=number(1))
        paid = await house.bill(account, amount=500)
        await house.bill(account, amount=1000)
        run = await house.planned(await house.launch())

        await house.pay(paid)
        async with await sender(house) as system:
            await system.send(paid, 1, kind=PAID)
            await settled(house, 1)
        await finished(house, run)

        assert effects(await inbox(house.app)) == ["dropped"]
        (call,) = await house.ledger("call")
        heard = "".join(await house.heard(call))
        assert "新臺幣一千元" in heard
        assert "新臺幣五百元" not in heard


async def test_nobody_is_hung_up_on(database: str, source_database: str) -> None:
    """Paid while the telephone rings: the call goes on, and none follows."""
    async with open_house(database, source_database, scale=60) as house:
        account = await house.customer(mobile=number(1), email="li@customer.example")
        bill = await house.bill(account)
        await house.people({"calls": {number(1): [RINGS_LONG]}})
        await house.launch()

        async def rings() -> bool:
            return any(call["status"] == "ringing" for call in await house.ledger("call"))

        await house.until_soon(rings)
        await house.pay(bill)
        async with await sender(house) as system:
            await system.send(bill, 1, kind=PAID)
            await settled(house, 1)
        assert effects(await inbox(house.app)) == ["in_flight"]

        async def rested() -> bool:
            return not await house.app.pool.fetchval("select exists (select from notifier.in_flight)")

        await house.until_soon(rested)
        assert [call["status"] for call in await house.ledger("call")] == ["no-answer"]


@pytest.mark.parametrize("when", ["before", "never"])
async def test_with_nothing_open_there_is_nothing_to_do(house: House, when: str) -> None:
    await everyone(house)
    bill = await house.bill(await house.customer(mobile=number(1)))
    if when == "before":
        await finished(house, await house.launch())

    await house.pay(bill)
    await happen(house, (PAID, bill))
    await settled(house, 1)

    (row,) = await inbox(house.app)
    assert (row["state"], row["effects"]) == ("ignored", {CAMPAIGN: "nothing_open"})


async def test_a_lane_that_has_it_in_hand_loses_it(database: str, source_database: str) -> None:
    """Claimed, its facts asked, its words made; then the payment is heard of: no attempt is written."""
    async with open_house(database, source_database, scale=RESTING, start=BEFORE_NINE) as house:
        account = await house.customer(mobile=number(1))
        bill = await house.bill(account)
        run = await house.planned(await house.launch())
        assert run.state is RunState.OPEN
        await house.app.pool.execute(
            "update notifier.queue set lease_owner = 1, lease_until = $1", datetime(2027, 1, 1, tzinfo=TAIPEI)
        )

        await house.pay(bill)
        await happen(house, (PAID, bill))
        await settled(house, 1)

        assert (await house.notification(account))["outcome"] == "withdrawn"
        assert await house.app.pool.fetchval("select count(*) from notifier.queue") == 0
