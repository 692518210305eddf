"""One run with one fault in the middle of it, seen from outside: over HTTP, in the carrier's ledger, on the wire."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog

from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.database import LOST
from notifier.storage.runs import Run
from tests.faults.kill.town import QUICK, make_town, settle_in, wrongs
from tests.faults.postgres.server import Wired
from tests.faults.proxy import Proxy
from tests.house import FAST, House, open_house

SCALE = 240  # a call of 40 s lasts 0.2 s, a wait of 20 minutes 5 s
PACE = FAST | {"voice": Pace(rate=0.033, burst=4, most_in_flight=60, reserved=0)}  # 8 a second
TOWN = 70
BEGUN = 16  # calls after which the fault strikes
UNDER_WAY = 2.5  # real seconds; what was written before is sent within 2 s, or not at all
RECOVERED = 10.0  # real seconds by which all must be well again
LOOK = 0.05
ASKED = 0.25  # between two questions to /readyz
BUSY = 0.5  # of one core; a loop that spins takes all of it
ATTEMPTS_A_SECOND = 12.0  # at connecting, over all parts of a process with web, worker and timetable

# A call that broke off is made again hours later: not in a test.
HURRY = "update notifier.queue set due_at = $1 where due_at > $1 and lease_until is null"
LINES_A_SECOND = 10.0  # of the log

Note = Callable[[str, object], None]
Act = Callable[[], Awaitable[None]]


@dataclass
class Outage:
    """What was seen while the fault lasted."""

    not_ready_after: float | None = None  # real seconds
    ready_again: int = 0  # answers of 200 after that
    called: int = 0  # calls in the ledger at UNDER_WAY
    called_in_the_dark: int = 0
    connecting: float = 0.0  # tries a second
    busy: float = 0.0  # of one core, the carrier and our own looking on included
    slowest: float = 0.0  # answer of /readyz, real seconds
    words: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)  # what /readyz answered, each time it answered something else


@dataclass
class Story:
    house: House
    client: aiohttp.ClientSession
    proxy: Proxy
    note: Note

    async def ready(self) -> tuple[int, str, float]:
        """Status and words of /readyz, and how long they took."""
        began = time.monotonic()
        async with self.client.get("/readyz") as response:
            words = (await response.text()).strip()
        return response.status, words, time.monotonic() - began

    async def calls(self) -> int:
        return len(await self.house.ledger("call"))

    async def begun(self, calls: int = BEGUN) -> Run:
        """A run under way, with calls in flight."""
        run = await self.house.launch()

        async def enough() -> bool:
            return await self.calls() >= calls

        await comes(enough)
        return run

    async def outage(self, lasting: float) -> Outage:
        """Look on while it lasts."""
        seen, began, connected = Outage(), time.monotonic(), self.proxy.accepted
        used = time.process_time()
        while (elapsed := time.monotonic() - began) < lasting:
            status, words, took = await self.ready()
            seen.slowest = max(seen.slowest, took)
            if not seen.said or not seen.said[-1].endswith(words):
                seen.said.append(f"{elapsed + took:.1f} s: {words}")
            if status == 503:
                seen.words.add(words)
                if seen.not_ready_after is None:
                    seen.not_ready_after = elapsed + took
            elif seen.not_ready_after is not None:
                seen.ready_again += 1
            if elapsed < UNDER_WAY:
                seen.called = await self.calls()
            await asyncio.sleep(ASKED)
        seen.called_in_the_dark = await self.calls() - seen.called
        seen.connecting = (self.proxy.accepted - connected) / lasting
        seen.busy = (time.process_time() - used) / lasting
        return seen

    async def recovered(self) -> None:
        """Until it is ready and calls again, measured from now."""
        began, before = time.monotonic(), await self.calls()

        async def is_ready() -> bool:
            return (await self.ready())[0] == 200

        async def calls_again() -> bool:
            return await self.calls() > before

        await comes(calls_again, within=RECOVERED)
        self.note("calls again after, s", round(time.monotonic() - began, 1))
        await comes(is_ready, within=RECOVERED)
        took = time.monotonic() - began
        self.note("ready again after, s", round(took, 1))
        assert took < RECOVERED

    async def told(self, run: Run) -> None:
        """The run finishes and adds up, and everybody was rung exactly as they answer."""

        async def over() -> bool:
            with suppress(*LOST):  # our own look comes over the wire that was cut, too
                await self.house.app.pool.execute(HURRY, self.house.clock.now())
                return (await self.house.run(run)).state is RunState.FINISHED
            return False

        began = time.monotonic()
        await comes(over, within=60)
        self.note("finished after, s", round(time.monotonic() - began, 1))
        await self.house.quiet()
        assert (await self.house.tally(await self.house.run(run))).difference == 0


@asynccontextmanager
async def a_story(
    database: str, source: str, proxy: Proxy, note: Note, *, town: int = TOWN, **settings: Any
) -> AsyncIterator[tuple[Story, Act]]:
    """A house whose database is behind the wire; answers the story and its judgement."""
    settings = {"scale": SCALE, "pace": PACE, "twilio": {"timeout": 2.0}} | settings
    people = make_town(town, QUICK)
    async with open_house(database, source, **settings) as house:
        await settle_in(house, people)
        async with aiohttp.ClientSession(house.app.settings.public_url) as client:

            async def judge() -> None:
                found, seen = await wrongs(house, people)
                note("seen", dict(seen))
                assert not found, "\n".join([*found[:20], f"{len(found)} in all"])

            yield Story(house, client, proxy, note), judge


async def tell(
    database: str,
    proxy: Proxy,
    source: str,
    note: Note,
    fault: AbstractAsyncContextManager[None],
    lasting: float,
    *,
    within: float = 3.0,
    steady: bool = True,
    **settings: Any,
) -> Outage:
    """The whole story: the fault lasts as long as its context, and shows within so many real seconds."""
    with structlog.testing.capture_logs() as logs:
        async with a_story(database, source, proxy, note, **settings) as (story, judge):
            run = await story.begun()
            async with fault:
                said = len(logs)
                seen = await story.outage(lasting)
                lines = [line for line in logs[said:] if line["log_level"] != "debug"]
            await story.recovered()
            await story.told(run)
            await judge()
    note("not ready after, s", round(seen.not_ready_after or -1, 1))
    note("slowest /readyz, s", round(seen.slowest, 1))
    note("tries to connect a second", round(seen.connecting, 1))
    note("of one core used, %", round(100 * seen.busy))
    note("lines of the log a second", round(len(lines) / lasting, 1))
    note("words", sorted(seen.words))
    assert seen.not_ready_after is not None
    assert seen.not_ready_after < within
    assert seen.ready_again == 0 or not steady, seen.said
    assert seen.called_in_the_dark == 0
    assert seen.slowest < within
    assert seen.connecting < ATTEMPTS_A_SECOND
    assert seen.busy < BUSY
    assert len(lines) / lasting < LINES_A_SECOND
    return seen


async def tell_of_a_blow(wired: Wired, source: str, note: Note, blow: Act, **settings: Any) -> None:
    """As `tell`, of a fault that is over at once: all that matters is what comes after."""
    async with a_story(wired.url, source, wired.proxy, note, **settings) as (story, judge):
        run = await story.begun()
        await blow()
        await story.recovered()
        await story.told(run)
        await judge()


async def comes(holds: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    """Until the condition holds. For what happens elsewhere, and no wake-up announces."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(LOOK)
