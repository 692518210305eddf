"""The hot statements keep their plans: the small form of `make check-plans`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from bench import crowded
from bench.plans import MOSTLY_HOT, check
from notifier.sandbox.district import build_large_district

ROWS = 20_000


@pytest.fixture
async def checked(database: str, source_database: str) -> AsyncIterator[tuple[list[str], float]]:
    async with AsyncExitStack() as stack:
        notifier, source = await asyncpg.connect(database), await asyncpg.connect(source_database)
        stack.push_async_callback(notifier.close)
        stack.push_async_callback(source.close)
        crowd = await crowded.fill(notifier, ROWS)
        await build_large_district(source, ROWS)
        findings, hot = await check(notifier, source, crowd)
        faults = [f"{one.query}, {one.mode}: {fault}" for one in findings for fault in one.faults]
        yield faults, hot


async def test_hot_statements_keep_their_plans(checked: tuple[list[str], float]) -> None:
    faults, hot = checked
    assert faults == []
    assert hot >= MOSTLY_HOT, f"only {hot:.0%} of a claim's updates are HOT"
