"""A machine whose clock goes astray stops working until it is right again, and says why; a small drift is followed."""

import asyncio
import time as machine
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest

from notifier.app import Parts, open_app, run_parts
from notifier.clock import ClockAstray, ScaledClock, SystemClock
from notifier.domain.calendar import Window
from notifier.domain.campaign import Step
from notifier.domain.purpose import Purpose
from notifier.domain.states import RunState
from notifier.engine import clock_watch
from notifier.engine.clock_watch import too_far
from notifier.sandbox.server import Sandbox, SandboxSettings
from notifier.settings import Settings
from notifier.storage.database import Offset
from notifier.storage.runs import Run
from tests.acceptance.crowd import finished
from tests.faults.carrier.town import when
from tests.house import ACCOUNT_SID, DISTRICT, MORNING, TOKEN, House, make_settings

EVERY = 0.05  # real seconds between two measurements


@dataclass
class Wrong:
    """This machine's clock, so many seconds fast."""

    seconds: float = 0.0

    def time(self) -> float:
        return machine.time() + self.seconds


@dataclass
class Office:
    """A house that lives in real time."""

    house: House
    wrong: Wrong
    clock: SystemClock

    async def launch(self, key: str = "test") -> Run:
        """A run that has one mail to send."""
        await self.house.bill(await self.house.customer(email="c@customer.example"))
        return await self.house.launch(key)

    async def ready(self) -> tuple[int, str]:
        url = self.house.app.settings.public_url
        async with self.house.carrier.get(f"{url}/readyz") as response:
            return response.status, await response.text()

    async def is_ready(self) -> bool:
        return (await self.ready())[0] == 200

    async def is_not_ready(self) -> bool:
        return not await self.is_ready()


@pytest.fixture
async def office(database: str, source_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(clock_watch, "EVERY", EVERY)
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(SandboxSettings(ACCOUNT_SID, TOKEN), SystemClock())
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        scaled = ScaledClock(MORNING, 1, machine.time())
        settings = make_settings(database, source_database, sandbox, scaled).model_copy(update={"clock": "system"})
        app = await stack.enter_async_context(open_app(settings, name="test"))
        utility = await asyncpg.connect(source_database)
        stack.push_async_callback(utility.close)
        carrier = await stack.enter_async_context(aiohttp.ClientSession(sandbox.url))
        clock, wrong = app.clock, Wrong()
        assert isinstance(clock, SystemClock)
        clock.time = wrong.time
        mail_at_any_hour(app.catalogue.campaigns)
        stopping, running = asyncio.Event(), asyncio.Event()
        parts = Parts(web=True, work=True, keep=True)
        service = asyncio.create_task(run_parts(app, parts, stopping, ready=lambda _: running.set()))
        stack.push_async_callback(_stop, service, stopping)
        await running.wait()
        house = House(app, sandbox, utility, carrier, clock)  # type: ignore[arg-type]
        await house.office(DISTRICT)
        office = Office(house, wrong, clock)
        await finished(house, await office.launch("while all is well"))
        yield office


async def _stop(service: "asyncio.Task[None]", stopping: asyncio.Event) -> None:
    stopping.set()
    await service


def mail_at_any_hour(campaigns: Any) -> None:
    """Whatever the hour at which the tests run."""
    campaigns["payment_deadline"] = replace(
        campaigns["payment_deadline"],
        purpose=Purpose.SAFETY,
        window=Window(time(0), time(0), holidays=True),
        plan=(Step("email"),),
        schedule=None,
    )


@pytest.mark.parametrize("seconds", [5.0, pytest.param(-5.0, marks=pytest.mark.long)])
async def test_nothing_is_sent_by_a_clock_that_is_astray(office: Office, seconds: float) -> None:
    office.wrong.seconds = seconds
    await when(office.is_not_ready)
    assert f"{seconds:+.1f} s off" in (await office.ready())[1]
    run = await office.launch()

    with pytest.raises(TimeoutError):
        await when(planned(office, run), within=0.5)

    office.wrong.seconds = 0
    await when(office.is_ready)
    await finished(office.house, run)
    assert len(await office.house.mailbox()) == 2


def planned(office: Office, run: Run) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await office.house.run(run)).state is not RunState.PLANNING

    return holds


@pytest.mark.long
async def test_a_lane_rests_too(office: Office) -> None:
    """What was planned while the clock was right stays queued."""
    house = office.house
    await house.app.budgets.pause("email", "until all is made ready")
    run = await house.planned(await office.launch())
    office.wrong.seconds = 5
    await when(office.is_not_ready)
    await house.app.budgets.resume("email")
    await house.app.wake_ups.send("lanes")

    async def sent() -> bool:
        return len(await house.mailbox()) > 1

    with pytest.raises(TimeoutError):
        await when(sent, within=0.5)

    office.wrong.seconds = 0
    await finished(house, run)
    assert len(await house.mailbox()) == 2


@pytest.mark.long
async def test_a_small_drift_is_followed(office: Office) -> None:
    office.wrong.seconds = 0.6

    async def followed() -> bool:
        return abs(office.clock.offset + timedelta(seconds=0.6)) < timedelta(seconds=0.1)

    await when(followed)
    assert await office.is_ready()


async def test_a_process_does_not_start_by_a_clock_that_is_astray(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_watch, "LARGEST_OFFSET", timedelta(seconds=-1))
    with pytest.raises(ClockAstray, match=r"off the database's: set it"):
        async with open_app(Settings(database_url=database)):  # type: ignore[arg-type]
            pass


def test_what_the_measuring_may_be_wrong_by_proves_nothing() -> None:
    second = timedelta(seconds=1)
    assert too_far(Offset(1.5 * second, 0.6 * second)) is None
    assert too_far(Offset(-1.5 * second, 0.4 * second)) == "this machine's clock is +1.5 s off the database's"
