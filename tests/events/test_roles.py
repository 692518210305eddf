"""Each kind of process has the rights that its part of an event needs, and web no more than that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from notifier.app import App, Parts, open_app
from notifier.domain.attempt_id import AttemptId, make_attempt_id
from notifier.domain.event import Arrival
from tests.acceptance.cases import case
from tests.events.kit import ASKED, effects, happen, inbox, let_events_trigger
from tests.house import House, open_house


@pytest.fixture
async def owner(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=Parts()) as opened:
        yield opened


@asynccontextmanager
async def as_role(house: House, role: str, source_role: str = "notifier_source_reader") -> AsyncIterator[App]:
    """The parts of a process whose log-in is a member of these roles."""
    settings = house.app.settings
    assert settings.source_url is not None
    own, source = settings.database_url.get_secret_value(), settings.source_url.get_secret_value()
    urls = {"database_url": f"{own}&role={role}", "source_url": f"{source}&role={source_role}"}
    async with open_app(settings.model_validate({**settings.model_dump(), **urls})) as app:
        let_events_trigger(app)
        yield app


async def test_web_stores_and_nothing_else(owner: House) -> None:
    now = owner.app.clock.real_now()
    key = await owner.app.api_keys.add("x", now)
    assert key is not None
    async with as_role(owner, "notifier_web") as web:
        assert await web.api_keys.owner(key, now) == "x"
        for _ in range(2):
            await web.events.store([Arrival("/x", "1", ASKED, "B1")], now, recount=True)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.pool.execute("update notifier.event set state = 'handled'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.api_keys.add("mine", now)
    assert [row["copies"] for row in await inbox(owner.app)] == [2]


async def test_a_worker_reads_and_handles(owner: House) -> None:
    bill = await owner.bill(await owner.customer())
    await happen(owner, (ASKED, bill), ("bill.paid", bill))
    async with as_role(owner, "notifier_worker") as worker:
        await worker.case_events().read(worker.clock.real_now())
        events = worker.event_inbox()
        while await events.handle_some():
            pass
    assert effects(await inbox(owner.app)) == ["opened", "still_due"]


async def test_who_runs_the_commands_makes_and_revokes_keys(owner: House) -> None:
    async with as_role(owner, "notifier_scheduler") as scheduler:
        now = scheduler.clock.real_now()
        assert await scheduler.api_keys.add("x", now)
        assert await scheduler.api_keys.revoke("x", now)
        assert len(await scheduler.api_keys.all()) == 1
        assert await scheduler.events.latest(None, None, 5) == []
        assert len(await scheduler.events.feeds()) == 1
        await scheduler.keeper().close_runs()


async def test_a_scheduler_reports_what_a_sweep_finds(owner: House) -> None:
    await case(owner)
    async with as_role(owner, "notifier_scheduler") as scheduler:
        assert await scheduler.sweeps().sweep() == 1
        assert await scheduler.sweeps().sweep() == 0
    assert [row["type"] for row in await inbox(owner.app)] == ["case.overdue"]


async def test_web_may_ask_what_a_chosen_day_is_about(owner: House) -> None:
    async with as_role(owner, "notifier_web") as web:
        assert await web.replies.about(AttemptId(make_attempt_id(owner.clock.now(), bytes(10)))) is None
