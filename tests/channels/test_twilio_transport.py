import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

import pytest

from notifier.channels.twilio_transport import TwilioApi
from notifier.domain.errors import ChannelError, Misconfigured, OptedOut, Refused, Unavailable, Uncertain, Unknown
from tests.channels.channel_kit import NOW, TOKEN, Canned, Carrier, account

FIELDS = [
    ("To", "+886900000111"),
    ("Body", "電費 & 查證=1911"),
    ("StatusCallbackEvent", "a"),
    ("StatusCallbackEvent", "b"),
]
FORM = urlencode(FIELDS)
SHORT = 0.2  # seconds


@pytest.fixture
async def api(carrier: Carrier) -> AsyncIterator[TwilioApi]:
    api = TwilioApi(account(carrier.url + "/", timeout=SHORT), "Messages", lambda: NOW)
    yield api
    await api.close()


async def test_a_create_is_one_form_with_repeated_keys(api: TwilioApi, carrier: Carrier) -> None:
    carrier.answers = [Canned(201, '{"sid": "SM1", "status": "queued"}')]
    assert (await api.create(FORM))["sid"] == "SM1"
    (asked,) = carrier.asked
    assert (asked.method, asked.path) == ("POST", "/2010-04-01/Accounts/ACmadeup/Messages.json")
    assert asked.form == FIELDS
    assert asked.headers["authorization"] == "Basic " + b64encode(f"ACmadeup:{TOKEN}".encode()).decode()
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_the_environment_does_not_move_the_api(
    api: TwilioApi, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    carrier.answers = [Canned(201, '{"sid": "SM1"}')]
    await api.create(FORM)
    assert len(carrier.asked) == 1


def rest_error(code: int, status: int = 400) -> Canned:
    return Canned(status, json.dumps({"code": code, "message": "not +886900000111", "status": status}))


TABLE: dict[str, tuple[Canned, type[ChannelError]]] = {
    "a bad number": (rest_error(21211), Refused),
    "an opted-out number": (rest_error(21610), OptedOut),
    "wrong credentials": (rest_error(20003, 401), Misconfigured),
    "credentials refused by something else": (Canned(403, "forbidden"), Misconfigured),
    "no such account": (rest_error(20404, 404), Misconfigured),
    "a queue that is full": (rest_error(21611), Unavailable),
    "a code that no table knows": (rest_error(21999), Unknown),
    "a 400 without a code": (Canned(400, "<html>bad"), Unknown),
    "a code that is not a number": (Canned(400, '{"code": "x"}'), Unknown),
    "too many requests": (rest_error(20429, 429), Unavailable),
    "too many requests, in HTML": (Canned(429, "<html>slow down"), Unavailable),
    "a 500": (rest_error(20500, 500), Uncertain),
    "a 502 in HTML": (Canned(502, "<html>bad gateway"), Uncertain),
    "a 503": (rest_error(20503, 503), Uncertain),
    "a redirect": (Canned(307, "", {"Location": "/elsewhere"}), Misconfigured),
    "a 201 that is not JSON": (Canned(201, "<html>welcome"), Uncertain),
    "a 201 that is not an object": (Canned(201, "[]"), Uncertain),
    "a 201 without an end": (Canned(201, "[" * 100_000), Uncertain),
    "a 201 without a sid": (Canned(201, '{"status": "queued"}'), Uncertain),
    "a 201 that is not UTF-8": (
        Canned(201, '{"sid": "\udcff"}'.encode(errors="surrogateescape").decode("latin-1")[:9]),
        Uncertain,
    ),
    "a connection closed without an answer": (Canned(cut=True), Uncertain),
    "a connection closed within an answer": (Canned(201, '{"sid": "SM', cut=True), Uncertain),
    "no answer in time": (Canned(hang=True), Uncertain),
}


@pytest.mark.parametrize(("answer", "kind"), TABLE.values(), ids=TABLE)
async def test_what_follows_from_an_answer(
    api: TwilioApi, carrier: Carrier, answer: Canned, kind: type[ChannelError]
) -> None:
    carrier.answers = [answer]
    with pytest.raises(ChannelError) as caught:
        await api.create(FORM)
    assert type(caught.value) is kind
    assert "886900000111" not in str(caught.value)
    assert len(carrier.asked) == 1, "a create must never be repeated by the transport"


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("7", timedelta(seconds=7)),
        ("", None),
        ("soon", None),
        ("Tue, 24 Nov 2026 10:00:00 GMT", None),
        ("-1", None),
        ("9" * 5000, None),
    ],
)
async def test_retry_after(api: TwilioApi, carrier: Carrier, header: str, after: timedelta | None) -> None:
    carrier.answers = [Canned(429, '{"code": 20429}', {"Retry-After": header} if header else {})]
    with pytest.raises(Unavailable) as caught:
        await api.create(FORM)
    assert caught.value.after == after


