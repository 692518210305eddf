"""Events out, judged by whoever receives them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from notifier.app import Parts
from notifier.channels.webhook_transport import WebhookTransport
from notifier.domain.delivery import WAITS, DeliveryState, Reason
from notifier.engine import webhooks
from notifier.engine.webhooks import AT_ONCE, Courier
from tests.house import House, open_house, second_process
from tests.office.kit import (
    Received,
    Receiver,
    all_in,
    answer_with,
    by_subject,
    come_to,
    deliveries,
    hang,
    happened,
    outbox,
    subscribe,
)

WORK = Parts(work=True)


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=WORK, scale=2000, webhook_private=True) as opened:
        yield opened


@pytest.fixture
async def still(database: str, source_database: str) -> AsyncIterator[House]:
    """One in which nothing happens by itself."""
    async with open_house(database, source_database, parts=Parts(), webhook_private=True) as opened:
        yield opened


def courier(house: House, deadline: float = 5) -> Courier:
    return Courier(
        house.clock, house.app.webhooks, house.app.wake_ups, WebhookTransport(private=True, deadline=deadline)
    )


async def test_what_arrives_is_signed_and_says_what_happened(house: House) -> None:
    async with Receiver(house.clock) as receiver:
        await subscribe(house.app, receiver)
        await happened(house.app, "B1")
        (received,) = await receiver.got(1)

    assert Webhook(receiver.secret).verify(received.body, received.headers)["type"] == "reply.received"
    with pytest.raises(WebhookVerificationError):
        Webhook(receiver.secret).verify(received.body + b" ", received.headers)
    assert received.data == {"subject": "B1", "number": 1}
    assert received.id == str(await house.app.pool.fetchval("select event_id from notifier.outbox"))
    assert received.headers["content-type"] == "application/json"


async def test_each_is_told_of_what_it_asked_for(house: House) -> None:
    async with Receiver(house.clock) as all_of_it, Receiver(house.clock) as some:
        await subscribe(house.app, all_of_it)
        await subscribe(house.app, some, "some", ["reply.closed"])
        await happened(house.app, "B1")
        await happened(house.app, "B1", kind="reply.closed")
        await all_of_it.got(2)
        await some.got(1)
        await all_in(house, "delivered", 3)

    assert [one.type for one in all_of_it.taken] == ["reply.received", "reply.closed"]
    assert [one.type for one in some.taken] == ["reply.closed"]


async def test_ids_that_become_visible_in_another_order_are_all_told(house: House, database: str) -> None:
    slow = await asyncpg.connect(database)
    async with Receiver(house.clock) as receiver:
        await subscribe(house.app, receiver)
        async with slow.transaction():
            (early,) = await slow.fetch(
                "insert into notifier.outbox (type, subject, data, at)"
                " values ('reply.received', 'early', '{\"number\": 1}', now()) returning id"
            )
            (late,) = await happened(house.app, "late")
            assert early["id"] < late
            await receiver.got(1)
        await receiver.got(2)
    await slow.close()

    assert [one.subject for one in receiver.taken] == ["late", "early"]


async def test_a_receiver_that_is_down_an_hour_gets_everything_in_order(house: House) -> None:
    subjects = [f"B{number}" for number in range(30)]
    receiver = Receiver(house.clock)
    await subscribe(house.app, receiver)
    began = house.clock.now()
    for _ in range(3):
        await happened(house.app, *subjects)

    async def an_hour_has_passed() -> bool:
        return house.clock.now() - began > timedelta(hours=1)

    await house.until_soon(an_hour_has_passed)
    (down,) = await house.app.webhooks.all()
    async with receiver:
        await receiver.got(90)
        await all_in(house, "delivered", 90)

    assert down.failing_since is not None
    assert down.answer == "no_connection"
    tried = [row["tries"] for row in await deliveries(house.app)]
    assert sum(tried) < 90 + 40, "while it was down it was asked now and then, not by each of them"
    assert by_subject(receiver.taken) == {subject: [n + 1] * 3 for n, subject in enumerate(subjects)}
    assert await is_in_order(house, receiver)
    assert receiver.overlapping == set()
    (back,) = await house.app.webhooks.all()
    assert (back.failures, back.failing_since, back.waiting, back.dead) == (0, None, 0, 0)


async def test_one_that_fails_holds_up_its_own_subject_only(house: House) -> None:
    refused = 0

    async def react(received: Received) -> web.StreamResponse:
        nonlocal refused
        if received.subject == "odd" and received.data["number"] == 1 and refused < 3:
            refused += 1
            return await answer_with(500)
        return web.Response(status=204)

    async with Receiver(house.clock, react=react) as receiver:
        await subscribe(house.app, receiver)
        await happened(house.app, "odd", "odd", "even", "odd", "even")
        await all_in(house, "delivered", 5)

    assert by_subject(receiver.taken) == {"odd": [1, 2, 4], "even": [3, 5]}
    assert [one.subject for one in receiver.taken[:2]] == ["even", "even"]
    assert [row["tries"] for row in await deliveries(house.app)] == [4, 1, 1, 1, 1]
    first = [one.at for one in receiver.requests if one.data["number"] == 1]
    waited = [after - before for before, after in pairwise(first)]
    assert [one >= wait for one, wait in zip(waited, WAITS, strict=False)] == [True] * 3


async def test_a_dead_letter_lets_the_next_pass_and_can_be_replayed(house: House) -> None:
    well = False

    async def react(received: Received) -> web.StreamResponse:
        return await answer_with(204 if well or received.data["number"] != 1 else 500)

    async with Receiver(house.clock, react=react) as receiver:
        name = await subscribe(house.app, receiver)
        await happened(house.app, "B1", "B1")
        await receiver.asked(1)
        await house.app.pool.execute("update notifier.delivery set tries = $1 where turn = 1", len(WAITS))
        await come_to(house, "dead", "delivered")
        dead, passed = await deliveries(house.app)
        well = True
        target = await house.app.webhooks.find(name)
        assert target is not None
        count = await house.app.webhooks.replay(
            target.id, house.clock.now(), states=[DeliveryState.DEAD], deliveries=[dead["id"]]
        )
        await house.app.wake_ups.send("outbox")
        await all_in(house, "delivered", 2)

    assert (dead["state"], dead["reason"], dead["answer"]) == ("dead", Reason.TRIES, "http 500")
    assert (passed["state"], count) == ("delivered", 1)
    assert [one.data["number"] for one in receiver.taken] == [2, 1]
    assert {one.id for one in receiver.requests if one.data["number"] == 1} == {str(dead["event_id"])}


async def test_gone_disables_the_subscriber_and_nothing_is_lost(house: House) -> None:
    gone = True

    async def react(_: Received) -> web.StreamResponse:
        return await answer_with(410 if gone else 200)

    async with Receiver(house.clock, react=react) as receiver:
        name = await subscribe(house.app, receiver)
        began = house.clock.now()
        await happened(house.app, *(["B1", "B2"] * 20))
        await all_in(house, "dead", 40)
        (subscriber,) = await house.app.webhooks.all()
        await happened(house.app, "B3")
        await all_in(house, "dead", 41)
        asked = len(receiver.requests)

        gone = False
        assert await house.app.webhooks.enable(subscriber.id)
        assert await house.app.webhooks.replay(
            subscriber.id, house.clock.now(), states=[DeliveryState.DEAD], since=began
        ) == 41  # fmt: skip
        await house.app.wake_ups.send("outbox")
        await all_in(house, "delivered", 41)

    assert (subscriber.name, subscriber.disabled_reason) == (name, Reason.GONE)
    assert asked <= 2 * AT_ONCE
    assert by_subject(receiver.taken) == {
        "B1": list(range(1, 41, 2)), "B2": list(range(2, 41, 2)), "B3": [1],
    }  # fmt: skip
    assert receiver.overlapping == set()


async def test_a_receiver_that_asks_for_time_gets_it(house: House) -> None:
    async def react(received: Received) -> web.StreamResponse:
        return await (answer_with(503, Retry_After="3600") if len(receiver.requests) == 1 else answer_with(204))

    async with Receiver(house.clock, react=react) as receiver:
        await subscribe(house.app, receiver)
        await happened(house.app, "B1")
        await receiver.asked(1)

        async def recorded() -> bool:
            return [row["answer"] for row in await deliveries(house.app)] == ["http 503"]

        await house.until_soon(recorded)
        await happened(house.app, "B2")
        await receiver.got(2)

    first, *others = receiver.requests
    assert {one.subject for one in others} == {"B1", "B2"}
    assert all(one.at - first.at >= timedelta(hours=1) for one in others)


async def test_a_redirect_is_a_failure(house: House) -> None:
    async with Receiver(house.clock) as elsewhere:

        async def react(_: Received) -> web.StreamResponse:
            return await answer_with(307, Location=elsewhere.url)

        async with Receiver(house.clock, react=react) as receiver:
            await subscribe(house.app, receiver)
            await happened(house.app, "B1")
            await receiver.asked(2)
    (row,) = await deliveries(house.app)

    assert (row["state"], row["answer"]) == ("open", "redirect")
    assert elsewhere.requests == []


async def test_a_private_address_is_refused_when_it_comes_to_it(database: str, source_database: str) -> None:
    async with (
        open_house(database, source_database, parts=WORK, scale=2000) as house,
        Receiver(house.clock) as receiver,
    ):
        await subscribe(house.app, receiver)  # as if it had been allowed when it was added
        await happened(house.app, "B1")

        async def refused() -> bool:
            return [row["answer"] for row in await deliveries(house.app)] == ["forbidden_target"]

        await house.until_soon(refused)
        assert receiver.requests == []


async def test_two_workers_deliver_each_event_once(house: House, database: str, source_database: str) -> None:
    subjects = [f"B{number % 6}" for number in range(600)]
    async with (
        Receiver(house.clock) as receiver,
        second_process(house, database, source_database, webhook_private=True),
    ):
        await subscribe(house.app, receiver)
        for first in range(0, 600, 50):
            await happened(house.app, *subjects[first : first + 50])
        await all_in(house, "delivered", 600, within=40)

    assert Counter(Counter(one.id for one in receiver.requests).values()) == {1: 600}
    assert receiver.overlapping == set()
    assert receiver.busiest <= 2 * AT_ONCE
    assert await is_in_order(house, receiver)


async def test_a_slow_receiver_keeps_nobody_else_waiting(house: House) -> None:
    async with Receiver(house.clock, react=hang) as slow, Receiver(house.clock) as quick:
        await subscribe(house.app, slow, "slow")
        await subscribe(house.app, quick, "quick")
        await happened(house.app, *(f"B{number}" for number in range(50)))
        await quick.got(50)
        await slow.asked(1)

        assert len(slow.requests) <= AT_ONCE
        assert slow.taken == []


async def test_a_receiver_that_says_nothing_is_given_up_and_asked_again(still: House) -> None:
    async with Receiver(still.clock, react=hang) as receiver:
        await subscribe(still.app, receiver)
        await happened(still.app, "B1")
        service = asyncio.create_task(courier(still, deadline=0.3).run())
        await receiver.asked(2)
        (row,) = await deliveries(still.app)
        await _end(service)

    assert row["answer"] == "timeout"
    assert len({one.id for one in receiver.requests}) == 1


async def test_whoever_dies_before_the_record_is_followed_by_a_repeat(
    still: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process: tests/faults/kill kills a real one."""
    monkeypatch.setattr(webhooks, "LEASE", 0.5)
    async with Receiver(still.clock, react=hang) as receiver:
        await subscribe(still.app, receiver)
        await happened(still.app, "B1", "B1")
        first = asyncio.create_task(courier(still).run())
        await receiver.asked(1)
        await _end(first)
        receiver.react = _well
        second = asyncio.create_task(courier(still).run())
        await all_in(still, "delivered", 2)
        await _end(second)

    ids = [one.id for one in receiver.requests]
    assert (ids[0], len(set(ids))) == (ids[1], 2)
    assert [row["tries"] for row in await deliveries(still.app)] == [2, 1]


