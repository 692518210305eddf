from dataclasses import replace
from hashlib import sha256

import pytest

from notifier.channels.twilio_webhook import Signatures
from notifier.domain.channel import HookCall
from notifier.domain.errors import Forged
from tests.channels.channel_kit import ATTEMPT, PUBLIC_URL, TOKEN, account, hook_call

URL = f"{PUBLIC_URL}/hooks/voice/status?attempt={ATTEMPT}&empty=&a=1&a=2"
FORM = [("To", "+886287654321"), ("CallStatus", "busy"), ("Blank", ""), ("Twice", "b"), ("Twice", "a"), ("名", "值")]
SIGNATURES = Signatures(account(previous_token="the-old-token"))


def test_what_twilio_published_as_an_example() -> None:
    """The worked example of Twilio's documentation on request validation."""
    form = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234")]
    form += [("From", "+14158675309"), ("To", "+18005551212")]
    call = replace(
        hook_call("https://mycompany.com/myapp.php?foo=1&bar=2", form),
        headers={"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        body=b"",
    )
    Signatures(account(auth_token="12345")).check(call)


@pytest.mark.parametrize(
    "call",
    [
        hook_call(URL, FORM),
        hook_call(URL),
        hook_call(URL, FORM, token="the-old-token"),
        hook_call(URL, FORM, signed_url=URL.replace(".tw/", ".tw:443/")),
        hook_call(URL.replace(".tw/", ".tw:8443/"), FORM),
        hook_call(URL.replace(".tw/", ".tw:8443/"), FORM, signed_url=URL),
        replace(hook_call(URL, FORM), form=FORM[::-1]),
    ],
)
def test_accepted(call: HookCall) -> None:
    SIGNATURES.check(call)


def signature(call: HookCall) -> str:
    return call.headers["x-twilio-signature"]


@pytest.mark.parametrize(
    "call",
    [
        hook_call(URL, FORM, headers={}),
        hook_call(URL, FORM, headers={"x-twilio-signature": ""}),
        hook_call(URL, FORM, headers={"x-twilio-signature": "\udcff"}),
        hook_call(URL, FORM, headers={"x-twilio-signature": signature(hook_call(URL, FORM))[:-1]}),
        hook_call(URL, FORM, token="somebody-else"),
        hook_call(URL, FORM, token=""),
        hook_call(URL, FORM, signed_url=URL.replace("https", "http")),
        replace(hook_call(URL, FORM), url=URL.replace("a=1", "a=3")),
        replace(hook_call(URL, FORM), form=FORM[1:]),
        replace(hook_call(URL, FORM), form=[*FORM, ("Twice", "c")]),
        replace(hook_call(URL, FORM), form=[(name, value) for name, value in FORM if value]),
    ],
)
def test_forged(call: HookCall) -> None:
    with pytest.raises(Forged):
        SIGNATURES.check(call)


BODY = b'{"CallStatus": "completed"}'
HASH = sha256(BODY).hexdigest()


def json_call(query: str, body: bytes = BODY, *, token: str = TOKEN) -> HookCall:
    url = f"{URL}{query}"
    headers = {"content-type": "application/json", "x-twilio-signature": signature(hook_call(url, token=token))}
    return hook_call(url, headers=headers, body=body)


def test_a_json_body_is_accepted_by_its_hash() -> None:
    SIGNATURES.check(json_call(f"&bodySHA256={HASH}"))


@pytest.mark.parametrize(
    "call",
    [
        json_call(""),
        json_call("&bodySHA256="),
        json_call(f"&bodySHA256={HASH}", BODY + b" "),
        json_call(f"&bodySHA256={HASH}", token="somebody-else"),
    ],
)
def test_a_json_body_without_its_hash_is_forged(call: HookCall) -> None:
    with pytest.raises(Forged):
        SIGNATURES.check(call)


def test_an_account_without_a_previous_token_takes_no_empty_one() -> None:
    with pytest.raises(Forged):
        Signatures(account()).check(hook_call(URL, FORM, token=""))
