"""Callbacks as a carrier makes them: signed or refused, on disk before they are answered."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from notifier.app import Parts
from tests.house import TOKEN, House, open_house
from tests.storage import seeds

ATTEMPT = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
async def web(database: str, source_database: str) -> AsyncIterator[House]:
    """Only the web part runs: nobody applies what it stores."""
    async with open_house(database, source_database, parts=Parts(web=True)) as opened:
        yield opened


async def post(house: House, path: str, form: dict[str, str], token: str = TOKEN) -> aiohttp.ClientResponse:
    url = house.app.settings.public_url + path
    signature = RequestValidator(token).compute_signature(url, form)
    async with aiohttp.ClientSession() as session:
        response = await session.post(url, data=form, headers={"X-Twilio-Signature": signature})
        await response.read()
        return response


async def known_attempt(house: House) -> str:
    run = await seeds.run(house.app.pool)
    await seeds.notifications(house.app.pool, run, 1)
    claimed = await seeds.claim(house.app.queue, run)
    (attempt,) = await seeds.write(house.app.queue, house.app.pool, claimed)
    return str(attempt)


STATUS: dict[str, str] = {"CallSid": "CA1", "CallStatus": "busy", "SequenceNumber": "2"}


async def test_a_signed_callback_is_on_disk_when_it_is_answered(web: House) -> None:
    attempt = await known_attempt(web)
    response = await post(web, f"/hooks/voice/status?attempt={attempt}", STATUS)
    assert response.status in (200, 204)
    (row,) = await web.app.pool.fetch("select status, copies, applied_at from notifier.receipt")
    assert tuple(row) == ("busy", 1, None)
    await post(web, f"/hooks/voice/status?attempt={attempt}", STATUS)
    assert await web.app.pool.fetchval("select copies from notifier.receipt") == 2


async def test_an_unsigned_or_wrongly_signed_callback_is_refused(web: House) -> None:
    attempt = await known_attempt(web)
    path = f"/hooks/voice/status?attempt={attempt}"
    assert (await post(web, path, STATUS, token="another")).status == 403
    async with (
        aiohttp.ClientSession() as session,
        session.post(web.app.settings.public_url + path, data=STATUS) as response,
    ):
        assert response.status == 403
    assert await web.app.pool.fetchval("select count(*) from notifier.receipt") == 0


async def test_a_signature_is_for_one_attempt_only(web: House) -> None:
    attempt = await known_attempt(web)
    signed_for = f"{web.app.settings.public_url}/hooks/voice/status?attempt={ATTEMPT}"
    headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(signed_for, STATUS)}
    url = f"{web.app.settings.public_url}/hooks/voice/status?attempt={attempt}"
    async with aiohttp.ClientSession() as session, session.post(url, data=STATUS, headers=headers) as response:
        assert response.status == 403


async def test_a_call_about_an_unknown_attempt_is_told_who_is_calling(web: House) -> None:
    response = await post(web, f"/hooks/voice/script?attempt={ATTEMPT}", {"CallSid": "CA1"})
    words = await response.text()
    assert response.status == 200
    assert "台灣電力公司" in words
    assert "Hangup" in words


async def test_a_callback_that_cannot_be_stored_is_asked_for_again(web: House) -> None:
    attempt = await known_attempt(web)
    await web.app.pool.execute("alter table notifier.receipt rename to receipt_away")
    try:
        response = await post(web, f"/hooks/voice/status?attempt={attempt}", STATUS)
    finally:
        await web.app.pool.execute("alter table notifier.receipt_away rename to receipt")
    assert response.status >= 500


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health_is_told(web: House, path: str) -> None:
    await web.app.set_up_budgets()
    async with aiohttp.ClientSession() as session, session.get(web.app.settings.public_url + path) as response:
        assert response.status == 200
        text = await response.text()
    if path == "/metrics":
        assert 'notifier_in_flight_attempts{channel="voice"}' in text


async def test_not_ready_while_the_database_is_away(web: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(type(web.app.pool), "fetchval", refuse)
    async with aiohttp.ClientSession() as session, session.get(web.app.settings.public_url + "/readyz") as response:
        assert response.status == 503


async def test_a_body_too_large_is_refused(web: House) -> None:
    big = {"CallSid": "x" * 100_000}
    assert (await post(web, f"/hooks/voice/status?attempt={ATTEMPT}", big)).status == 413
