"""Is this callback Twilio's? Checked over the public URL exactly as it was called, in constant time."""

import hmac
from collections.abc import Callable, Iterator
from hashlib import sha256
from urllib.parse import urldefrag, urlsplit

from multidict import MultiDict
from twilio.request_validator import RequestValidator, add_port, remove_port

from notifier.domain.channel import Hook, HookCall, HookReply, TwilioAccount
from notifier.domain.errors import Forged

SIGNATURE = "X-Twilio-Signature"
FORM_TYPE = "application/x-www-form-urlencoded"
BODY_HASH = "bodySHA256"

Answer = Callable[[HookCall], HookReply]


class Signatures:
    """Checks and makes signatures. While a token is being rotated, the previous one is still good for checking."""

    def __init__(self, account: TwilioAccount) -> None:
        self._token = account.auth_token
        tokens = (account.auth_token, account.previous_token)
        self._validators = [RequestValidator(token) for token in tokens if token]

    def guard(self, path: str, answer: Answer, *, speaks: bool = False) -> Hook:
        """A hook that answers only what Twilio signed."""

        def answer_genuine(call: HookCall) -> HookReply:
            self.check(call)
            return answer(call)

        return Hook(path, answer_genuine, speaks)

    def check(self, call: HookCall) -> None:
        """Raises Forged."""
        given = header(call, SIGNATURE)
        if not given:
            raise Forged("the callback has no signature")
        form = MultiDict(_signed_form(call))
        presented = given.encode(errors="surrogateescape")
        if not any(hmac.compare_digest(presented, made) for made in self._possible(call.url, form)):
            raise Forged("the callback's signature is not Twilio's")

    def sign(self, url: str) -> str:
        """The signature that a GET of `url` would carry."""
        return str(self._validators[0].compute_signature(url, {}))

    def seal(self, nonce: str) -> str:
        """A proof that whoever answers holds our token."""
        return hmac.digest(self._token.encode(), f"probe:{nonce}".encode(), sha256).hex()

    def _possible(self, url: str, form: MultiDict[str]) -> Iterator[bytes]:
        # Twilio signs some URLs with the default port spelled out and others without theirs; the URL as it was
        # called comes first.
        address = urldefrag(url).url
        parts = urlsplit(address)
        spellings = dict.fromkeys((address, add_port(parts), remove_port(parts)))
        for validator in self._validators:
            for spelling in spellings:
                yield validator.compute_signature(spelling, form).encode()


def header(call: HookCall, name: str) -> str:
    wanted = name.lower()
    return next((value for key, value in call.headers.items() if key.lower() == wanted), "")


def _signed_form(call: HookCall) -> list[tuple[str, str]]:
    """The parameters that the signature covers. A body that is not a form is covered by its hash in the URL."""
    content_type = header(call, "Content-Type").partition(";")[0].strip().lower()
    if not call.body or content_type == FORM_TYPE:
        return list(call.form)
    claimed = next((value for key, value in call.parameters if key == BODY_HASH), "")
    if not hmac.compare_digest(claimed.encode(), sha256(call.body).hexdigest().encode()):
        raise Forged("the callback's body is not the one that was signed")
    return []
