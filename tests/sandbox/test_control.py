"""The control API: ledger, people, faults, health."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from notifier.sandbox.faults import NAMES

from .conftest import TO, Carrier, Opening


async def test_the_ledger_grows_and_is_read_from_where_one_stopped(carrier: Carrier) -> None:
    await carrier.people(everyone={"calls": {"outcome": "busy"}})
    before = time.time()
    first = await carrier.call(url="http://127.0.0.1:9/words?attempt=7")
    await carrier.text()
    page = await carrier.control("GET", "/ledger")
    assert (page["next"], [entry["n"] for entry in page["entries"]]) == (2, [0, 1])
    assert (page["entries"][0]["sid"], page["entries"][0]["url"]) == (first.sid, "http://127.0.0.1:9/words?attempt=7")
    assert before <= page["entries"][0]["created_real"] <= page["entries"][1]["created_real"] <= time.time()
    assert await carrier.ledger(since=page["next"]) == []
    third = await carrier.call(twiml="<Response/>")
    assert [entry["sid"] for entry in await carrier.ledger(since=page["next"])] == [third.sid]


async def test_health_counts(carrier: Carrier) -> None:
    await carrier.behaves({"outcome": "busy"})
    await carrier.call(twiml="<Response/>")
    await carrier.settled()
    health = await carrier.control("GET", "/health")
    assert (health["status"], health["calls"], health["messages"], health["mails"], health["active"]) == (
        "ok",
        1,
        0,
        0,
        0,
    )


async def test_settling_gives_up_after_its_timeout(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=1.0)
    await carrier.call(twiml="<Response/>")
    reply = await carrier.control("POST", "/settle?timeout=0.05", status=504)
    assert (reply["settled"], reply["active"]) == (False, 1)


async def test_faults_merge_and_reset(carrier: Carrier) -> None:
    assert set(await carrier.control("GET", "/faults")) == set(NAMES)
    await carrier.faults(lose=0.2)
    shown = await carrier.faults(refuse={"next": 2})
    assert (shown["lose"]["share"], shown["refuse"]["next"], shown["double"]["share"]) == (0.2, 2, 0)
    shown = await carrier.control("DELETE", "/faults")
    assert (shown["lose"]["share"], shown["refuse"]["next"]) == (0, 0)


@pytest.mark.parametrize(
    "switches",
    [
        {"explode": 1},
        {"lose": 2},
        {"lose": "often"},
        {"lose": True},
        {"lose": {"chance": 1}},
        {"lose": {"next": "x"}},
        {"lose": 0.5, "explode": 1},
    ],
)
async def test_faults_that_cannot_be_read_change_nothing(carrier: Carrier, switches: dict[str, Any]) -> None:
    reply = await carrier.control("POST", "/faults", switches, status=400)
    assert reply["error"]
    assert (await carrier.control("GET", "/faults"))["lose"]["share"] == 0


@pytest.mark.parametrize(
    "scripts",
    [
        {"pigeons": {}},
        {"calls": {TO: {"outcome": "busy"}}},
        {"calls": {TO: [{"outcome": "laughs"}]}},
        {"calls": {TO: [{"answers_after": 3}]}},
        {"calls": {TO: [{"keys": [{"after": 1, "digit": "A"}]}]}},
        {"calls": {TO: [{"keys": [{"digit": "1"}]}]}},
        {"calls": {TO: [{"keys": [{"after": 2, "digit": "1"}, {"after": 1, "digit": "2"}]}]}},
        {"messages": {TO: [{"outcome": "read"}]}},
        {"everyone": {"mails": {}}},
        [],
    ],
)
async def test_scripts_that_cannot_be_read_are_refused(carrier: Carrier, scripts: Any) -> None:
    assert (await carrier.control("POST", "/people", scripts, status=400))["error"]


async def test_the_control_api_answers_loopback_only(carrier: Carrier) -> None:
    app = carrier.sandbox._make_app()
    stranger = make_mocked_request("GET", "/ledger", app=app).clone(remote="192.0.2.1")
    match = await app.router.resolve(stranger)
    assert (await match.handler(stranger)).status == 403


async def test_a_stopped_sandbox_leaves_no_task(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=1.0)
    await carrier.call(twiml="<Response/>")
    await carrier.session.close()
    before = len(carrier.sandbox._activity)
    await carrier.sandbox._activity.stop()
    assert (before, len(carrier.sandbox._activity)) == (1, 0)
    assert not [task for task in asyncio.all_tasks() if "_run" in repr(task.get_coro())]
