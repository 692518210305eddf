from datetime import timedelta

import pytest

from notifier.channels import twilio_codes
from notifier.channels.twilio_codes import CODES, Follows, api_error, call_ending, message_ending, what_follows
from notifier.domain.disposition import Disposition as D
from notifier.domain.errors import Misconfigured, OptedOut, Refused, Unavailable, Uncertain, Unknown

TABLE = {
    OptedOut: {21610},
    Refused: {21202, 21211, 21214, 21216, 21217, 21612, 21614, 21635, 30004, 30005, 30006, 13223, 13225},
    Misconfigured: {
        *(20001, 20003, 20005, 20006, 20404, 10001, 21201, 21203, 21205, 21206, 21208, 21209, 21210, 21212, 21213),
        *(21215, 21218, 21219, 21401, 21408, 21601, 21602, 21603, 21604, 21606, 21607, 21608, 21609, 21616, 21617),
        *(21618, 30002, 30018, 30024, 30032, 30034, 30035),
    },
    Unavailable: {20429, 10004, 21611, 30001, 30003, 30008, 30017, 30022, 30023, 30027, 30450},
    Uncertain: {20500, 20503, 30410},
    Unknown: {21220, 30007},
}


def test_every_code_of_the_table_is_written_here() -> None:
    assert set(CODES) == set().union(*TABLE.values())


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in TABLE.items() for code in sorted(codes)])
def test_a_code_says_what_follows(kind: type[Exception], code: int) -> None:
    error = api_error(400, code)
    assert type(error) is kind
    assert error.code == str(code)


@pytest.mark.parametrize("code", [21700, 21799, 11000, 11200, 11999, 12000, 12100, 12999])
def test_ranges_about_our_own_configuration(code: int) -> None:
    assert type(api_error(400, code)) is Misconfigured


@pytest.mark.parametrize("code", [1, 10999, 13000, 21699, 21800, 40000, 99999])
def test_a_code_that_no_table_knows_is_loud(code: int) -> None:
    assert what_follows(code) is Follows.HOLD
    assert type(api_error(400, code)) is Unknown


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (301, None, Misconfigured),
        (400, None, Unknown),
        (401, None, Misconfigured),
        (403, None, Misconfigured),
        (404, None, Misconfigured),
        (408, None, Uncertain),
        (429, None, Unavailable),
        (429, 20429, Unavailable),
        (429, 21211, Unavailable),
        (500, None, Uncertain),
        (500, 20500, Uncertain),
        (500, 21211, Uncertain),
        (503, 20503, Uncertain),
    ],
)
def test_the_http_status_comes_first(status: int, code: int | None, kind: type[Exception]) -> None:
    assert type(api_error(status, code)) is kind


def test_how_long_to_wait() -> None:
    assert waits(429, 20429, timedelta(seconds=7)) == timedelta(seconds=7)
    assert waits(429, 20429, None) is None
    assert timedelta(minutes=15) <= (waits(400, 30450, None) or timedelta()) <= timedelta(minutes=30)


def waits(status: int, code: int, retry_after: timedelta | None) -> timedelta | None:
    error = api_error(status, code, retry_after)
    assert isinstance(error, Unavailable)
    return error.after


CALLS = {
    "queued": None,
    "initiated": None,
    "ringing": None,
    "in-progress": None,
    "completed": D.ANSWERED,
    "busy": D.BUSY,
    "no-answer": D.NO_ANSWER,
    "failed": D.FAILED,
    "canceled": D.CANCELLED,
}
MESSAGES = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": None,
    "delivered": D.DELIVERED,
    "read": D.DELIVERED,
    "undelivered": D.UNDELIVERED,
    "failed": D.FAILED,
    "canceled": D.CANCELLED,
}


def test_every_status_of_the_tables_is_written_here() -> None:
    assert twilio_codes.CALL_STATUSES == CALLS
    assert twilio_codes.MESSAGE_STATUSES == MESSAGES


@pytest.mark.parametrize("word", ["", "sparkling", "Completed"])
def test_a_status_that_no_table_knows_is_loud(word: str) -> None:
    assert call_ending(word) is D.UNKNOWN
    assert message_ending(word) is D.UNKNOWN


@pytest.mark.parametrize(
    ("status", "sip", "ending"),
    [
        *[("failed", sip, D.REFUSED) for sip in ("404", "484", "604")],
        *[("no-answer", sip, D.REFUSED) for sip in ("404", "484", "604")],
        *[("no-answer", sip, D.DECLINED) for sip in ("486", "603")],
        *[("failed", sip, D.NO_ANSWER) for sip in ("487", "480", "408")],
        ("no-answer", "487", D.NO_ANSWER),
        ("no-answer", "503", D.NO_ANSWER),
        ("failed", "503", D.FAILED),
        ("failed", "999", D.FAILED),
        ("busy", "486", D.BUSY),
        ("completed", "200", D.ANSWERED),
        ("completed", "487", D.ANSWERED),
        ("canceled", "487", D.CANCELLED),
        ("ringing", "404", None),
    ],
)
def test_the_sip_code_says_more_than_failed_and_no_answer(status: str, sip: str, ending: D | None) -> None:
    assert call_ending(status, sip) is ending


@pytest.mark.parametrize(
    ("status", "code", "ending"),
    [
        ("failed", 21610, D.OPTED_OUT),
        ("undelivered", 30005, D.REFUSED),
        ("undelivered", 30003, D.UNDELIVERED),
        ("failed", 30001, D.FAILED),
        ("failed", 30002, D.FAILED),
        ("undelivered", 30007, D.UNKNOWN),
        ("undelivered", 30410, D.UNCERTAIN),
        ("failed", 30999, D.UNDELIVERED),
        ("undelivered", 39999, D.UNDELIVERED),
        ("failed", 4711, D.UNKNOWN),
        ("sent", 30003, None),
        ("delivered", 30003, D.DELIVERED),
    ],
)
def test_the_error_code_explains_a_message_that_did_not_arrive(status: str, code: int, ending: D | None) -> None:
    assert message_ending(status, code) is ending


def test_the_error_does_not_repeat_what_the_carrier_wrote() -> None:
    assert str(api_error(400, 21211)) == "Twilio answered 400 with code 21211"
