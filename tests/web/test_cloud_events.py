"""The examples of the CloudEvents specification, read as it says; and what it forbids, named.

Examples: cloudevents/formats/json-format.md and cloudevents/bindings/http-protocol-binding.md of the specification's
repository (Apache-2.0), version 1.0.3; "... base64 encoded string ..." stands for some and is replaced by some. They
have no subject: to us an event without one is of no use, so each is read with and without.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.event import LONGEST, Arrival, Fault, Flaw
from notifier.web.cloud_events import BATCHED, STRUCTURED, BadBody, UnknownMedia, read_request

JSON_EXAMPLES = {
    "binary-valued data (3.1.1)": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "A234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/vnd.apache.thrift.binary",
    "data_base64" : "eyAieHl6IjogMTIzIH0="
}""",
    "serialised XML, and an attribute that is not set": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "B234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "unsetextension": null,
    "datacontenttype" : "application/xml",
    "data" : "<much wow=\\"xml\\"/>"
}""",
    "JSON object data, and a subject that is not set": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/json",
    "data" : {
        "appinfoA" : "abc",
        "appinfoB" : 123,
        "appinfoC" : true
    }
}""",
    "JSON number data": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/json",
    "data" : 1.5
}""",
    "string data": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "D234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "data" : "I'm just a string"
}""",
    "Base64 without a content type, and without a time": """{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "D234-1234-1234",
    "data_base64" : "eyAieHl6IjogMTIzIH0="
}""",
}
BATCH_EXAMPLE = """[
  {
      "specversion" : "1.0",
      "type" : "com.example.someevent",
      "source" : "/mycontext/4",
      "id" : "B234-1234-1234",
      "time" : "2018-04-05T17:31:00Z",
      "comexampleextension1" : "value",
      "comexampleothervalue" : 5,
      "datacontenttype" : "application/vnd.apache.thrift.binary",
      "data_base64" : "eyAieHl6IjogMTIzIH0="
  },
  {
      "specversion" : "1.0",
      "type" : "com.example.someotherevent",
      "source" : "/mycontext/9",
      "id" : "C234-1234-1234",
      "time" : "2018-04-05T17:31:05Z",
      "comexampleextension1" : "value",
      "comexampleothervalue" : 5,
      "datacontenttype" : "application/json",
      "data" : {
          "appinfoA" : "abc",
          "appinfoB" : 123,
          "appinfoC" : true
      }
  }
]"""
COMMON = {
    "ce-specversion": "1.0", "ce-type": "com.example.someevent", "ce-source": "/mycontext",
    "ce-time": "2018-04-05T17:31:00Z", "ce-comexampleextension1": "value", "ce-comexampleothervalue": "5",
}  # fmt: skip
BINARY_EXAMPLES: dict[str, tuple[dict[str, str], bytes]] = {
    "A": ({**COMMON, "ce-id": "A234-1234-1234", "content-type": "application/vnd.apache.thrift.binary"},
          b"...raw binary bytes...\xff\x00"),
    "B": ({**COMMON, "ce-id": "B234-1234-1234", "content-type": "application/xml"}, b'<much wow="xml"/>'),
    "C": ({**COMMON, "ce-id": "C234-1234-1234", "content-type": "application/json"},
          b'{\n  "appinfoA" : "abc",\n  "appinfoB" : 123,\n  "appinfoC" : true\n}'),
    "C, a number": ({**COMMON, "ce-id": "C234-1234-1234", "content-type": "application/json"}, b"1.5"),
    "D": ({**COMMON, "ce-id": "D234-1234-1234", "content-type": "application/json"}, b'"I\'m just a string"'),
    "of the HTTP binding": ({
        "ce-specversion": "1.0", "ce-type": "com.example.someevent", "ce-time": "2018-04-05T03:56:24Z",
        "ce-id": "1234-1234-1234", "ce-source": "/mycontext/subcontext",
        "Content-Type": "application/json; charset=utf-8",
    }, b'{ "application": "data" }'),
}  # fmt: skip
A_TIME = datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
NO_SUBJECT = Flaw("subject", Fault.MISSING)


