"""Create requests, validated as the carrier validates them: parameters in, an order or an error code out."""

import re
from urllib.parse import urlsplit

from multidict import MultiDict, MultiMapping

from notifier.sandbox.records import Callback, CallOrder, MessageOrder

E164 = re.compile(r"\+[1-9]\d{6,14}")
EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
LONGEST_BODY = 1600
LONGEST_TWIML = 4000
RING_TIMEOUT = 60  # seconds
TIME_LIMIT = 14_400  # seconds; four hours

# The numbers that Twilio's test credentials answer with an error.
CALL_TO = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216}
CALL_FROM = {"+15005550001": 21212}
MESSAGE_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MESSAGE_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}

WORDS = {
    20001: "Unknown parameters or invalid value",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service unavailable",
    21201: "No 'To' number is specified",
    21205: "Url parameter is required",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Number",
    21213: "No 'From' number is specified",
    21214: "'To' phone number cannot be reached",
    21215: "Account not authorized to call this number",
    21216: "Account not allowed to call this number",
    21217: "Phone number does not appear to be valid",
    21218: "Invalid ApplicationSid",
    21220: "Invalid call state: the call is not in-progress, queued or ringing",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21601: "Phone number is not a valid SMS-capable/MMS-capable inbound phone number",
    21602: "Message body is required",
    21603: "A 'From' phone number is required",
    21604: "A 'To' phone number is required",
    21606: "The 'From' phone number is not a valid, SMS-capable inbound phone number for your account",
    21609: "Invalid 'StatusCallback' URL",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


class RejectedError(Exception):
    """A request the carrier answers with an error: nothing was placed."""

    def __init__(self, code: int, status: int = 400, detail: str = "") -> None:
        super().__init__(f"{WORDS[code]}{': ' if detail else ''}{detail}")
        self.code = code
        self.status = status


def call_order(form: MultiMapping[str]) -> CallOrder:
    """Reads POST Calls.json. Raises RejectedError."""
    to = _number(form, "To", missing=21201, invalid=21217, magic=CALL_TO)
    from_ = _number(form, "From", missing=21213, invalid=21212, magic=CALL_FROM)
    url = _callback(form, "Url", "Method", invalid=21205)
    if url is None and not form.get("Twiml"):
        raise RejectedError(21205)
    if len(form.get("Twiml", "")) > LONGEST_TWIML:
        raise RejectedError(20001, detail=f"Twiml is longer than {LONGEST_TWIML} characters")
    return CallOrder(
        to=to,
        from_=from_,
        url=url,
        twiml=form.get("Twiml"),
        fallback=_callback(form, "FallbackUrl", "FallbackMethod", invalid=21205),
        status=_callback(form, "StatusCallback", "StatusCallbackMethod", invalid=21609),
        events=_events(form),
        ring_timeout=_whole(form, "Timeout", RING_TIMEOUT, 1, 600),
        time_limit=_whole(form, "TimeLimit", TIME_LIMIT, 1, 86_400),
        detection=_detection(form),
        detects_aside=form.get("AsyncAmd", "false") == "true",
        detection_callback=_callback(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", invalid=21609),
    )


def inbound_order(from_: str, to: str, url: str) -> CallOrder:
    """A call to a number of the account, whose configuration names the URL that answers. Raises RejectedError."""
    for number in (from_, to):
        if not E164.fullmatch(number):
            raise RejectedError(21211, detail=number)
    return CallOrder(
        to=to,
        from_=from_,
        url=_callback(MultiDict({"Url": url}), "Url", "Method", invalid=21205),
        twiml=None,
        fallback=None,
        status=None,
        events=frozenset(),
        ring_timeout=RING_TIMEOUT,
        time_limit=TIME_LIMIT,
        detection=None,
        detects_aside=False,
        detection_callback=None,
        direction="inbound",
    )


def message_order(form: MultiMapping[str]) -> MessageOrder:
    """Reads POST Messages.json. Raises RejectedError."""
    to = _number(form, "To", missing=21604, invalid=21211, magic=MESSAGE_TO)
    service = form.get("MessagingServiceSid")
    body = form.get("Body", "")
    if not body:
        raise RejectedError(21602)
    if len(body) > LONGEST_BODY:
        raise RejectedError(21617)
    _whole(form, "ValidityPeriod", 36_000, 1, 36_000)
    return MessageOrder(
        to=to,
        from_=form.get("From") if service else _sender(form),
        service_sid=service,
        body=body,
        status=_callback(form, "StatusCallback", "", invalid=21609),
    )


def _number(form: MultiMapping[str], name: str, *, missing: int, invalid: int, magic: dict[str, int]) -> str:
    number = form.get(name, "")
    if not number:
        raise RejectedError(missing)
    if not E164.fullmatch(number):
        raise RejectedError(invalid, detail=number)
    if number in magic:
        raise RejectedError(magic[number], detail=number)
    return number


def _sender(form: MultiMapping[str]) -> str:
    """A message comes from a number, a short code (111) or a name of up to 11 characters."""
    sender = form.get("From", "")
    if not sender:
        raise RejectedError(21603)
    if sender in MESSAGE_FROM:
        raise RejectedError(MESSAGE_FROM[sender], detail=sender)
    if not (E164.fullmatch(sender) or re.fullmatch(r"\d{3,6}|[A-Za-z0-9 ]{1,11}", sender)):
        raise RejectedError(21212, detail=sender)
    return sender


def _callback(form: MultiMapping[str], name: str, method_name: str, *, invalid: int) -> Callback | None:
    url = form.get(name)
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "_" in parts.hostname:
        raise RejectedError(invalid, detail=f"{name} {url}")
    method = form.get(method_name, "POST").upper()
    if method not in ("GET", "POST"):
        raise RejectedError(20001, detail=f"{method_name} {method}")
    return Callback(url, method)


def _events(form: MultiMapping[str]) -> frozenset[str]:
    """The key is repeated, and each value may itself be a list with spaces; `completed` alone by default."""
    events = frozenset(" ".join(form.getall("StatusCallbackEvent", ["completed"])).split())
    if unknown := events - EVENTS:
        raise RejectedError(20001, detail=f"StatusCallbackEvent {', '.join(sorted(unknown))}")
    return events


def _detection(form: MultiMapping[str]) -> str | None:
    detection = form.get("MachineDetection") or None
    if detection not in (None, "Enable", "DetectMessageEnd"):
        raise RejectedError(20001, detail=f"MachineDetection {detection}")
    return None if form.get("SendDigits") else detection


def _whole(form: MultiMapping[str], name: str, default: int, least: int, most: int) -> int:
    text = form.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise RejectedError(20001, detail=f"{name} {text}: expected {least} to {most}")
    return int(text)
