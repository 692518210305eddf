"""The house, opened fresh for every story; one of its campaigns is triggered by an event."""

from collections.abc import AsyncIterator

import pytest

from tests.events.kit import let_events_trigger
from tests.house import House, open_house


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database) as opened:
        let_events_trigger(opened.app)
        yield opened
