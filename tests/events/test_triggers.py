"""What an event does: one customer is told what the audience and the facts say, once, in the run of the day."""

from datetime import datetime

from notifier.app import Parts
from notifier.domain.states import RunState
from tests.acceptance.crowd import BUSY, everyone, finished, number, rung
from tests.events.kit import ASKED, CAMPAIGN, effects, happen, inbox, let_events_trigger, sender, settled, told
from tests.house import TAIPEI, House, open_house

AFTERNOON = datetime(2026, 12, 1, 16, 0, tzinfo=TAIPEI)
EVENING = datetime(2026, 12, 1, 22, 0, tzinfo=TAIPEI)
TODAY = "payment_deadline events 2026-12-01"


async def test_an_event_tells_its_subject_and_nobody_else(house: House) -> None:
    await everyone(house)
    accounts = [await house.customer(mobile=number(n)) for n in range(3)]
    bills = [await house.bill(account) for account in accounts]

    async with await sender(house) as system:
        await system.send(bills[1])
        await settled(house, 1)
    await told(house)

    assert rung(await house.ledger("call")) == {number(1): 1}
    assert (await house.notification(accounts[1]))["outcome"] == "acknowledged"
    (row,) = await inbox(house.app)
    assert (row["state"], effects([row]), row["waiting_for"]) == ("handled", ["opened"], None)


async def test_an_event_of_the_source_does_the_same(house: House) -> None:
    await everyone(house)
    bill = await house.bill(await house.customer(mobile=number(1)))

    (event_id,) = await happen(house, (ASKED, bill))
    await settled(house, 1)
    await told(house)

    assert rung(await house.ledger("call")) == {number(1): 1}
    (row,) = await inbox(house.app)
    assert (row["source"], row["event_id"]) == ("source.case_event", str(event_id))


async def test_what_was_told_is_not_told_again_whoever_asks(house: House) -> None:
    """By another event, by the same one over another way, by a run of the whole audience: the occasion is taken."""
    await everyone(house)
    bill = await house.bill(await house.customer(mobile=number(1)))

    async with await sender(house) as system:
        first = await system.send(bill)
        assert await system.send(bill) == first
        await system.send(bill, 2)
        await settled(house, 2)
        await happen(house, (ASKED, bill))
        await settled(house, 3)
    run = await finished(house, await house.launch())
    await told(house)

    assert rung(await house.ledger("call")) == {number(1): 1}
    rows = await inbox(house.app)
    assert [row["copies"] for row in rows] == [2, 1, 1]
    assert effects(rows) == ["opened", "already_told", "already_told"]
    assert [row["state"] for row in rows] == ["handled", "ignored", "ignored"]
    assert (run.selected, run.already_told) == (0, 1)


async def test_whom_the_audience_leaves_out_has_the_reason_on_record(house: House) -> None:
    """The audience says who, for one subject as for thousands."""
    nobody = await house.bill(await house.customer(mobile=None))
    far = await house.bill(await house.customer(mobile=number(1)), due_in=40)
    spared = await house.customer(mobile=number(2), life_support=True)
    held = await house.bill(spared)

    async with await sender(house) as system:
        for position, bill in enumerate((nobody, far, held, "B-unknown")):
            await system.send(bill, position)
        await settled(house, 4)

    assert effects(await inbox(house.app)) == [
        "left_out: no_address: no_telephone", "not_selected", "opened", "not_selected",
    ]  # fmt: skip
    assert (await house.notification(spared))["held"] == "life_support"
    run = await house.app.runs.by_key(TODAY)
    assert run is not None
    tally = await house.app.runs.tally(run)
    assert (tally.selected, tally.excluded, tally.held) == (2, {"no_address: no_telephone": 1}, {"life_support": 1})
    assert tally.difference == 0
    assert await house.ledger() == []


async def test_the_run_of_the_day_adds_up_at_every_moment_and_ends_after_midnight(
    database: str, source_database: str
) -> None:
    async with open_house(database, source_database, start=AFTERNOON, scale=3600) as house:
        let_events_trigger(house.app)
        await everyone(house)
        bills = [await house.bill(await house.customer(mobile=number(n))) for n in range(4)]

        async with await sender(house) as system:
            for position, bill in enumerate(bills):
                await system.send(bill, position)
                await told(house)
                run = await house.app.runs.by_key(TODAY)
                assert run is not None
                assert (run.state, run.selected) == (RunState.OPEN, position + 1)
                assert (await house.tally(run)).difference == 0
        over = await house.ended(run)

    assert over.state is RunState.FINISHED
    assert over.finished_at is not None
    assert over.finished_at.astimezone(TAIPEI) >= datetime(2026, 12, 2, 1, 0, tzinfo=TAIPEI)
    assert over.priority < 5  # ahead of what is launched in bulk


