"""Processes that stay: they say when they are ready, and end cleanly when told to."""

import asyncio
import json
import signal
from typing import Any

import aiohttp
import pytest

from notifier.app import SHUTDOWN
from notifier.commands.exits import Exit
from tests.cli.conftest import outside, start


async def ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        async for line in process.stderr:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "ready":
                return event
    raise AssertionError("ended before it was ready")


async def stop(process: asyncio.subprocess.Process) -> tuple[int | None, list[dict[str, Any]]]:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(SHUTDOWN):
        _, err = await process.communicate()
    return process.returncode, [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("command", ["serve", "work", "keep"])
async def test_sigterm_ends_a_process_with_0(command: str, database: str, source_database: str) -> None:
    env = outside(
        NOTIFIER_DATABASE_URL=database, NOTIFIER_SOURCE_URL=source_database, NOTIFIER_PORT="0",
        NOTIFIER_SMTP__HOST="127.0.0.1", NOTIFIER_SMTP__SENDER="notice@office.example",
    )  # fmt: skip
    process = await start(command, env=env)

    await ready(process)
    code, events = await stop(process)

    assert code == Exit.DONE
    assert [event["event"] for event in events] == ["stopped"], events


async def test_web_says_where_it_listens(database: str, source_database: str) -> None:
    env = outside(NOTIFIER_DATABASE_URL=database, NOTIFIER_SOURCE_URL=source_database)
    process = await start("web", "--port", "0", env=env)

    url = (await ready(process))["url"]
    async with aiohttp.ClientSession() as client, client.get(f"{url}/readyz") as response:
        assert response.status == 200

    assert (await stop(process))[0] == Exit.DONE


async def test_the_sandbox_serves_a_carrier_and_a_district(empty_database: str) -> None:
    process = await start(
        "sandbox", "--port", "0", "--smtp-port", "0", "--district", empty_database, "--accounts", "200",
        "--payments-per-hour", "60", "--json", env=outside(),
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(20):
        announced = json.loads(await process.stdout.readuntil(b"\n}\n"))

    async with aiohttp.ClientSession() as client, client.get(f"{announced['carrier']}/ledger") as response:
        assert (await response.json())["entries"] == []
    assert announced["district"]["accounts"] == 200
    assert announced["settings"]["NOTIFIER_TWILIO__BASE_URL"] == announced["carrier"]
    assert (await stop(process))[0] == Exit.DONE
