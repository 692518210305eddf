"""A sandbox on free ports, an application that answers its webhooks, and Twilio's own client in front of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import VoiceResponse

from notifier.clock import ScaledClock
from notifier.sandbox.server import Sandbox, SandboxSettings

ACCOUNT = "AC00000000000000000000000000000000"
TOKEN = "sandbox-token"
FROM = "+886700000000"
TO = "+886900000001"
DEADLINE = 10.0  # real seconds no wait exceeds
SCALE = 300.0
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
EVERY_EVENT = ["initiated", "ringing", "answered", "completed"]


@dataclass(frozen=True)
class Hook:
    """One webhook the application received."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    is_genuine: bool


@dataclass
class Application:
    """Serves documents by path, takes every other POST as a callback, and checks signatures by Twilio's validator."""

    url: str = ""
    documents: dict[str, str | Callable[[Hook], web.StreamResponse]] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        url = f"{self.url}{request.raw_path}"
        signature = request.headers.get("X-Twilio-Signature", "")
        genuine = RequestValidator(TOKEN).validate(url, form, signature)
        texts = {name: str(value) for name, value in form.items()}
        hook = Hook(request.method, request.path, dict(request.query), texts, dict(request.headers), genuine)
        async with self.arrived:
            self.hooks.append(hook)
            self.arrived.notify_all()
        return self._reply(hook)

    def _reply(self, hook: Hook) -> web.StreamResponse:
        document = self.documents.get(hook.path, "")
        if callable(document):
            return document(hook)
        return web.Response(text=document, content_type="text/xml") if document else web.Response(status=204)

    def says(self, path: str, response: VoiceResponse) -> str:
        """Serves the TwiML at the path; its URL."""
        self.documents[path] = str(response)
        return f"{self.url}{path}"

    def at(self, path: str) -> list[Hook]:
        return [hook for hook in self.hooks if hook.path == path]

    async def wait_for(self, path: str, count: int = 1) -> list[Hook]:
        async with asyncio.timeout(DEADLINE), self.arrived:
            await self.arrived.wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)


class LocalTransport(TwilioHttpClient):  # type: ignore[misc]
    """Sends to the sandbox what is meant for api.twilio.com."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=DEADLINE)
        self._url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        parts = urlsplit(url)
        assert parts.netloc == "api.twilio.com"
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._url}{parts.path}{query}", *args, **kwargs)

    def close(self) -> None:
        assert self.session is not None
        self.session.close()


@dataclass
class Carrier:
    """The sandbox as a test holds it: Twilio's client on one side, the control API on the other."""

    sandbox: Sandbox
    clock: ScaledClock
    client: Client
    session: aiohttp.ClientSession

    @property
    def calls_url(self) -> str:
        return f"{self.sandbox.url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"

    async def call(self, **order: Any) -> Any:
        order = {"to": TO, "from_": FROM} | order
        return await asyncio.to_thread(lambda: self.client.calls.create(**order))

    async def text(self, **order: Any) -> Any:
        order = {"to": TO, "from_": FROM, "body": "Your supply is back."} | order
        return await asyncio.to_thread(lambda: self.client.messages.create(**order))

    async def ask(self, question: Callable[[Client], Any]) -> Any:
        """Twilio's client is synchronous: asks in a thread."""
        return await asyncio.to_thread(question, self.client)

    async def people(self, **scripts: Any) -> None:
        await self.control("POST", "/people", scripts, status=204)

    async def behaves(self, *behaviours: dict[str, Any], to: str = TO) -> None:
        await self.people(calls={to: list(behaviours)})

    async def faults(self, **switches: Any) -> dict[str, Any]:
        shown: dict[str, Any] = await self.control("POST", "/faults", switches)
        return shown

    async def settled(self) -> list[dict[str, Any]]:
        """The ledger once nothing is under way."""
        await self.control("POST", f"/settle?timeout={DEADLINE}")
        return await self.ledger()

    async def ledger(self, since: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.control("GET", f"/ledger?since={since}"))["entries"]
        return entries

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        async with self.session.request(method, f"{self.sandbox.url}{path}", json=body) as response:
            assert response.status == status, await response.text()
            return None if status == 204 else await response.json()

    async def create_raw(self, form: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
        async with self.session.post(self.calls_url, data=form, headers=headers) as response:
            return response.status, await response.json(), dict(response.headers)


Opening = Callable[..., Awaitable[Carrier]]


@pytest_asyncio.fixture
async def open_carrier() -> AsyncIterator[Opening]:
    """Opens carriers with other settings than `carrier` has."""
    closing: list[Callable[[], Awaitable[None]]] = []

    async def opened(scale: float = SCALE, start: datetime = START, **settings: Any) -> Carrier:
        clock = ScaledClock(start, scale, time.time())
        sandbox = Sandbox(SandboxSettings(ACCOUNT, TOKEN, **settings), clock)
        await sandbox.start()
        transport = LocalTransport(sandbox.url)
        client = Client(ACCOUNT, TOKEN, http_client=transport, environment={"PATH": ""})
        session = aiohttp.ClientSession()

        async def close() -> None:
            transport.close()
            await session.close()
            await sandbox.stop()

        closing.append(close)
        return Carrier(sandbox, clock, client, session)

    yield opened
    for close in closing:
        await close()


@pytest_asyncio.fixture
async def carrier(open_carrier: Opening) -> Carrier:
    return await open_carrier()


@pytest_asyncio.fixture
async def application() -> AsyncIterator[Application]:
    application = Application()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", application.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    application.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield application
    await runner.cleanup()


@pytest.fixture
def hello(application: Application) -> str:
    """The URL of a document that says one sentence."""
    response = VoiceResponse()
    response.say("This is your electricity utility.")
    return application.says("/hello", response)
