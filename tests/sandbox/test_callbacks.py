"""Callbacks that are lost, doubled, late, out of order, contradicted, and repeated."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from notifier.sandbox.webhooks import RetryPolicy, retry_policy, signature

from .conftest import EVERY_EVENT, TO, Application, Carrier, Hook


async def statuses_of_one_call(carrier: Carrier, application: Application) -> list[str]:
    await carrier.behaves({})
    await carrier.call(
        twiml="<Response/>", status_callback=f"{application.url}/status", status_callback_event=EVERY_EVENT
    )
    await carrier.settled()
    return [hook.form["CallStatus"] for hook in application.at("/status")]


async def test_lost(carrier: Carrier, application: Application) -> None:
    await carrier.faults(lose={"next": 2})
    assert await statuses_of_one_call(carrier, application) == ["in-progress", "completed"]
    assert (await carrier.ledger())[0]["callbacks_sent"] == 2


async def test_doubled(carrier: Carrier, application: Application) -> None:
    await carrier.faults(double={"next": 1})
    assert await statuses_of_one_call(carrier, application) == [
        "initiated",
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]


async def test_late(carrier: Carrier, application: Application) -> None:
    await carrier.faults(delay={"next": 1, "seconds": 300})
    assert await statuses_of_one_call(carrier, application) == ["ringing", "in-progress", "completed", "initiated"]


async def test_out_of_order(carrier: Carrier, application: Application) -> None:
    await carrier.faults(shuffle={"next": 1})
    assert await statuses_of_one_call(carrier, application) == ["ringing", "initiated", "in-progress", "completed"]
    numbers = [hook.form["SequenceNumber"] for hook in application.at("/status")]
    assert numbers == ["1", "0", "2", "3"]


async def test_everything_out_of_order_still_arrives(carrier: Carrier, application: Application) -> None:
    await carrier.faults(shuffle=1)
    statuses = await statuses_of_one_call(carrier, application)
    assert (statuses[0], sorted(statuses)) == ("completed", ["completed", "in-progress", "initiated", "ringing"])


async def test_what_was_held_back_arrives_although_the_last_is_lost(carrier: Carrier, application: Application) -> None:
    await carrier.faults(shuffle=1)
    application.documents["/words"] = _loses_the_next(carrier)
    await carrier.behaves({})
    status = {"status_callback": f"{application.url}/status", "status_callback_event": ["initiated", "completed"]}
    await carrier.call(url=f"{application.url}/words", **status)
    await carrier.settled()
    assert [hook.form["CallStatus"] for hook in application.at("/status")] == ["initiated"]


def _loses_the_next(carrier: Carrier) -> Any:
    def words(_: Hook) -> web.Response:
        carrier.sandbox._faults.merge({"lose": {"next": 1}})
        return web.Response(text="<Response/>", content_type="text/xml")

    return words


async def test_statuses_that_do_not_exist(carrier: Carrier, application: Application) -> None:
    await carrier.faults(misspell={"next": 2})
    assert await statuses_of_one_call(carrier, application) == ["sparkling", "sparkling", "in-progress", "completed"]
    assert (await carrier.ledger())[0]["status"] == "completed"


async def test_contradicted(carrier: Carrier, application: Application) -> None:
    await carrier.faults(contradict={"next": 2})
    assert (await statuses_of_one_call(carrier, application))[-2:] == ["completed", "no-answer"]
    await carrier.people(messages={TO: [{}]})
    await carrier.text(status_callback=f"{application.url}/message")
    call, message = await carrier.settled()
    assert (call["status"], call["finals"]) == ("no-answer", ["completed", "no-answer"])
    assert message["finals"] == ["delivered", "undelivered"]
    assert [hook.form["MessageStatus"] for hook in application.at("/message")][-2:] == ["delivered", "undelivered"]


async def test_a_refused_callback_is_an_error_on_record(carrier: Carrier, application: Application) -> None:
    application.documents["/status"] = lambda _: web.Response(status=503)
    assert len(await statuses_of_one_call(carrier, application)) == 4
    [entry] = await carrier.ledger()
    assert {error["code"] for error in entry["errors"]} == {11200}


async def test_a_fragment_asks_for_repeats_under_the_same_token(carrier: Carrier, application: Application) -> None:
    answers = iter([503, 503, 204])
    application.documents["/status"] = lambda _: web.Response(status=next(answers))
    await carrier.behaves({"outcome": "busy"})
    await carrier.call(twiml="<Response/>", status_callback=f"{application.url}/status?attempt=7#rc=3&rp=5xx")
    [entry] = await carrier.settled()
    hooks = application.at("/status")
    assert len(hooks) == 3
    assert len({hook.headers["I-Twilio-Idempotency-Token"] for hook in hooks}) == 1
    assert all(hook.is_genuine for hook in hooks)
    assert (entry["callbacks_sent"], entry["errors"]) == (1, [])


async def test_a_5xx_is_not_repeated_unless_asked(carrier: Carrier, application: Application) -> None:
    application.documents["/words"] = lambda _: web.Response(status=500)
    await carrier.behaves({})
    await carrier.call(url=f"{application.url}/words")
    await carrier.settled()
    assert len(application.at("/words")) == 1


@pytest_asyncio.fixture
async def silent() -> AsyncIterator[tuple[str, list[int]]]:
    """A server that accepts connections and never answers; its URL, and a list that grows with each of them."""
    connections: list[int] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", connections
    server.close()
    for writer in writers:
        writer.close()


async def test_a_read_timeout_is_repeated_when_asked(carrier: Carrier, silent: tuple[str, list[int]]) -> None:
    url, connections = silent
    await carrier.behaves({"outcome": "busy"})
    await carrier.call(twiml="<Response/>", status_callback=f"{url}#rc=2&rp=rt&rt=100")
    [entry] = await carrier.settled()
    assert len(connections) == 3
    assert (entry["callbacks_sent"], entry["errors"][0]["code"]) == (0, 11200)


async def test_nobody_listens(carrier: Carrier, unused_tcp_port: int) -> None:
    await carrier.behaves({})
    await carrier.call(url=f"http://127.0.0.1:{unused_tcp_port}/words")
    [entry] = await carrier.settled()
    assert entry["errors"][0]["code"] == 11205


@pytest.mark.parametrize(
    ("fragment", "policy"),
    [
        ("", RetryPolicy(1, frozenset({"ct"}), 5, 15)),
        ("rc=3&rp=ct,rt,5xx", RetryPolicy(3, frozenset({"ct", "rt", "5xx"}), 5, 15)),
        ("rc=0", RetryPolicy(0, frozenset({"ct"}), 5, 15)),
        ("rc=99&rp=all&ct=250&rt=1500", RetryPolicy(5, frozenset({"ct", "rt", "4xx", "5xx"}), 0.25, 1.5)),
        ("section-2", RetryPolicy()),
    ],
)
def test_fragments(fragment: str, policy: RetryPolicy) -> None:
    assert retry_policy(fragment) == policy


def test_the_signature_of_twilios_documentation() -> None:
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
