"""Each kind of process has the rights that its part of an answer needs, and web has none."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from notifier.app import Parts
from notifier.domain.delivery import DeliveryState, Reason
from notifier.engine.backoff import wait_for
from notifier.storage.answers import AnswerState, Move
from tests.events.test_roles import as_role
from tests.house import House, open_house
from tests.office.kit import SECTION, Receiver, answered, deliveries, happened

DAY = timedelta(days=1)
TO = {"to": {SECTION: "billing@office.example"}, "cron": "0 9 * * *"}


@pytest.fixture
async def owner(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=Parts(), webhook_private=True, digest=TO) as opened:
        yield opened


async def test_a_worker_spreads_sends_and_records(owner: House) -> None:
    async with Receiver(owner.clock) as receiver, as_role(owner, "notifier_worker") as worker:
        secret = await owner.app.webhooks.add("cases", receiver.url, None, owner.clock.now())
        assert secret is not None
        receiver.secret = secret
        await happened(owner.app, "B1")
        courier = worker.courier()
        async with courier.transport:
            await courier.turn()
            await receiver.got(1)
            await wait_for(courier._woken, 5)
            await courier.turn()
        (subscriber,) = await worker.webhooks.all()
        await worker.webhooks.disable(subscriber.id, Reason.GONE, owner.clock.now())
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await worker.webhooks.add("mine", receiver.url, None, owner.clock.now())
    assert [row["state"] for row in await deliveries(owner.app)] == ["delivered"]


async def test_who_runs_the_commands_manages_subscribers_answers_and_mails(owner: House) -> None:
    reply = await answered(owner.app)
    await happened(owner.app, "B1")
    now = owner.clock.now()
    async with as_role(owner, "notifier_scheduler") as scheduler:
        assert await scheduler.webhooks.add("cases", "http://127.0.0.1:9/", None, now)
        target = await scheduler.webhooks.find("cases")
        assert target is not None
        assert not (await scheduler.courier().test(target)).well
        assert await scheduler.webhooks.replay(
            target.id, now, states=[DeliveryState.DEAD], since=now - timedelta(days=1)
        )
        assert await scheduler.webhooks.disable(target.id, "moving", now)
        assert await scheduler.webhooks.enable(target.id)
        assert await scheduler.webhooks.remove(target.id, now)
        for move in (Move.CLAIMED, Move.CLOSED, Move.REOPENED):
            assert await scheduler.answers.move(reply, move, "Ms Lin", "x", now)
        assert await scheduler.answers.some(None, list(AnswerState), None, 5)
        assert len(await scheduler.answers.history(reply)) == 3
        digests = scheduler.section_mail()
        assert digests is not None
        while await digests.turn():
            pass
        await digests.mailer.close()
        assert await scheduler.digests.latest()
    assert len(await owner.mailbox()) == 1


@pytest.mark.parametrize("table", ["subscriber", "delivery", "outbox", "reply", "reply_move", "digest"])
async def test_web_reads_none_of_it(owner: House, table: str) -> None:
    async with as_role(owner, "notifier_web") as web:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.pool.fetch(f"select from notifier.{table}")
