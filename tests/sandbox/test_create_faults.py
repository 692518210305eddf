"""Creates that go wrong, and what the ledger says was placed."""

import asyncio
import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from .conftest import ACCOUNT, DEADLINE, FROM, TO, TOKEN, Application, Carrier

ORDER = {"To": TO, "From": FROM, "Twiml": "<Response/>"}


async def test_too_many_requests_place_nothing(carrier: Carrier) -> None:
    await carrier.faults(refuse={"next": 1, "seconds": 7})
    status, body, headers = await carrier.create_raw(ORDER)
    assert (status, body["code"], body["status"], headers["Retry-After"]) == (429, 20429, 429, "7")
    assert await carrier.ledger() == []
    assert (await carrier.create_raw(ORDER))[0] == 201


@pytest.mark.parametrize(
    ("fault", "status", "code", "placed"),
    [("error_before", 503, 20503, 0), ("error_after", 500, 20500, 1)],
)
async def test_server_errors_before_and_after_the_placing(
    carrier: Carrier, fault: str, status: int, code: int, placed: int
) -> None:
    await carrier.faults(**{fault: {"next": 1}})
    with pytest.raises(TwilioRestException) as refused:
        await carrier.call(twiml="<Response/>")
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(await carrier.ledger()) == placed


async def test_the_connection_drops_although_the_message_is_placed(carrier: Carrier) -> None:
    await carrier.faults(drop_after={"next": 1, "resource": "messages"})
    url = f"{carrier.sandbox.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    assert (await carrier.create_raw(ORDER))[0] == 201  # a call: the fault is for messages
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await carrier.session.post(url, data={"To": TO, "From": FROM, "Body": "x"}, headers=headers)
    assert [entry["kind"] for entry in await carrier.ledger()] == ["call", "message"]


async def test_a_create_hangs_although_the_call_is_placed(carrier: Carrier) -> None:
    await carrier.faults(hang_after={"next": 1, "seconds": 60})
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    timeout = aiohttp.ClientTimeout(total=0.2)
    with pytest.raises(TimeoutError):
        await carrier.session.post(carrier.calls_url, data=ORDER, headers=headers, timeout=timeout)
    assert len(await carrier.ledger()) == 1


async def test_latency(carrier: Carrier) -> None:
    await carrier.faults(latency={"next": 1, "seconds": 0.3})
    began = time.monotonic()
    assert (await carrier.create_raw(ORDER))[0] == 201
    assert time.monotonic() - began >= 0.3


async def test_a_fault_for_some_numbers_only(carrier: Carrier) -> None:
    await carrier.faults(refuse={"share": 1, "only": ["+886900000002"]})
    assert (await carrier.create_raw(ORDER))[0] == 201
    assert (await carrier.create_raw(ORDER | {"To": "+886900000002"}))[0] == 429
    assert (await carrier.control("GET", "/faults"))["refuse"]["fired"] == 1


async def test_a_share_strikes_about_as_often_as_it_says(carrier: Carrier) -> None:
    await carrier.faults(refuse=0.5)
    statuses = [(await carrier.create_raw(ORDER))[0] for _ in range(100)]
    assert 30 < statuses.count(429) < 70


async def test_a_lost_callback_does_not_hold_the_response(carrier: Carrier, application: Application) -> None:
    await carrier.faults(before_response=1, lose=1)
    order = ORDER | {"StatusCallback": f"{application.url}/status", "StatusCallbackEvent": "initiated"}
    async with asyncio.timeout(DEADLINE):
        assert (await carrier.create_raw(order))[0] == 201
    assert application.at("/status") == []


async def test_callbacks_overtake_the_response(carrier: Carrier, application: Application) -> None:
    await carrier.faults(before_response={"next": 1})
    order = ORDER | {"StatusCallback": f"{application.url}/status", "StatusCallbackEvent": "initiated"}
    status, call, _ = await carrier.create_raw(order)
    assert status == 201
    assert [hook.form["CallSid"] for hook in application.at("/status")] == [call["sid"]]


@pytest.mark.parametrize("code", [503, 502])
async def test_down_for_every_request(carrier: Carrier, code: int) -> None:
    sid = (await carrier.call(twiml="<Response/>")).sid
    await carrier.faults(down={"share": 1, "code": code})
    for ask in (
        lambda client: client.calls.create(to=TO, from_=FROM, twiml="<Response/>"),
        lambda client: client.calls(sid).fetch(),
        lambda client: client.messages("SM" + "0" * 32).fetch(),
    ):
        with pytest.raises(TwilioRestException) as refused:
            await carrier.ask(ask)
        assert refused.value.status == code
    assert len(await carrier.ledger()) == 1
    assert (await carrier.control("GET", "/faults"))["down"]["fired"] == 3


async def test_a_clock_that_is_five_minutes_fast(carrier: Carrier) -> None:
    """In the resources, in what is told of them, and in the Date of every answer; not in the ledger."""
    await carrier.faults(skew=300)
    _, created, headers = await carrier.create_raw(ORDER)
    (entry,) = await carrier.ledger()
    for told in (created["date_created"], headers["Date"]):
        ahead = parsedate_to_datetime(told) - datetime.fromisoformat(entry["created_at"])
        assert timedelta(minutes=4, seconds=58) < ahead < timedelta(minutes=6)
    assert headers["Date"].endswith("GMT")


async def test_the_date_is_the_sandboxes_own(carrier: Carrier) -> None:
    _, _, headers = await carrier.create_raw(ORDER)
    assert abs(parsedate_to_datetime(headers["Date"]) - carrier.clock.now()) < timedelta(minutes=1)


async def test_statuses_that_do_not_exist_for_whoever_asks(carrier: Carrier) -> None:
    sid = (await carrier.call(twiml="<Response/>")).sid
    await carrier.settled()
    await carrier.faults(misspell_polls={"next": 2})
    assert (await carrier.ask(lambda client: client.calls(sid).fetch())).status == "sparkling"
    assert [one.status for one in await carrier.ask(lambda client: client.calls.list())] == ["sparkling"]
    assert (await carrier.ask(lambda client: client.calls(sid).fetch())).status != "sparkling"
