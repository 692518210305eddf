from collections.abc import AsyncIterator

import pytest

from tests.channels.channel_kit import Carrier


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    carrier = Carrier()
    await carrier.start()
    yield carrier
    await carrier.stop()