async def test_a_late_record_of_a_lease_that_was_lost_counts_nothing(still: House) -> None:
    store, now = still.app.webhooks, still.clock.now()
    async with Receiver(still.clock) as receiver:
        await subscribe(still.app, receiver)
    await happened(still.app, "B1")
    await store.spread(now, 10)
    (lost,) = await store.claim(now, now, most=8, trouble=3)
    (held,) = await store.claim(now, now + timedelta(minutes=1), most=8, trouble=3)
    assert await store.claim(now, now + timedelta(minutes=1), most=8, trouble=3) == []

    dead = webhooks.Verdict(DeliveryState.DEAD, reason=Reason.TRIES)
    await store.record([webhooks.Result(lost, webhooks.Heard(500), dead)], now, trouble=3)
    assert [row["state"] for row in await deliveries(still.app)] == ["open"]
    well = webhooks.Verdict(DeliveryState.DELIVERED)
    await store.record([webhooks.Result(held, webhooks.Heard(204), well)], now, trouble=3)
    assert [row["state"] for row in await deliveries(still.app)] == ["delivered"]


async def test_what_waited_too_long_and_what_nobody_wants_is_dead_with_the_reason(still: House) -> None:
    store, now = still.app.webhooks, still.clock.now()
    async with Receiver(still.clock) as receiver:
        for name in ("old", "removed", "disabled", "fresh"):
            await subscribe(still.app, receiver, name)
    await happened(still.app, "B1")
    await store.spread(now, 10)
    ids = {one.name: one.id for one in await store.all()}
    await still.app.pool.execute(
        "update notifier.delivery set since = since - interval '5 days' where subscriber_id = $1", ids["old"]
    )
    await store.remove(ids["removed"], now)
    await store.disable(ids["disabled"], "moving", now)

    assert await store.give_up(now - timedelta(days=4), Reason.TOO_OLD, Reason.REMOVED, now) == 3
    states: dict[str, Any] = {row["subscriber"]: (row["state"], row["reason"]) for row in await deliveries(still.app)}
    assert states == {
        "old": ("dead", Reason.TOO_OLD),
        "removed": ("dead", Reason.REMOVED),
        "disabled": ("dead", "moving"),
        "fresh": ("open", None),
    }


async def is_in_order(house: House, receiver: Receiver) -> bool:
    """Whether what was taken came as it happened, subject by subject."""
    order = {str(row["event_id"]): row["id"] for row in await outbox(house.app)}
    came: dict[str, list[int]] = {}
    for one in receiver.taken:
        came.setdefault(one.subject, []).append(order[one.id])
    return all(ids == sorted(ids) for ids in came.values())


async def _well(_: Received) -> web.StreamResponse:
    return web.Response(status=204)


async def _end(service: "asyncio.Task[None]") -> None:
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)