def nobody() -> str:
    """The URL of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


NOT_SENT: dict[str, tuple[Callable[[], str], type[ChannelError]]] = {
    "nobody listens": (nobody, Unavailable),
    "no such name": (lambda: "http://nowhere.invalid", Unavailable),
    "no host": (lambda: "http://", Misconfigured),
    "no HTTP": (lambda: "ftp://127.0.0.1", Misconfigured),
}


@pytest.mark.parametrize(("base_url", "kind"), NOT_SENT.values(), ids=NOT_SENT)
async def test_what_certainly_did_not_leave(base_url: Callable[[], str], kind: type[ChannelError]) -> None:
    api = TwilioApi(account(base_url(), timeout=SHORT), "Calls", lambda: NOW)
    with pytest.raises(ChannelError) as caught:
        await api.create(FORM)
    assert type(caught.value) is kind
    await api.close()


async def test_a_connection_that_cannot_be_made_in_time_has_sent_nothing() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # they fill the queue, so that the next is not answered
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        api = TwilioApi(account(f"http://127.0.0.1:{port}", timeout=SHORT), "Calls", lambda: NOW)
        with pytest.raises(Unavailable):
            await api.create(FORM)
        await api.close()
        for one in waiting:
            one.close()


async def test_answers_are_not_mixed_up_between_requests(api: TwilioApi, carrier: Carrier) -> None:
    carrier.answers = [Canned(201, json.dumps({"sid": f"SM{n}"})) for n in range(20)]
    sids = [(await api.create(f"n={n}"))["sid"] for n in range(20)]
    assert sids == [f"SM{n}" for n in range(20)]


UNANSWERED = {
    "a 500": Canned(500, '{"code": 20500}'),
    "a 502 in HTML": Canned(502, "<html>bad gateway"),
    "a connection closed without an answer": Canned(cut=True),
    "no answer in time": Canned(hang=True),
    "too many requests": Canned(429, '{"code": 20429}'),
}


@pytest.mark.parametrize("canned", UNANSWERED.values(), ids=UNANSWERED)
async def test_a_question_without_an_answer_leaves_nothing_in_doubt(
    api: TwilioApi, carrier: Carrier, canned: Canned
) -> None:
    """A create may have been carried out; what was only asked may be asked again, as often as it takes."""
    for ask in (api.fetch("SM1"), api.find("+886900000111", "111")):
        carrier.answers = [canned]
        with pytest.raises(Unavailable):
            await ask


async def test_the_carriers_clock_is_read_from_its_answers(api: TwilioApi, carrier: Carrier) -> None:
    five_minutes_fast = format_datetime(NOW + timedelta(minutes=5), usegmt=True)
    carrier.answers = [Canned(200, '{"sid": "SM1"}', {"Date": date}) for date in (five_minutes_fast, "yesterday")]
    for _ in range(2):  # what cannot be read changes nothing
        await api.fetch("SM1")
        assert api.ahead == timedelta(minutes=5)


async def test_a_list_that_is_none(api: TwilioApi, carrier: Carrier) -> None:
    carrier.answers = [Canned(200, "{}")]
    with pytest.raises(Uncertain):
        await api.find("+886900000111", "111")
