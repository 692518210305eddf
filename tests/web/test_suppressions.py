"""POST and DELETE /v1/suppressions: with a key, an address banned and let go, and what is wrong by name."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from notifier.app import Parts
from tests.events.kit import api_key
from tests.house import House, open_house

NUMBER = "+886912345678"


@pytest.fixture
async def web(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, parts=Parts(web=True)) as opened:
        yield opened


@pytest.fixture
async def system(web: House) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {await api_key(web.app)}"}
    async with aiohttp.ClientSession(web.app.settings.public_url, headers=headers) as session:
        yield session


async def ask(system: aiohttp.ClientSession, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    async with system.request(method, path, json=body) as response:
        assert response.status < 400 or response.content_type == "application/problem+json"
        return response.status, await response.json(content_type=None)


async def test_banned_once_and_let_go_with_a_name_and_a_reason(web: House, system: aiohttp.ClientSession) -> None:
    asked = {"address": "0912-345-678", "purpose": "collection", "reason": "asked at the counter"}
    status, first = await ask(system, "POST", "/v1/suppressions", asked)
    again, second = await ask(system, "POST", "/v1/suppressions", asked | {"reason": "asked again"})

    assert (status, again, first["id"]) == (201, 200, second["id"])
    assert "0912" not in str(first)
    (standing,) = await web.app.suppressions.history(NUMBER)
    assert (standing.purpose, standing.reason, standing.set_by) == ("collection", "asked at the counter", "case system")

    path = f"/v1/suppressions/{first['id']}"
    status, undone = await ask(system, "DELETE", path, {"reason": "wants reminders again"})
    gone, _ = await ask(system, "DELETE", path, {"reason": "once more"})

    assert (status, gone) == (200, 404)
    assert undone["undone_at"] is not None
    (kept,) = await web.app.suppressions.history(NUMBER)
    assert (kept.undone_by, kept.undone_because) == ("case system", "wants reminders again")
    assert (await ask(system, "POST", "/v1/suppressions", asked))[0] == 201
    assert len(await web.app.suppressions.history(NUMBER)) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/suppressions", {"reason": "x"}, "address"),
        ("POST", "/v1/suppressions", {"address": "338-3131", "reason": "x"}, "address"),
        ("POST", "/v1/suppressions", {"address": "a@b.example"}, "reason"),
        ("POST", "/v1/suppressions", {"address": "a@b.example", "reason": " "}, "reason"),
        ("POST", "/v1/suppressions", {"address": "a@b.example", "reason": "x" * 201}, "reason"),
        ("POST", "/v1/suppressions", {"address": "a@b.example", "reason": "a\u0000b"}, "reason"),
        ("POST", "/v1/suppressions", {"address": "a@b.example", "reason": "x", "purpose": "fun"}, "purpose"),
        ("POST", "/v1/suppressions", {"address": "a@b.example", "reason": "x", "who": "me"}, "who"),
        ("POST", "/v1/suppressions", ["x"], "body"),
        ("DELETE", "/v1/suppressions/1", {}, "reason"),
    ],
)
async def test_what_is_wrong_is_named(
    web: House, system: aiohttp.ClientSession, method: str, path: str, body: Any, field: str
) -> None:
    status, problem = await ask(system, method, path, body)
    assert (status, problem["field"]) == (400, field)
    assert await web.app.suppressions.standing() == []


@pytest.mark.parametrize("named", ["x", "0", "99999999999999999999", "-1"])
async def test_no_such_ban(system: aiohttp.ClientSession, named: str) -> None:
    assert (await ask(system, "DELETE", f"/v1/suppressions/{named}", {"reason": "x"}))[0] == 404


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_nobody_without_a_key(web: House, method: str) -> None:
    path = "/v1/suppressions" + ("/1" if method == "DELETE" else "")
    async with aiohttp.ClientSession(web.app.settings.public_url) as stranger:
        assert (await ask(stranger, method, path, {"address": "a@b.example", "reason": "x"}))[0] == 401
    assert await web.app.suppressions.standing() == []
