"""What the stories of answers share: a receiver on loopback, and answers as the recorder writes them."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from aiohttp import web
from standardwebhooks import Webhook

from notifier.app import App
from notifier.clock import Clock
from tests.house import House, free_port

SECTION = "電費組"
Reaction = Callable[["Received"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Received:
    """One request, as it came in. `at`: by the clock of the house."""

    id: str
    type: str
    subject: str
    data: dict[str, Any]
    body: bytes
    headers: dict[str, str]
    at: datetime


async def _take(_: Received) -> web.StreamResponse:
    return web.Response(status=204)


@dataclass
class Receiver:
    """A case system that takes webhooks. `requests`: whatever came; `taken`: what was answered with 2xx, in order."""

    clock: Clock
    port: int = field(default_factory=free_port)
    react: Reaction = _take
    secret: str = ""  # requests are checked by it, when it is known
    requests: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    busiest: int = 0
    overlapping: set[str] = field(default_factory=set)  # subjects of which two were under way at once
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: Counter[str] = field(default_factory=Counter)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> "Receiver":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post("/hook", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def got(self, count: int, within: float = 20) -> list[Received]:
        """What was taken, once there is so much of it."""
        async with asyncio.timeout(within):
            while len(self.taken) < count:
                self.came.clear()
                await self.came.wait()
        return self.taken

    async def asked(self, count: int, within: float = 20) -> list[Received]:
        """The requests, once there are so many."""
        async with asyncio.timeout(within):
            while len(self.requests) < count:
                self.came.clear()
                await self.came.wait()
        return self.requests

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        received = self._read(await request.read(), dict(request.headers))
        self.requests.append(received)
        self.came.set()
        self._busy[received.subject] += 1
        self.busiest = max(self.busiest, self._busy.total())
        if self._busy[received.subject] > 1:
            self.overlapping.add(received.subject)
        try:
            response = await self.react(received)
        finally:
            self._busy[received.subject] -= 1
        if 200 <= response.status < 300:
            self.taken.append(received)
            self.came.set()
        return response

    def _read(self, body: bytes, headers: dict[str, str]) -> Received:
        lowered = {name.lower(): value for name, value in headers.items()}
        if self.secret:
            Webhook(self.secret).verify(body, lowered)
        told = json.loads(body)
        return Received(
            lowered["webhook-id"], told["type"], told["data"]["subject"], told["data"], body, lowered, self.clock.now()
        )


async def subscribe(app: App, receiver: Receiver, name: str = "case-system", types: Iterable[str] = ()) -> str:
    """The name of a new subscriber, whose secret the receiver knows."""
    secret = await app.webhooks.add(name, receiver.url, [*types], app.clock.now())
    assert secret is not None
    receiver.secret = secret
    return name


async def happened(app: App, *subjects: str, kind: str = "reply.received", connection: Any = None) -> list[int]:
    """Rows of outbox, as whoever tells of something writes them. Answers their ids."""
    rows = await (connection or app.pool).fetch(
        "insert into notifier.outbox (type, subject, data, at)"
        " select $1, s, jsonb_build_object('number', n), $3 from unnest($2::text[]) with ordinality as t(s, n)"
        " order by n returning id",
        kind, list(subjects), app.clock.now(),
    )  # fmt: skip
    await app.wake_ups.send("outbox")
    return [row["id"] for row in rows]


async def answered(
    app: App,
    *,
    section: str = SECTION,
    action: str = "already_paid",
    due_in: timedelta = timedelta(days=1),
    **cells: Any,
) -> int:
    """An answer of a customer, as the recorder writes it. Answers its id."""
    now = app.clock.now()
    reply: int = await app.pool.fetchval(
        "insert into notifier.reply (attempt_id, notification_id, run_id, campaign, subjects, account_no, district,"
        " section, action, value, key, standing, at, due_at)"
        " values ($1, 1, 1, 'payment_deadline', $2, $3, '楠梓', $4, $5, $6, '7', $7, $8, $9) returning id",
        uuid4(), cells.get("subjects", ["B000000017"]), cells.get("account_no", "07100000010"), section, action,
        cells.get("value"), cells.get("standing", "holds"), now, now + due_in,
    )  # fmt: skip
    return reply


async def deliveries(app: App, name: str | None = None) -> list[dict[str, Any]]:
    """All of them, oldest first."""
    return [dict(row) for row in reversed(await app.webhooks.latest(name, None, 100_000, app.clock.now()))]


async def outbox(app: App) -> list[dict[str, Any]]:
    return [dict(row) for row in await app.pool.fetch("select * from notifier.outbox order by id")]


async def all_in(house: House, state: str, count: int, within: float = 20) -> None:
    """Until so many deliveries are in this state, and no other."""
    await come_to(house, *[state] * count, within=within)


async def come_to(house: House, *states: str, within: float = 20) -> None:
    """Until the deliveries, oldest first, are in these states."""

    async def are() -> bool:
        return [row["state"] for row in await deliveries(house.app)] == [*states]

    await house.until_soon(are, within=within)


def by_subject(received: Iterable[Received]) -> dict[str, list[int]]:
    """The numbers of what came, of each subject in the order of coming."""
    found: dict[str, list[int]] = {}
    for one in received:
        found.setdefault(one.subject, []).append(one.data["number"])
    return found


async def answer_with(status: int, **headers: str) -> web.StreamResponse:
    return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def hang(_: Received) -> web.StreamResponse:
    """Say nothing until the caller has gone."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 30)
    return web.Response(status=204)