def structured(text: str | bytes, media: str = STRUCTURED) -> list[Arrival]:
    return read_request(media, "utf-8", {}, text if isinstance(text, bytes) else text.encode())


def binary(headers: dict[str, str], body: bytes = b"") -> Arrival:
    media = headers.get("content-type", headers.get("Content-Type", "application/octet-stream"))
    (arrival,) = read_request(media.partition(";")[0], None, headers, body)
    return arrival


def with_subject(text: str) -> str:
    return json.dumps({**json.loads(text), "subject": "S202600001"})


@pytest.mark.parametrize("text", JSON_EXAMPLES.values(), ids=JSON_EXAMPLES)
def test_json_examples(text: str) -> None:
    told = json.loads(text)

    (bare,) = structured(text)
    (useful,) = structured(with_subject(text))

    assert bare.flaw == NO_SUBJECT
    occurred_at = A_TIME if "time" in told else None
    assert useful == Arrival("/mycontext", told["id"], "com.example.someevent", "S202600001", occurred_at)


def test_the_batch_examples() -> None:
    first, second = structured(BATCH_EXAMPLE, BATCHED)
    assert (first.source, first.event_id, first.type) == ("/mycontext/4", "B234-1234-1234", "com.example.someevent")
    assert (second.source, second.type) == ("/mycontext/9", "com.example.someotherevent")
    assert second.occurred_at == datetime(2018, 4, 5, 17, 31, 5, tzinfo=UTC)
    assert structured("[]", BATCHED) == []


@pytest.mark.parametrize(("headers", "body"), BINARY_EXAMPLES.values(), ids=BINARY_EXAMPLES)
def test_binary_examples(headers: dict[str, str], body: bytes) -> None:
    assert binary(headers, body).flaw == NO_SUBJECT
    arrival = binary({**headers, "ce-subject": "S202600001"}, body)
    assert arrival.flaw is None
    assert (arrival.event_id, arrival.type) == (headers["ce-id"], "com.example.someevent")
    assert arrival.occurred_at is not None


GOOD = {"specversion": "1.0", "id": "1", "source": "/cases", "type": "case.delayed", "subject": "S1"}


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),  # the example of section 3.1.3.2
        ("%e2%82%ac", "€"),
        ('"Euro %E2%82%AC"', "Euro €"),  # as earlier versions had it
        ('"a \\"quoted\\" \\\\ word"', 'a "quoted" \\ word'),
        ("100%25%20", "100% "),
        ("%2541", "%41"),  # a single round
        ("plain", "plain"),
    ],
)
def test_header_values_are_unquoted_and_decoded_once(spelled: str, text: str) -> None:
    headers = {f"ce-{name}": value for name, value in GOOD.items()}
    assert binary({**headers, "ce-subject": spelled}).subject == text


def test_header_bytes_that_are_no_utf_8_are_refused() -> None:
    headers = {f"ce-{name}": value for name, value in GOOD.items()}
    assert binary({**headers, "ce-subject": "%C0%A0"}).flaw == Flaw("subject", Fault.AGAINST_THE_SPECIFICATION)


def test_names_of_headers_have_no_case() -> None:
    assert binary({f"Ce-{name.title()}": value for name, value in GOOD.items()}).flaw is None


