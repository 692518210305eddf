"""One POST to a subscriber, against servers on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from notifier.channels.webhook_transport import WebhookTransport
from notifier.domain.delivery import Failure, Heard
from tests.house import free_port

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Leads(AbstractResolver):
    """Every name leads to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            {"hostname": host, "host": one, "port": port, "proto": 0, "flags": 0,
             "family": socket.AF_INET6 if ":" in one else socket.AF_INET}
            for one in self._addresses
        ]  # fmt: skip

    async def close(self) -> None:
        pass


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/hook", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()


async def post(url: str, *, deadline: float = 5, private: bool = True, resolver: Leads | None = None) -> Heard:
    async with WebhookTransport(private=private, resolver=resolver, deadline=deadline) as transport:
        return await transport.post(url, b"{}", {"webhook-id": "1"}, NOW)


@pytest.mark.parametrize("status", [200, 204, 400, 404, 410, 429, 500, 503])
async def test_the_status_is_the_answer(status: int) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    async with serve(answer) as url:
        assert await post(url) == Heard(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    lured = []

    async def lure(request: web.Request) -> web.StreamResponse:
        lured.append(request.path)
        return web.Response()

    async with serve(lure) as elsewhere:

        async def redirect(_: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": elsewhere})

        async with serve(redirect) as url:
            assert await post(url) == Heard(status, Failure.REDIRECT)
    assert lured == []


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("120", timedelta(seconds=120)),
        ("Tue, 01 Dec 2026 02:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 01 Dec 2026 01:00:00 GMT", timedelta(0)),
        ("999999999", timedelta(days=1)),
        ("Tue, 01 Dec 2099 01:00:00 GMT", timedelta(days=1)),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_how_long_to_wait(said: str, after: timedelta | None) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": said})

    async with serve(answer) as url:
        assert (await post(url)).after == after


async def test_whoever_says_nothing_is_waited_for_so_long() -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.wait_for(asyncio.Event().wait(), 30)
        return web.Response()

    async with serve(silent) as url:
        assert await post(url, deadline=0.3) == Heard(failure=Failure.TIMEOUT)


async def test_a_trickle_of_a_head_is_waited_for_no_longer() -> None:
    async with await asyncio.start_server(_forever, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await post(f"http://127.0.0.1:{port}/", deadline=0.3) == Heard(failure=Failure.TIMEOUT)


async def _forever(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A head that does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    try:
        for number in range(10_000):
            writer.write(b"X-%d: 1\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.02)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_a_body_without_end_is_not_read() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
                sent += 65536
        except ConnectionError:
            return response

    async with serve(endless) as url:
        assert await post(url) == Heard(200)
    assert sent < 16 * 1024 * 1024


async def test_nobody_listens() -> None:
    assert await post(f"http://127.0.0.1:{free_port()}/") == Heard(failure=Failure.NO_CONNECTION)


async def test_what_answers_does_not_speak_http() -> None:
    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        heard = await post(f"http://127.0.0.1:{port}/")
    assert heard.failure in (Failure.UNREADABLE, Failure.NO_CONNECTION)


class TestOurOwnNetwork:
    """Nothing connects into it, however its address is spelt or found."""

    @pytest.fixture
    async def door(self) -> AsyncIterator[tuple[int, list[str]]]:
        knocks: list[str] = []

        async def open_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            knocks.append("knock")
            writer.close()

        async with await asyncio.start_server(open_up, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1], knocks

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1", "0.0.0.0"])
    async def test_an_address_in_the_url(self, host: str, door: tuple[int, list[str]]) -> None:
        port, knocks = door
        heard = await post(f"http://{host}:{port}/", private=False)
        assert (heard, knocks) == (Heard(failure=Failure.FORBIDDEN_TARGET), [])

    @pytest.mark.parametrize(
        "addresses",
        [["127.0.0.1"], ["::ffff:127.0.0.1"], ["127.0.0.1", "::1"], ["169.254.169.254"], ["100.64.0.1", "127.0.0.1"]],
    )
    async def test_a_name_that_leads_there(self, addresses: list[str], door: tuple[int, list[str]]) -> None:
        port, knocks = door
        resolver = Leads(*addresses)
        heard = await post(f"http://cases.office.example:{port}/", private=False, resolver=resolver)
        assert (heard, knocks) == (Heard(failure=Failure.FORBIDDEN_TARGET), [])
        assert resolver.asked == ["cases.office.example"]

    async def test_a_name_that_leads_there_when_it_is_allowed(self, door: tuple[int, list[str]]) -> None:
        port, knocks = door
        await post(f"http://cases.office.example:{port}/", private=True, resolver=Leads("127.0.0.1"))
        assert knocks == ["knock"]

    async def test_a_proxy_of_the_environment_is_not_used(
        self, door: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port, knocks = door
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        await post("http://cases.office.example/", private=False, resolver=Leads("127.0.0.1"))
        assert knocks == []
