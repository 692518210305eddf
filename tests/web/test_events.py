"""POST /v1/events: with a key, on disk before the answer, once however often it is sent, and what is wrong by name."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from notifier.app import Parts
from notifier.web.events import MOST_BODY, MOST_EVENTS
from tests.events.kit import Sender, api_key, event, inbox, sender
from tests.house import House, open_house

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json; charset=UTF-8"}


@pytest.fixture
async def web(database: str, source_database: str) -> AsyncIterator[House]:
    """Only the web part runs: nobody handles what it stores."""
    async with open_house(database, source_database, parts=Parts(web=True)) as opened:
        yield opened


@pytest.fixture
async def system(web: House) -> AsyncIterator[Sender]:
    async with await sender(web) as opened:
        yield opened


def body(told: Any) -> bytes:
    return json.dumps(told).encode()


async def test_it_is_on_disk_when_it_is_answered(web: House, system: Sender) -> None:
    status, answer = await system.post(body(event("S1")), STRUCTURED)

    assert status == 202
    (row,) = await inbox(web.app)
    assert answer == {"id": str(row["id"])}
    assert (row["source"], row["event_id"], row["type"], row["subject"]) == ("/cases", "1", "bill.reminder_asked", "S1")
    assert row["state"] == "pending"


async def test_the_three_modes(web: House, system: Sender) -> None:
    message = to_binary_event(CloudEvent(event("S2", 2), {"stage": "送電"}))

    assert (await system.post(body(event("S1", 1)), STRUCTURED))[0] == 202
    assert (await system.post(message.body, dict(message.headers)))[0] == 202
    status, answer = await system.post(body([event("S3", 3), event("S4", 4)]), BATCHED)

    rows = await inbox(web.app)
    assert [row["subject"] for row in rows] == ["S1", "S2", "S3", "S4"]
    assert (status, answer) == (202, {"ids": [str(row["id"]) for row in rows[2:]]})
    assert await system.post(b"[]", BATCHED) == (202, {"ids": []})


async def test_sent_again_it_is_the_same_event(web: House, system: Sender) -> None:
    """At once and later, alone and within a batch, twice in one batch."""
    posts = [system.post(body(event("S1")), STRUCTURED) for _ in range(5)]
    answers = [answer for status, answer in await asyncio.gather(*posts) if status == 202]
    _, batch = await system.post(body([event("S1"), event("S2", 2), event("S2", 2)]), BATCHED)

    assert len(answers) == 5
    assert len({answer["id"] for answer in answers}) == 1
    first, second = await inbox(web.app)
    assert batch == {"ids": [str(first["id"]), str(second["id"]), str(second["id"])]}
    assert (first["copies"], second["copies"]) == (6, 2)


async def test_ids_are_each_source_s_own(web: House, system: Sender) -> None:
    await system.post(body([event("S1", source="/cases"), event("S1", source="/billing")]), BATCHED)

    assert [row["source"] for row in await inbox(web.app)] == ["/cases", "/billing"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer notifier_wrong", "Basic notifier_wrong", "Bearer \xff"])
async def test_without_a_key_nothing_is_taken(web: House, header: str | None) -> None:
    headers = STRUCTURED if header is None else {**STRUCTURED, "Authorization": header}
    url = f"{web.app.settings.public_url}/v1/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=body(event("S1")), headers=headers) as answer:
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert await inbox(web.app) == []


async def test_a_key_that_was_revoked_opens_nothing_more(web: House) -> None:
    async with Sender(web.app.settings.public_url, await api_key(web.app, "old")) as old:
        assert (await old.post(body(event("S1")), STRUCTURED))[0] == 202
        await web.app.api_keys.revoke("old", web.app.clock.real_now())
        assert (await old.post(body(event("S2", 2)), STRUCTURED))[0] == 401
    stored = await web.app.pool.fetchrow("select encode(hash, 'escape') as hash, used_at from notifier.api_key")
    assert stored is not None
    assert "notifier_" not in stored["hash"]
    assert stored["used_at"] is not None


async def test_a_bad_event_is_refused_by_the_field_and_kept(web: House, system: Sender) -> None:
    for _ in range(2):
        status, answer = await system.post(body(event(None)), STRUCTURED)
    assert (status, answer["field"], answer["detail"]) == (400, "subject", "subject is missing or empty.")
    assert answer["type"] == "urn:notifier:problem:bad-event"

    status, _ = await system.post(body(event("S1")), STRUCTURED)

    assert status == 202  # mended, under the same id
    refused, taken = await inbox(web.app)
    assert (refused["state"], refused["reason"], refused["copies"]) == ("refused", "subject: missing", 2)
    assert (refused["event_id"], taken["event_id"], taken["state"]) == ("1", "1", "pending")


async def test_what_is_good_of_a_batch_is_taken(web: House, system: Sender) -> None:
    bad = {**event("S2", 2), "time": "soon"}

    status, answer = await system.post(body([event("S1", 1), bad, event("S3", 3), "?"]), BATCHED)

    rows = {row["subject"]: row for row in await inbox(web.app)}
    assert status == 400
    assert answer["errors"] == [
        {"event": 1, "field": "time", "detail": "is not a time with its zone (RFC 3339)"},
        {"event": 3, "field": "body", "detail": "is not an event"},
    ]
    assert answer["taken"] == [str(rows["S1"]["id"]), str(rows["S3"]["id"])]
    assert rows["S2"]["reason"] == "time: not_a_time"


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        pytest.param(b"{", STRUCTURED, 400, id="no JSON"),
        pytest.param(b"x" * (MOST_BODY + 1), STRUCTURED, 413, id="too large"),
        pytest.param(body([event("S1", n) for n in range(MOST_EVENTS + 1)]), BATCHED, 413, id="too many"),
        pytest.param(body(event("S1")), {"Content-Type": "application/json"}, 415, id="no CloudEvents"),
        pytest.param(body(event("S1")), {"Content-Type": "application/cloudevents+avro"}, 415, id="another format"),
    ],
)
async def test_what_cannot_be_read(
    web: House, system: Sender, sent: bytes, headers: dict[str, str], status: int
) -> None:
    answered, answer = await system.post(sent, headers)

    assert (answered, answer["status"]) == (status, status)
    assert [row["state"] for row in await inbox(web.app)] == (["refused"] if status == 400 else [])


async def test_a_large_batch_within_the_bounds_is_taken(web: House, system: Sender) -> None:
    status, answer = await system.post(body([event(f"S{n}", n) for n in range(MOST_EVENTS)]), BATCHED)

    assert (status, len(answer["ids"])) == (202, MOST_EVENTS)


async def test_nothing_is_said_to_be_taken_that_is_not(web: House, system: Sender) -> None:
    """The table is locked: whoever sends is told to send again, and does."""
    async with web.app.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table notifier.event in exclusive mode")
        status, answer = await system.post(body(event("S1")), STRUCTURED)
        assert (status, answer["title"]) == (503, "Not stored")
    assert await inbox(web.app) == []
    assert (await system.post(body(event("S1")), STRUCTURED))[0] == 202