BAD: list[tuple[dict[str, Any], str, Fault]] = [
    ({"id": None}, "id", Fault.MISSING),
    ({"id": ""}, "id", Fault.AGAINST_THE_SPECIFICATION),
    ({"id": 7}, "id", Fault.NOT_TEXT),
    ({"source": None}, "source", Fault.MISSING),
    ({"source": "source.case_event"}, "source", Fault.RESERVED),
    ({"type": None}, "type", Fault.MISSING),
    ({"type": ["case.delayed"]}, "type", Fault.NOT_TEXT),
    ({"specversion": None}, "specversion", Fault.MISSING),
    ({"specversion": "0.3"}, "specversion", Fault.NOT_1_0),
    ({"specversion": 1.0}, "specversion", Fault.NOT_1_0),
    ({"subject": None}, "subject", Fault.MISSING),
    ({"subject": "x" * (LONGEST + 1)}, "subject", Fault.TOO_LONG),
    ({"subject": "S1\x00"}, "subject", Fault.FORBIDDEN_CHARACTER),
    ({"subject": "S\ud800"}, "subject", Fault.FORBIDDEN_CHARACTER),
    ({"time": "yesterday"}, "time", Fault.NOT_A_TIME),
    ({"time": "2026-12-01T09:00:00"}, "time", Fault.NOT_A_TIME),
    ({"time": "2026-12-01"}, "time", Fault.NOT_A_TIME),
    ({"time": 5}, "time", Fault.NOT_A_TIME),
    ({"Extension": "x"}, "Extension", Fault.AGAINST_THE_SPECIFICATION),
    ({"data": 1, "data_base64": "AAAA"}, "data_base64", Fault.AGAINST_THE_SPECIFICATION),
    ({"data_base64": "A"}, "data_base64", Fault.AGAINST_THE_SPECIFICATION),
    ({"data_base64": 5}, "data_base64", Fault.AGAINST_THE_SPECIFICATION),
]


@pytest.mark.parametrize(("change", "field", "fault"), BAD, ids=[f"{field} {fault}" for _, field, fault in BAD])
def test_what_is_wrong_is_named(change: dict[str, Any], field: str, fault: Fault) -> None:
    (arrival,) = structured(json.dumps({**GOOD, **change}))
    assert arrival.flaw == Flaw(field, fault)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"specversion": "1.0",}'])
def test_a_body_that_is_no_json(body: bytes) -> None:
    with pytest.raises(BadBody, match="body: not_json"):
        structured(body)


def test_a_batch_that_is_none() -> None:
    with pytest.raises(BadBody, match="body: not_an_event"):
        structured(json.dumps(GOOD), BATCHED)
    assert [one.flaw and one.flaw.field for one in structured(json.dumps([GOOD, 7, None]), BATCHED)] == [
        None, "body", "body",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("media", "charset"),
    [("application/cloudevents+xml", None), ("application/cloudevents+json", "big5"), ("application/json", None)],
)
def test_other_media_are_not_read(media: str, charset: str | None) -> None:
    with pytest.raises(UnknownMedia):
        read_request(media, charset, {}, json.dumps(GOOD).encode())


def test_what_is_said_in_another_mode_is_ignored() -> None:
    """The body of a structured event has everything; headers beside it may be copies that a proxy changed."""
    (arrival,) = read_request(STRUCTURED, None, {"ce-subject": "another"}, json.dumps(GOOD).encode())
    assert arrival.subject == "S1"


# Whatever the specification allows in a text; "\ufffd" is not forbidden, yet nothing a sender means to write.
TEXTS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters=[chr(c) for c in range(0xFDD0, 0xFDF0)]),
    min_size=1, max_size=50,
).filter(lambda text: not {"\ufffe", "\uffff"} & set(text))  # fmt: skip


@given(subject=TEXTS, event_id=TEXTS)
def test_what_the_package_writes_is_read_as_it_was(subject: str, event_id: str) -> None:
    event = CloudEvent({**GOOD, "subject": subject, "id": event_id, "time": A_TIME}, {"a": 1})
    for message in (to_structured_event(event), to_binary_event(event)):
        media = message.headers.get("content-type", "application/json")
        (arrival,) = read_request(media, None, message.headers, message.body)
        assert arrival == Arrival("/cases", event_id, "case.delayed", subject, A_TIME)
