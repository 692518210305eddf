"""A wire with faults: passes bytes between clients and one of several servers, and fails as networks fail.

pass      bytes go through
refuse    new connections are refused at once; those that exist live on
stall     nothing moves, nothing is closed: a cable pulled out; what was sent meanwhile arrives when it is plugged in
deaf      half-open: what the client says still arrives, what the server answers never does

Besides, connections can be dropped (both ends hear of it) and forgotten (nobody does: they are silent for ever).
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Upstream = Callable[[], Awaitable[Streams]]
CHUNK = 64 * 1024


class Mode(StrEnum):
    PASS = "pass"
    REFUSE = "refuse"
    STALL = "stall"
    DEAF = "deaf"


def tcp(port: int) -> Upstream:
    return lambda: asyncio.open_connection("127.0.0.1", port)


def unix(path: str) -> Upstream:
    return lambda: asyncio.open_unix_connection(path)


@dataclass
class Proxy:
    """Listens on `port`; each new connection goes to the next server in turn that takes it."""

    upstreams: Sequence[Upstream]
    port: int = 0
    accepted: int = 0  # connections so far
    answered: int = 0  # bytes that servers have said so far
    mode: Mode = Mode.PASS
    forgotten: int = 0  # the connections up to this one are silent for ever
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def fail(self, mode: Mode) -> None:
        self.mode = mode
        if mode in (Mode.STALL, Mode.DEAF):
            self._flows.clear()
        else:
            self._flows.set()

    def drop(self) -> None:
        """Cuts every connection there is, in the middle of whatever it was saying."""
        for writer in list(self._writers):
            writer.transport.abort()

    def forget(self) -> None:
        """As a firewall that loses its table: those that exist are silent from now on, new ones are passed."""
        self.forgotten = self.accepted

    async def serve(self, client: Streams) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.accepted += 1
        try:
            with suppress(OSError, asyncio.CancelledError):  # asyncio logs the end of a cancelled connection as a fault
                await self._join(client, self.accepted)
        finally:
            self._open.discard(task)
            client[1].transport.abort()

    async def _join(self, client: Streams, number: int) -> None:
        if self.mode is Mode.REFUSE:
            return
        server = await self._reach()
        both = (client[1], server[1])
        self._writers.update(both)
        ways = [
            asyncio.create_task(self._carry(number, client[0], server[1], Mode.STALL)),
            asyncio.create_task(self._carry(number, server[0], client[1], Mode.STALL, Mode.DEAF, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.difference_update(both)
            for writer in both:
                with suppress(OSError):
                    writer.close()

    async def _reach(self) -> Streams:
        for turn in range(len(self.upstreams)):
            with suppress(OSError):
                return await self.upstreams[(self.accepted + turn) % len(self.upstreams)]()
        raise ConnectionRefusedError("no server takes connections")

    async def _carry(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *stopped_by: Mode,
        answers: bool = False,
    ) -> None:
        while chunk := await reader.read(CHUNK):
            self.answered += len(chunk) if answers else 0
            while self.mode in stopped_by:
                await self._flows.wait()
            if number <= self.forgotten:
                await asyncio.Event().wait()
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def open_proxy(*upstreams: Upstream) -> AsyncIterator[Proxy]:
    """A proxy on a free port of loopback."""
    proxy = Proxy(upstreams)
    proxy.fail(Mode.PASS)
    # Connections are refused by closing the listener's end at once: the port stays ours.
    server = await asyncio.start_server(lambda *client: proxy.serve(client), "127.0.0.1", 0, backlog=512)
    listening: socket.socket = server.sockets[0]
    proxy.port = listening.getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in list(proxy._open):
            task.cancel()
        await asyncio.gather(*proxy._open, return_exceptions=True)
