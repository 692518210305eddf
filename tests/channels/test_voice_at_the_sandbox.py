"""The voice channel against the sandbox carrier: real requests, real callbacks, a person on the line."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from notifier.channels.voice import Voice
from notifier.clock import ScaledClock
from notifier.domain.attempt_id import read_attempt_id
from notifier.domain.channel import Address, HookCall
from notifier.domain.disposition import Disposition
from notifier.domain.message import Action
from notifier.domain.receipt import AttemptProgress, Receipt, fold
from notifier.domain.states import AttemptState
from notifier.sandbox.server import Sandbox, SandboxSettings
from tests.channels.channel_kit import ATTEMPT, NOW, PHONE, TOKEN, VOICE, account, surroundings

TO = Address(PHONE)
DEADLINE = 10.0  # real seconds


@dataclass
class Line:
    """A channel, its carrier, and the little of a web part that its hooks need."""

    channel: Voice
    carrier: aiohttp.ClientSession
    clock: ScaledClock
    receipts: list[Receipt] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        form = [(name, str(value)) for name, value in (await request.post()).items()]
        hook = next(hook for hook in self.channel.hooks if hook.path == request.match_info["path"])
        attempt = read_attempt_id(request.query.get("attempt", ""))
        url = f"http://{request.host}{request.raw_path}"
        query = list(request.query.items())
        call = HookCall(url, request.headers, query, form, await request.read(), attempt, VOICE, self.clock.now())
        reply = hook.answer(call)
        self.receipts += reply.receipts
        if any(receipt.ended for receipt in reply.receipts):
            self.ended.set()
        return web.Response(status=reply.status, text=reply.body, content_type=reply.content_type)

    async def call(self, **behaviour: Any) -> AttemptProgress:
        script = {"calls": {PHONE: [behaviour]}}
        async with self.carrier.post("/people", json=script) as response:
            assert response.status < 300, await response.text()
        self.receipts.append(await self.channel.send(VOICE, TO, ATTEMPT))
        async with asyncio.timeout(DEADLINE):
            await self.ended.wait()
        return fold(AttemptProgress(), self.receipts)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    clock = ScaledClock(NOW, 300, time.time())
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(SandboxSettings("ACmadeup", TOKEN), clock)
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        carrier = await stack.enter_async_context(aiohttp.ClientSession(sandbox.url))
        application = web.Application()
        runner = web.AppRunner(application)
        holder: list[Line] = []

        async def answer(request: web.Request) -> web.Response:
            return await holder[0].answer(request)

        application.router.add_route("*", "/hooks/voice/{path}", answer)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        public_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        channel = Voice(account(sandbox.url), surroundings(public_url=public_url, now=clock.now))
        stack.push_async_callback(channel.close)
        holder.append(Line(channel, carrier, clock))
        yield holder[0]


async def test_a_customer_listens_and_presses_one(line: Line) -> None:
    progress = await line.call(keys=[{"after": 7, "digit": "1"}])
    assert (progress.state, progress.disposition) == (AttemptState.ENDED, Disposition.ANSWERED)
    assert (progress.action, progress.heard) == (Action.ACKNOWLEDGE, True)


async def test_a_customer_hangs_up_at_once(line: Line) -> None:
    assert (await line.call(hang_up_after=1)).disposition is Disposition.HUNG_UP


async def test_a_customer_says_it_is_not_him_twice(line: Line) -> None:
    progress = await line.call(keys=[{"after": 7, "digit": "8"}, {"after": 13, "digit": "8"}])
    assert progress.disposition is Disposition.WRONG_PERSON


@pytest.mark.parametrize(
    ("outcome", "disposition"),
    [
        ("busy", Disposition.BUSY),
        ("declined", Disposition.DECLINED),
        ("no_answer", Disposition.NO_ANSWER),
        ("bad_number", Disposition.REFUSED),
    ],
)
async def test_nobody_answers(line: Line, outcome: str, disposition: Disposition) -> None:
    assert (await line.call(outcome=outcome)).disposition is disposition


async def test_what_was_created_is_found_with_and_without_its_sid(line: Line) -> None:
    progress = await line.call(outcome="busy")
    by_sid = await line.channel.look_up(ATTEMPT, TO, NOW, progress.provider_ref)
    assert by_sid is not None
    assert by_sid.ended is Disposition.BUSY
    by_time = await line.channel.look_up(ATTEMPT, TO, NOW, None)
    assert by_time is not None
    assert by_time.provider_ref == progress.provider_ref


async def test_our_public_address_leads_to_us(line: Line) -> None:
    await line.channel.probe()
