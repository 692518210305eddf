"""What is held waits for a person, and the run with it: released it is told, closed it is on record."""

from notifier.domain.states import RunState
from notifier.storage.runs import Run
from tests.acceptance.crowd import customers, everyone, finished, number, rung
from tests.house import House


async def waiting_with_one_held(house: House) -> tuple[str, Run]:
    """A run in which one customer depends on a machine for life, and is therefore not rung by a machine."""
    await customers(house, 2)
    account = await house.customer(mobile=number(9), life_support=True)
    await house.bill(account)
    await everyone(house)

    run = await house.ended(await house.launch())

    assert run.state is RunState.WAITING
    assert rung(await house.ledger("call")) == {number(0): 1, number(1): 1}
    (held,) = await house.app.runs.held(run.id)
    assert (held.account_no, held.reason) == (account, "life_support")
    tally = await house.tally(run)
    assert (tally.difference, tally.held, tally.outcomes) == (0, {"life_support": 1}, {"acknowledged": 2})
    return account, run


async def test_closed_by_a_person(house: House) -> None:
    account, run = await waiting_with_one_held(house)
    notification = (await house.notification(account))["id"]

    assert await house.app.runs.close_held(notification, "visited by the section", house.clock.now())
    await finished(house, run)

    assert number(9) not in rung(await house.ledger("call"))
    row = await house.notification(account)
    assert (row["outcome"], row["reason"]) == ("suppressed", "visited by the section")
    assert not await house.app.runs.close_held(notification, "once more", house.clock.now())


async def test_released_by_a_person(house: House) -> None:
    account, run = await waiting_with_one_held(house)
    notification = (await house.notification(account))["id"]

    assert await house.app.runs.release_held(notification, "voice", 0, house.clock.now())
    await house.app.wake_ups.send("lanes")
    await finished(house, run)

    assert rung(await house.ledger("call"))[number(9)] == 1
    assert (await house.notification(account))["outcome"] == "acknowledged"
    assert not await house.app.runs.release_held(notification, "voice", 0, house.clock.now())


async def test_a_household_with_a_machine_is_told_of_the_other_account(house: House) -> None:
    """The held account waits alone; it does not keep the family's other bill from being told."""
    held = await house.customer(mobile=number(1), life_support=True)
    other = await house.customer(mobile=number(1))
    for account in (held, other):
        await house.bill(account)
    await everyone(house)

    run = await house.ended(await house.launch())

    assert run.state is RunState.WAITING
    assert rung(await house.ledger("call")) == {number(1): 1}
    assert (await house.notification(held))["held"] == "life_support"
    assert (await house.notification(other))["outcome"] == "acknowledged"
