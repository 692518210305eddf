"""The life of a text message."""

from typing import Any

import pytest

from notifier.sandbox.segments import count_segments

from .conftest import FROM, TO, Application, Carrier


async def test_a_message_is_delivered_and_reported(carrier: Carrier, application: Application) -> None:
    await carrier.people(messages={TO: [{"outcome": "delivered"}]})
    message = await carrier.text(status_callback=f"{application.url}/status?attempt=7", body="復電完成")
    assert (message.status, message.num_segments, message.date_sent) == ("queued", "1", None)

    [entry] = await carrier.settled()
    assert (entry["kind"], entry["sid"], entry["to"], entry["from"]) == ("message", message.sid, TO, FROM)
    assert (entry["status"], entry["body"], entry["num_segments"]) == ("delivered", "復電完成", 1)
    assert entry["created_at"] < entry["sent_at"] < entry["ended_at"]

    hooks = application.at("/status")
    assert [hook.form["MessageStatus"] for hook in hooks] == ["sending", "sent", "delivered"]
    assert all(hook.is_genuine and hook.query == {"attempt": "7"} for hook in hooks)
    for form in (hook.form for hook in hooks):
        assert form["MessageSid"] == form["SmsSid"] == message.sid
        assert form["SmsStatus"] == form["MessageStatus"]
        assert "SequenceNumber" not in form
        assert "ErrorCode" not in form


@pytest.mark.parametrize(
    ("fate", "statuses", "code"),
    [
        ({"outcome": "undelivered", "error_code": 30003}, ["sending", "sent", "undelivered"], 30003),
        ({"outcome": "failed", "error_code": 30008}, ["failed"], 30008),
        ({"outcome": "sent"}, ["sending", "sent"], None),
    ],
)
async def test_messages_that_do_not_arrive(
    carrier: Carrier, application: Application, fate: dict[str, Any], statuses: list[str], code: int | None
) -> None:
    await carrier.people(messages={TO: [fate]})
    message = await carrier.text(status_callback=f"{application.url}/status")
    [entry] = await carrier.settled()
    hooks = application.at("/status")
    assert [hook.form["MessageStatus"] for hook in hooks] == statuses
    assert hooks[-1].form.get("ErrorCode") == (str(code) if code else None)
    fetched = await carrier.ask(lambda client: client.messages(message.sid).fetch())
    assert (fetched.status, fetched.error_code, entry["error_code"]) == (statuses[-1], code, code)


async def test_a_messaging_service_accepts_first(carrier: Carrier, application: Application) -> None:
    await carrier.people(messages={TO: [{}]})
    service = "MG" + "0" * 32
    message = await carrier.text(from_=None, messaging_service_sid=service, status_callback=f"{application.url}/status")
    assert (message.status, message.num_segments, message.messaging_service_sid) == ("accepted", "0", service)
    await carrier.settled()
    assert application.at("/status")[0].form["MessagingServiceSid"] == service


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("電" * 70, 1),
        ("電" * 71, 2),
        ("電" * 134, 2),
        ("電" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 pairs a part: no pair is split over two parts
    ],
)
def test_segments(body: str, segments: int) -> None:
    assert count_segments(body) == segments
