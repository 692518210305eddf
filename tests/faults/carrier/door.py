"""The carrier's front door: shut, connections are refused as by a machine on which nothing listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.proxy import Mode, Proxy, Streams


@dataclass
class Door:
    """Leads to the port `leads_to`, once that is known."""

    leads_to: int = 0
    proxy: Proxy = field(init=False)
    _server: asyncio.Server | None = None
    _is_shut: bool = False

    def __post_init__(self) -> None:
        self.proxy = Proxy([self._reach])
        self.proxy.fail(Mode.PASS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(
            lambda *client: self.proxy.serve(client), "127.0.0.1", self.proxy.port, backlog=512
        )
        self.proxy.port = self._server.sockets[0].getsockname()[1]
        self._is_shut = False

    def shut(self) -> None:
        """Nobody gets in, and whoever is in is thrown out."""
        self._is_shut = True
        if self._server is not None:
            self._server.close()
        self.proxy.drop()

    async def _reach(self) -> Streams:
        streams = await asyncio.open_connection("127.0.0.1", self.leads_to)
        if self._is_shut:  # meanwhile: a single connection that lived on would carry one call after another
            streams[1].transport.abort()
            raise ConnectionRefusedError
        return streams


@asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    door = Door()
    await door.open()
    try:
        yield door
    finally:
        door.shut()
