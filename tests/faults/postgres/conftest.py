from collections.abc import AsyncIterator, Iterator

import pytest

from tests.faults.postgres.server import OwnServer, Wired, own_server, wired


@pytest.fixture(scope="session")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@pytest.fixture
async def wire(server: OwnServer) -> AsyncIterator[Wired]:
    async with wired(server) as wire:
        yield wire


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written and never sent is looked up sooner: the carrier is given 2 s, not 10."""
    monkeypatch.setattr("notifier.engine.write_ahead.OVER", 6.0)
