"""Processes that start while the database is away wait for it, and say so; nobody has to start them in order."""

import asyncio
import json
import signal
from collections.abc import Callable

import aiohttp
import pytest

from notifier.commands.exits import Exit
from tests.cli.conftest import outside, start
from tests.faults.postgres.test_wires import over_a_wire
from tests.faults.proxy import Mode
from tests.house import free_port

pytestmark = pytest.mark.long


async def event(process: asyncio.subprocess.Process, name: str) -> dict[str, object]:
    """The next line of its log with this event."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        async for line in process.stderr:
            found: dict[str, object] = json.loads(line)
            if found["event"] == name:
                return found
    raise AssertionError(f"ended before it said {name}")


@pytest.mark.parametrize("command", ["serve", "web", "work", "keep"])
async def test_it_waits_for_the_database(
    command: str, database: str, source_database: str, record_property: Callable[[str, object], None]
) -> None:
    async with over_a_wire(database) as (proxy, url):
        proxy.fail(Mode.REFUSE)
        port = free_port()
        env = outside(
            NOTIFIER_DATABASE_URL=url, NOTIFIER_SOURCE_URL=source_database, NOTIFIER_PORT=str(port),
            NOTIFIER_SMTP__HOST="127.0.0.1", NOTIFIER_SMTP__SENDER="notice@office.example",
        )  # fmt: skip
        process = await start(command, env=env)
        try:
            lost = await event(process, "database_lost")
            assert (lost["part"], lost["level"]) == ("start", "warning")
            began, tried = asyncio.get_running_loop().time(), proxy.accepted
            proxy.fail(Mode.PASS)

            await event(process, "ready")

            record_property("ready after, s", round(asyncio.get_running_loop().time() - began, 1))
            assert tried < 10
            if command in ("serve", "web"):
                url = f"http://127.0.0.1:{port}/readyz"
                async with aiohttp.ClientSession() as client, client.get(url) as response:
                    assert response.status == 200
        finally:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                await process.communicate()
        assert process.returncode == Exit.DONE


async def test_a_database_that_is_not_there_is_not_waited_for(database: str) -> None:
    """A name that is wrong stays wrong: that is for a person to mend."""
    process = await start("work", env=outside(NOTIFIER_DATABASE_URL=database.replace("/t_", "/nobodys_")))
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert process.returncode == Exit.UNREACHABLE
    assert b"Traceback" not in said
