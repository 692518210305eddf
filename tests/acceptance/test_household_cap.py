"""How often a household is contacted, over all runs and channels; and a bill whose payment is awaited."""

from datetime import datetime, timedelta

from notifier.domain.cap import DAY
from tests.acceptance.crowd import NO_ANSWER, everyone, finished, number, placed_at, rung
from tests.house import DISTRICT, TAIPEI, open_house

ELSEWHERE, THIRD = "左營", "三民"
REAL_TICK = timedelta(seconds=2)  # real: an attempt's time is told from when it is written, a contact's at the carrier


async def test_three_runs_want_one_household(database: str, source_database: str) -> None:
    """Two of them contact it; the third is put back for a week, which is too late for a bill due in two days."""
    caps = {"collection_per_day": 2, "collection_per_week": 2}
    async with open_house(database, source_database, caps=caps) as house:
        accounts = []
        for district in (DISTRICT, ELSEWHERE, THIRD):
            await house.office(district)
            accounts.append(await house.customer(mobile=number(1), district=district))
            await house.bill(accounts[-1])
        await everyone(house)

        runs = [await house.launch(district, district=district) for district in (DISTRICT, ELSEWHERE, THIRD)]
        for run in runs:
            await finished(house, run)

        assert rung(await house.ledger("call")) == {number(1): 2}
        told = [await house.notification(account) for account in accounts]
        outcomes = sorted((row["outcome"], row["reason"]) for row in told)
        assert outcomes == [
            ("acknowledged", "answered"), ("acknowledged", "answered"), ("expired", "capped: 2 in 7 days"),
        ]  # fmt: skip


async def test_the_plan_of_one_notice_is_stretched_over_days(database: str, source_database: str) -> None:
    """Who never answers is called three times, then texted, then written to: at most twice in any 24 hours."""
    monday = datetime(2026, 11, 30, 9, 30, tzinfo=TAIPEI)
    async with open_house(database, source_database, start=monday, scale=6000, caps={"collection_per_day": 2}) as house:
        account = await house.customer(mobile=number(1), email="li@customer.example")
        await house.bill(account, due_in=4)
        await everyone(house, NO_ANSWER)
        await house.people({"everyone": {"calls": NO_ANSWER, "messages": {"outcome": "undelivered"}}})

        run = await house.launch()
        await finished(house, run, within=110)

        calls, texts = await house.ledger("call"), await house.ledger("message")
        mails = await house.mailbox()
        assert (len(calls), len(texts), len(mails)) == (3, 1, 1)
        contacts = sorted([placed_at(one) for one in [*calls, *texts]])
        tick = REAL_TICK * house.clock.scale
        for third, first in zip(contacts[2:], contacts, strict=False):
            assert third - first > DAY - tick
        who = await house.attempts(account)
        assert len(who) == 5


async def test_a_bill_said_to_be_paid_is_left_alone_at_the_next_try(database: str, source_database: str) -> None:
    """Held in the books since the run was planned: not rung about, and told again by a run after the hold."""
    eight = datetime(2026, 12, 1, 8, 0, tzinfo=TAIPEI)
    async with open_house(database, source_database, scale=1800, start=eight) as house:
        account = await house.customer(mobile=number(1))
        bill = await house.bill(account)
        await everyone(house)
        run = await house.planned(await house.launch())
        until = house.clock.now() + timedelta(days=7)
        await house.app.pool.execute(
            "insert into notifier.posting_hold (subject, until, attempt_id) values ($1, $2, gen_random_uuid())",
            bill, until,
        )  # fmt: skip

        await finished(house, run)

        assert await house.ledger("call") == []
        row = await house.notification(account)
        assert (row["outcome"], row["reason"]) == ("expired", "posting_hold")
        await house.app.pool.execute("delete from notifier.posting_hold")
        await finished(house, await house.launch("again"))
        assert rung(await house.ledger("call")) == {number(1): 1}
