"""The REST API as Twilio's client sees it: shapes, lists, refusals."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from notifier.clock import parse_clock

from .conftest import ACCOUNT, FROM, TO, TOKEN, Carrier, LocalTransport, Opening

OTHER = "+886900000002"


async def refusal(create: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        await create
    return refused.value.status, refused.value.code


@pytest.mark.parametrize(
    ("to", "code"),
    [("+15005550001", 21217), ("+15005550002", 21214), ("+15005550003", 21215), ("+15005550004", 21216)],
)
async def test_magic_numbers_of_calls(carrier: Carrier, to: str, code: int) -> None:
    assert await refusal(carrier.call(to=to, twiml="<Response/>")) == (400, code)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+15005550001", 21211),
        ("+15005550002", 21612),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
    ],
)
async def test_magic_numbers_of_messages(carrier: Carrier, to: str, code: int) -> None:
    assert await refusal(carrier.text(to=to)) == (400, code)


@pytest.mark.parametrize(("from_", "code"), [("+15005550001", 21212), ("+15005550007", 21606), ("+15005550008", 21611)])
async def test_magic_senders_of_messages(carrier: Carrier, from_: str, code: int) -> None:
    assert await refusal(carrier.text(from_=from_)) == (400, code)


async def test_magic_numbers_that_are_fine(carrier: Carrier) -> None:
    await carrier.text(from_="+15005550006")
    await carrier.text(from_="111")
    assert await refusal(carrier.call(from_="+15005550001", twiml="<Response/>")) == (400, 21212)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"to": ""}, 21201),
        ({"to": "0900000001"}, 21217),
        ({"from_": ""}, 21213),
        ({"twiml": ""}, 21205),
        ({"url": "words.xml"}, 21205),
        ({"status_callback": "http://a_b.example/status"}, 21609),
        ({"status_callback_event": ["finished"]}, 20001),
        ({"machine_detection": "Guess"}, 20001),
        ({"timeout": 0}, 20001),
        ({"twiml": "x" * 4001}, 20001),
        ({"url": "http://words.example/", "method": "PUT"}, 20001),
    ],
)
async def test_orders_of_calls_that_are_refused(carrier: Carrier, order: dict[str, Any], code: int) -> None:
    assert await refusal(carrier.call(**{"twiml": "<Response/>"} | order)) == (400, code)
    assert await carrier.ledger() == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "0900000001"}, 21211),
        ({"from_": ""}, 21603),
        ({"from_": "no sender at all"}, 21212),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"validity_period": 36_001}, 20001),
    ],
)
async def test_orders_of_messages_that_are_refused(carrier: Carrier, order: dict[str, Any], code: int) -> None:
    assert await refusal(carrier.text(**order)) == (400, code)
    assert await carrier.ledger() == []


async def test_a_wrong_login_and_an_unknown_account(carrier: Carrier) -> None:
    transport = LocalTransport(carrier.sandbox.url)
    thief = Client(ACCOUNT, "wrong", http_client=transport, environment={"PATH": ""})
    stranger = Client(ACCOUNT, TOKEN, "AC" + "1" * 32, http_client=transport, environment={"PATH": ""})
    assert await refusal(asyncio.to_thread(thief.api.account.fetch)) == (401, 20003)
    assert await refusal(asyncio.to_thread(stranger.calls("CA" + "0" * 32).fetch)) == (404, 20404)
    assert await refusal(carrier.ask(lambda client: client.calls("CA" + "0" * 32).fetch())) == (404, 20404)
    assert await refusal(carrier.ask(lambda client: client.messages("SM" + "0" * 32).fetch())) == (404, 20404)
    transport.close()


async def test_the_account(carrier: Carrier) -> None:
    account = await carrier.ask(lambda client: client.api.account.fetch())
    assert (account.sid, account.status, account.type) == (ACCOUNT, "active", "Full")


async def test_a_call_as_the_client_reads_it(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=3000.0)
    await carrier.behaves({"answer_after": 5, "hang_up_after": 70})
    call = await carrier.call(twiml="<Response><Pause length='90'/></Response>")
    await carrier.settled()
    await carrier.clock.sleep(60)  # 20 ms of real time: a price is known a while after the end
    call = await carrier.ask(lambda client: client.calls(call.sid).fetch())
    assert (call.status, call.to, call._from, call.api_version) == ("completed", TO, FROM, "2010-04-01")
    assert call.date_created <= call.start_time <= call.end_time <= call.date_updated
    assert call.end_time.tzinfo is not None
    assert int(call.duration) >= 70
    assert Decimal(call.price) < 0
    assert call.price_unit == "USD"
    assert int(call.queue_time) >= 0
    assert call.uri.endswith(f"/Calls/{call.sid}.json")
    assert set(call.subresource_uris) == {"notifications", "recordings", "events"}


async def test_a_clock_that_shows_the_time_of_taipei(open_carrier: Opening) -> None:
    morning = datetime(2026, 12, 1, 9, 30, tzinfo=timezone(timedelta(hours=8)))
    carrier = await open_carrier(start=morning)
    call = await carrier.call(twiml="<Response><Pause length='1'/></Response>")
    _, _, headers = await carrier.create_raw({})
    assert headers["Date"].startswith("Tue, 01 Dec 2026 01:")
    assert headers["Date"].endswith(" GMT")
    assert abs(call.date_created - morning) < timedelta(minutes=30)


def test_a_clock_given_in_any_zone_tells_utc() -> None:
    clock = parse_clock("2026-12-01T09:30:00+08:00@120@0")
    assert clock.now().tzinfo is UTC


async def test_a_price_is_not_known_at_once(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=1.0)
    await carrier.people(messages={TO: [{"sent_after": 0, "settled_after": 0}]})
    message = await carrier.text()
    await carrier.settled()
    unrated = await carrier.ask(lambda client: client.messages(message.sid).fetch())
    assert (unrated.status, unrated.price) == ("delivered", None)


async def test_lists_filter_and_show_the_newest_first(carrier: Carrier) -> None:
    await carrier.people(everyone={"calls": {"outcome": "busy"}})
    first = await carrier.call(twiml="<Response/>")
    second = await carrier.call(twiml="<Response/>", to=OTHER)
    third = await carrier.call(twiml="<Response/>", from_="+886700000009")
    await carrier.settled()

    async def sids(**filters: Any) -> list[str]:
        calls = await carrier.ask(lambda client: client.calls.list(**filters))
        return [call.sid for call in calls]

    assert await sids() == [third.sid, second.sid, first.sid]
    assert await sids(to=TO) == [third.sid, first.sid]
    assert await sids(to=TO, from_=FROM) == [first.sid]
    assert await sids(status="busy", limit=2) == [third.sid, second.sid]
    assert await sids(status="completed") == []
    assert await sids(to="+886999999999") == []


async def test_lists_come_in_pages(carrier: Carrier) -> None:
    await carrier.people(everyone={"messages": {"outcome": "sent"}})
    made = [(await carrier.text(to=TO)).sid for _ in range(5)]
    read = await carrier.ask(lambda client: list(client.messages.stream(to=TO, page_size=2)))
    assert [message.sid for message in read] == made[::-1]
    page = await carrier.ask(lambda client: client.messages.page(page_size=5))
    assert page.next_page_url is None


async def test_lists_filter_by_time(carrier: Carrier) -> None:
    await carrier.behaves({"outcome": "busy"})
    await carrier.people(messages={TO: [{}]})
    await carrier.call(twiml="<Response/>")
    await carrier.text()
    await carrier.settled()
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)

    async def found(**filters: Any) -> int:
        return len(await carrier.ask(lambda client: client.calls.list(**filters)))

    assert await found(start_time_after=noon - timedelta(hours=3)) == 1
    assert await found(start_time_after=noon) == 0
    assert await found(start_time_before=noon) == 1
    assert await found(start_time=date(2026, 1, 5)) == 1
    assert await found(start_time=date(2026, 1, 6)) == 0
    assert await found(end_time_after=noon) == 0
    assert len(await carrier.ask(lambda client: client.messages.list(date_sent_before=noon))) == 1
    assert await carrier.ask(lambda client: client.messages.list(date_sent_after=noon)) == []


async def test_a_call_not_yet_dialled_has_no_start_time_to_find(open_carrier: Opening) -> None:
    carrier = await open_carrier(calls_per_second=0.0001)
    await carrier.people(everyone={"calls": {"outcome": "busy"}})
    await carrier.call(twiml="<Response/>", to=OTHER)
    call = await carrier.call(twiml="<Response/>")
    since = datetime(2026, 1, 1, tzinfo=UTC)
    dated = await carrier.ask(lambda client: client.calls.list(to=TO, start_time_after=since))
    undated = await carrier.ask(lambda client: client.calls.list(to=TO))
    assert (dated, [found.sid for found in undated]) == ([], [call.sid])


async def test_lists_are_eventually_consistent(open_carrier: Opening) -> None:
    carrier = await open_carrier(scale=1.0, list_delay=3600.0)
    call = await carrier.call(twiml="<Response/>")
    assert await carrier.ask(lambda client: client.calls.list(to=TO)) == []
    assert (await carrier.ask(lambda client: client.calls(call.sid).fetch())).sid == call.sid
    await carrier.faults(list_delay=0)
    assert len(await carrier.ask(lambda client: client.calls.list(to=TO))) == 1
    await carrier.control("DELETE", "/faults")
    assert await carrier.ask(lambda client: client.calls.list(to=TO)) == []


async def test_only_the_status_of_a_call_can_be_updated(carrier: Carrier) -> None:
    call = await carrier.call(twiml="<Response/>")
    update = carrier.ask(lambda client: client.calls(call.sid).update(twiml="<Response/>"))
    assert await refusal(update) == (400, 20001)
    assert await refusal(carrier.ask(lambda client: client.calls(call.sid).update(status="busy"))) == (400, 20001)
