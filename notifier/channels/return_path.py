"""The envelope sender of a mail: it names the attempt and cannot be made up.

`bounce+<attempt>.<tag>@office.example`: one address per attempt (VERP) with a keyed tag (as in BATV), so that whatever
comes back to it is about this attempt, and comes from somebody who has seen the mail.
"""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode
from email.errors import MessageError
from email.headerregistry import Address as Mailbox
from uuid import UUID

from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.domain.errors import Forged, Misconfigured

TAG_BYTES = 10
MOST_LOCAL_PART = 64  # octets (RFC 5321)
SUFFIX = len("+") + 26 + len(".") + 16


class ReturnPath:
    def __init__(self, address: str, secret: str) -> None:
        """Raises Misconfigured for an address that cannot carry the attempt's name, and without a secret."""
        try:
            mailbox = Mailbox(addr_spec=address)
            address.encode("ascii")
        except (ValueError, IndexError, AttributeError, MessageError) as bad:
            raise Misconfigured("the bounce address is not a mail address") from bad
        if len(mailbox.username) > MOST_LOCAL_PART - SUFFIX:
            raise Misconfigured(f"the bounce address has more than {MOST_LOCAL_PART - SUFFIX} letters before the @")
        if not secret:
            raise Misconfigured("a bounce address needs a bounce secret")
        self.address = mailbox.addr_spec
        self._mailbox = mailbox
        self._key = secret.encode()
        name, domain = re.escape(mailbox.username), re.escape(mailbox.domain)
        self._pattern = re.compile(rf"{name}\+([a-z2-7]{{26}})\.([a-z2-7]{{16}})@{domain}", re.IGNORECASE)

    def of(self, attempt: AttemptId) -> str:
        """The envelope sender of the attempt's mail."""
        return f"{self._mailbox.username}+{_encode(attempt.bytes)}.{self._tag(attempt)}@{self._mailbox.domain}"

    def read(self, address: str) -> AttemptId:
        """The attempt that an address names. Raises Forged for one that we never gave out."""
        match = self._pattern.fullmatch(address.strip().strip("<>"))
        if match is None:
            raise Forged("not a return path of ours")
        name, tag = (part.lower() for part in match.groups())  # servers on the way may change the case
        attempt = read_attempt_id(str(UUID(bytes=b32decode(name.upper() + "======"))))
        if attempt is None or not hmac.compare_digest(tag, self._tag(attempt)):
            raise Forged("the tag does not belong to the attempt")
        return attempt

    def _tag(self, attempt: AttemptId) -> str:
        return _encode(hmac.new(self._key, b"return path " + attempt.bytes, hashlib.sha256).digest()[:TAG_BYTES])


def _encode(value: bytes) -> str:
    return b32encode(value).decode().rstrip("=").lower()
