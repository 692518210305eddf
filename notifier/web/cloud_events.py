"""CloudEvents 1.0 over HTTP, as requests spell them: structured, batched, and binary.

The `cloudevents` package reads an event; what it would make up when it is missing (an id, a version, a time) is looked
for before. Of the data of an event nothing is kept.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.exceptions import (
    BaseCloudEventException,
    CloudEventValidationError,
    InvalidAttributeTypeError,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from notifier.domain.event import CASE_EVENTS, Arrival, Fault, Flaw, find_flaw, legible

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
CHARSETS = ("utf-8", "utf8", "us-ascii")
REQUIRED = ("specversion", "id", "source", "type")

Attributes = dict[str, Any]


class UnknownMedia(Exception):
    """A request that is not in one of the three modes."""


class BadBody(Exception):
    """A body in which there are no events to be found. `flaw` says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(str(flaw))
        self.flaw = flaw


def read_request(media: str, charset: str | None, headers: Mapping[str, str], body: bytes) -> list[Arrival]:
    """The events of a request, those with a flaw marked. Raises UnknownMedia and BadBody."""
    if media in (STRUCTURED, BATCHED):
        if charset is not None and charset.lower() not in CHARSETS:
            raise UnknownMedia
        return _read_json(body, batched=media == BATCHED)
    if media.startswith("application/cloudevents"):
        raise UnknownMedia
    lowered = {name.lower(): value for name, value in headers.items()}
    if not any(name.startswith("ce-") for name in lowered):
        raise UnknownMedia
    return [_read_binary(lowered, body)]


def _read_json(body: bytes, *, batched: bool) -> list[Arrival]:
    try:
        told = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadBody(Flaw("body", Fault.NOT_JSON)) from error
    if not batched:
        return [_read_object(told)]
    if not isinstance(told, list):
        raise BadBody(Flaw("body", Fault.NOT_AN_EVENT))
    return [_read_object(one) for one in told]


def _read_object(told: object) -> Arrival:
    if not isinstance(told, dict):
        return _arrival({}, Flaw("body", Fault.NOT_AN_EVENT))
    given = {name: value for name, value in told.items() if value is not None}  # null is how "not set" is spelled
    if "data" in given and "data_base64" in given:
        return _arrival(given, Flaw("data_base64", Fault.AGAINST_THE_SPECIFICATION))
    if "time" in given and not _is_time(given["time"]):
        return _arrival(given, Flaw("time", Fault.NOT_A_TIME))
    text = json.dumps(given)
    return _read(given, lambda factory: JSONFormat().read(factory, text), "data_base64")


def _read_binary(headers: Mapping[str, str], body: bytes) -> Arrival:
    """`headers`: by their names in lower case."""
    told = {name: _unquoted(value) for name, value in headers.items() if name.startswith("ce-")}
    given: Attributes = {}
    for name, value in told.items():
        try:
            given[name.removeprefix("ce-")] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            return _arrival(given, Flaw(name.removeprefix("ce-"), Fault.AGAINST_THE_SPECIFICATION))
    if "time" in given and not _is_time(given["time"]):
        return _arrival(given, Flaw("time", Fault.NOT_A_TIME))
    if kind := headers.get("content-type"):
        told["content-type"] = kind
    message = HTTPMessage(told, body)
    return _read(given, lambda factory: from_binary(message, JSONFormat(), factory), "body")


def _read(given: Attributes, read: Callable[[Any], object], rest: str) -> Arrival:
    """Let the package read. `rest`: the part that is to blame for what is no attribute's fault."""
    found: Attributes = {}

    def make(attributes: Attributes, data: Any) -> CloudEvent:
        found.update(attributes)
        for name in REQUIRED:
            if name not in attributes:
                raise _Missing(name)
        return CloudEvent(attributes, data)

    try:
        read(make)
    except _Missing as error:
        return _arrival(given, Flaw(error.name, Fault.MISSING))
    except CloudEventValidationError as error:
        return _arrival(given, _flaw_of(error))
    except (ValueError, TypeError):
        return _arrival(given, Flaw(rest, Fault.AGAINST_THE_SPECIFICATION))
    return _arrival(found, None)


class _Missing(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _flaw_of(error: CloudEventValidationError) -> Flaw:
    field, faults = next(iter(error.errors.items()))
    return Flaw(field, Fault.NOT_1_0 if field == "specversion" else _fault(faults))


def _fault(faults: list[BaseCloudEventException]) -> Fault:
    wrong_type = any(isinstance(fault, InvalidAttributeTypeError) for fault in faults)
    return Fault.NOT_TEXT if wrong_type else Fault.AGAINST_THE_SPECIFICATION


def _arrival(attributes: Mapping[str, Any], flaw: Flaw | None) -> Arrival:
    """What is kept. An event is of use to us only if it says what it is about."""
    flaw = flaw or find_flaw((name, attributes.get(name)) for name in ("id", "source", "type", "subject"))
    if flaw is None and attributes["source"] == CASE_EVENTS:
        flaw = Flaw("source", Fault.RESERVED)
    source, event_id, kind, subject = (legible(attributes.get(name)) for name in ("source", "id", "type", "subject"))
    time = attributes.get("time")
    return Arrival(
        source, event_id, kind or None, subject or None, time if isinstance(time, datetime) else None, flaw=flaw
    )


def _is_time(value: object) -> bool:
    """As RFC 3339 has it: a day and a time, with its zone."""
    if not isinstance(value, str) or len(value) < len("2018-04-05T17:31:00Z"):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _unquoted(value: str) -> str:
    """A header in double quotes, as older senders write it (RFC 7230, section 3.2.6)."""
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return value
    inner, plain = iter(value[1:-1]), []
    for character in inner:
        plain.append(next(inner, "") if character == "\\" else character)
    return "".join(plain)
