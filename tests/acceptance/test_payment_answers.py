"""What a customer with a bill may answer: a promise, a wish for more time; and what a payment stops."""

import time
from datetime import timedelta

import pytest

from tests.acceptance.cases import comes, outbox, replies, until_clock
from tests.acceptance.crowd import BUSY, customers, everyone, finished, number, presses, rung
from tests.events.kit import PAID, happen
from tests.house import House, open_house


@pytest.mark.parametrize(
    ("key", "action", "days", "is_open"), [("3", "promise", 3, False), ("4", "extension", 7, True)]
)
async def test_a_promise_rests_reminders_and_they_return_by_themselves(
    house: House, key: str, action: str, days: int, is_open: bool
) -> None:
    await everyone(house, presses(key, first=70))
    account = await house.customer(mobile=number(1))
    await house.bill(account, due_in=20)
    await finished(house, await house.launch(days="30"))

    (reply,) = await replies(house)
    assert (reply["action"], reply["closed_at"] is None) == (action, is_open)
    assert [row["data"]["action"] for row in await outbox(house)] == [action]
    await finished(house, await house.launch("next morning", days="30"))
    assert (await house.excluded(account)) == [action]
    assert len(await house.ledger("call")) == 1

    over = await house.app.pool.fetchval("select until from notifier.posting_hold")
    assert timedelta(days=days) - timedelta(hours=6) < over - house.clock.now() <= timedelta(days=days)
    await house.app.pool.execute("update notifier.posting_hold set until = $1", house.clock.now())
    await everyone(house)
    await finished(house, await house.launch("when it is over", days="30"))
    assert len(await house.ledger("call")) == 2


async def test_calls_still_queued_at_the_carrier_are_cancelled(database: str, source_database: str) -> None:
    """The carrier dials one in three minutes; half of the bills are paid while their calls wait there."""
    async with open_house(database, source_database, dials=1 / 180) as house:
        await everyone(house)
        accounts = await customers(house, 8)
        bills = await house.source.fetch("select bill_no, account_no from billing.bill order by account_no desc")
        run = await house.launch()
        await comes(house, "select count(*) = 8 from notifier.attempt where provider_ref is not null")

        paid = [row["bill_no"] for row in bills[:4]]
        await house.pay(*paid)
        await happen(house, *((PAID, bill) for bill in paid))
        await finished(house, run, within=60)

        calls = {call["to"]: call for call in await house.ledger("call")}
        of_paid = {to for to, account in accounts.items() if account in {row["account_no"] for row in bills[:4]}}
        cancelled = {to for to, call in calls.items() if call["status"] == "canceled"}
        assert cancelled
        assert cancelled <= of_paid
        assert all(calls[to]["status"] == "completed" for to in accounts.keys() - of_paid)
        assert all(not calls[to]["heard"] for to in cancelled)
        assert rung(await house.ledger("call")).most_common(1)[0][1] == 1


async def test_nobody_is_hung_up_on_in_mid_sentence(house: House) -> None:
    await everyone(house)
    bill = await house.bill(await house.customer(mobile=number(1)))
    run = await house.launch()
    await comes(house, "select exists (select from notifier.receipt where status = 'in-progress')")
    await house.pay(bill)
    await happen(house, (PAID, bill))
    await finished(house, run)

    (call,) = await house.ledger("call")
    assert (call["status"], call["pressed"]) == ("completed", ["1"])


async def test_no_call_is_made_two_seconds_after_a_payment(database: str, source_database: str) -> None:
    """At any point of the retry plan, three tries 20 minutes apart and then a text: each pays at a moment of their own,
    one every other minute."""
    async with open_house(database, source_database, scale=300) as house:
        await everyone(house, BUSY)
        accounts = await customers(house, 36)
        rows = await house.source.fetch("select account_no, bill_no from billing.bill")
        bills = {row["account_no"]: row["bill_no"] for row in rows}
        began, run = house.clock.now(), await house.launch()
        committed: dict[str, float] = {}
        for turn, (to, account) in enumerate(accounts.items()):
            await until_clock(house, began + timedelta(minutes=2 * turn))
            await house.pay(bills[account])
            committed[to] = time.time()
            if turn % 2:  # every other payment is reported; of the rest the facts say so
                await happen(house, (PAID, bills[account]))
        await finished(house, run, within=60)

        ledger = await house.ledger()
        late = [entry for entry in ledger if entry["created_real"] > committed[entry["to"]] + 2]
        assert late == []
        assert len(rung(ledger)) > 15
        assert (await house.tally(run)).outcomes.keys() >= {"withdrawn"}
