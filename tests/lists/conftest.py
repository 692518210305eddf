"""The house, and the command line of the office beside it."""

from collections.abc import AsyncIterator

import pytest

from tests.cli.conftest import desk, tidy
from tests.house import House, open_house

__all__ = ["desk", "tidy"]


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database) as opened:
        yield opened