async def test_asked_for_at_night_it_is_told_when_the_window_opens(database: str, source_database: str) -> None:
    async with open_house(database, source_database, start=EVENING, scale=7200) as house:
        let_events_trigger(house.app)
        await everyone(house)
        bill = await house.bill(await house.customer(mobile=number(1)), due_in=4)

        async with await sender(house) as system:
            await system.send(bill)
        await settled(house, 1)
        await told(house)

        (call,) = await house.ledger("call")
        assert datetime.fromisoformat(call["created_at"]).astimezone(TAIPEI).hour == 9


async def test_what_it_is_about_is_asked_again_before_every_try(house: House) -> None:
    account = await house.customer(mobile=number(1))
    bill = await house.bill(account)
    await house.people({"calls": {number(1): [BUSY]}})

    async with await sender(house) as system:
        await system.send(bill)
        await settled(house, 1)

        async def rung_once() -> bool:
            return any(attempt["disposition"] == "busy" for attempt in await house.attempts(account))

        await house.until(rung_once, "lanes", "inbox")
        await house.pay(bill)
    await told(house)

    assert rung(await house.ledger("call")) == {number(1): 1}
    assert (await house.notification(account))["outcome"] == "withdrawn"


async def test_a_day_s_run_that_a_person_cancelled_takes_nothing_more(house: House) -> None:
    await everyone(house)
    first, second = [await house.bill(await house.customer(mobile=number(n))) for n in range(2)]

    async with await sender(house) as system:
        await system.send(first, 1)
        await told(house)
        run = await house.app.runs.by_key(TODAY)
        assert run is not None
        await house.move(run, RunState.CANCELLED)
        await system.send(second, 2)
        await settled(house, 2)

    assert effects(await inbox(house.app)) == ["opened", "run_cancelled"]
    assert rung(await house.ledger("call")) == {number(0): 1}


async def test_while_the_day_s_run_is_paused_events_are_taken_and_told_later(house: House) -> None:
    await everyone(house)
    first, second = [await house.bill(await house.customer(mobile=number(n))) for n in range(2)]

    async with await sender(house) as system:
        await system.send(first, 1)
        await told(house)
        run = await house.app.runs.by_key(TODAY)
        assert run is not None
        await house.move(run, RunState.PAUSED)
        await system.send(second, 2)
        await settled(house, 2)
        assert rung(await house.ledger("call")) == {number(0): 1}
        await house.move(run, RunState.OPEN)
        await told(house)

    assert rung(await house.ledger("call")) == {number(0): 1, number(1): 1}


async def test_events_of_one_subject_are_handled_in_their_order(database: str, source_database: str) -> None:
    """A worker has the first in hand: another gets others, but not the next of the same subject."""
    async with open_house(database, source_database, parts=Parts(web=True)) as house:
        let_events_trigger(house.app)
        store, known = house.app.events, {ASKED}
        async with await sender(house) as system:
            ids = [int(await system.send(subject, n)) for n, subject in enumerate(("B1", "B2", "B1", "B3", "B1"))]

        async with house.app.pool.acquire() as one, one.transaction():
            taken = await store.take(one, CAMPAIGN, known, known=known, later=(), most=2)
            assert [event.id for event in taken] == ids[:2]
            async with house.app.pool.acquire() as other, other.transaction():
                rest = await store.take(other, CAMPAIGN, known, known=known, later=(), most=5)
                assert [event.id for event in rest] == [ids[3]]


async def test_an_event_that_concerns_no_campaign_keeps_nobody_waiting(house: House) -> None:
    await everyone(house)
    bill = await house.bill(await house.customer(mobile=number(1)))

    async with await sender(house) as system:
        await system.send(bill, 1, kind="bill.printed")
        await system.send(bill, 2)
        await told_of(house, 2)
    ignored = await house.app.events.ignore_unknown(
        {ASKED}, "no_campaign", house.app.clock.real_now(), house.clock.real_now()
    )

    assert ignored == 1
    first, second = await inbox(house.app)
    assert (first["state"], first["reason"]) == ("ignored", "no_campaign")
    assert (second["state"], effects([second])) == ("handled", ["opened"])


async def told_of(house: House, number_of_events: int) -> None:
    async def closed() -> bool:
        rows = await inbox(house.app)
        return rows[number_of_events - 1]["state"] != "pending"

    await house.until_soon(closed)
