"""One POST to a subscriber: one deadline for all of it, no redirect followed, and no connection into our own network.

The address is judged in the moment of connecting: a name that was harmless when it was added may lead elsewhere since.
"""

import re
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from notifier.domain.delivery import LONGEST_ASKED, Failure, Heard
from notifier.domain.target import is_private

DEADLINE = 15.0  # real seconds
USER_AGENT = "notifier-webhooks"
_SECONDS = re.compile(r"[0-9]{1,9}")


class ForbiddenTarget(OSError):
    """The target leads into our own network."""

    def __init__(self) -> None:
        super().__init__("an address of a private network")  # always the same words: or they would be joined to others


class WebhookTransport:
    """`private`: our own network may be called, too. `resolver`: in the place of the system's."""

    def __init__(self, *, private: bool, resolver: AbstractResolver | None = None, deadline: float = DEADLINE) -> None:
        self._private = private
        self._resolver = resolver
        self._timeout = aiohttp.ClientTimeout(total=deadline)

    async def __aenter__(self) -> "WebhookTransport":
        connector = aiohttp.TCPConnector(limit=0, resolver=self._resolver, socket_factory=self._socket)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # a proxy would connect in our place, wherever it likes
        )
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Heard:
        """What came back. Of an answer only its head counts: its body is not read. `now`: real time."""
        sent = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers}
        try:
            target = URL(url)
            async with self._session.post(target, data=body, headers=sent, allow_redirects=False) as response:
                if 300 <= response.status < 400:
                    return Heard(response.status, Failure.REDIRECT)
                return Heard(response.status, after=_retry_after(response.headers.get("Retry-After", ""), now))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Heard(failure=_failure(error))

    def _socket(self, address: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        family, kind, protocol, _, where = address
        if not self._private and is_private(str(where[0])):
            raise ForbiddenTarget
        return socket.socket(family, kind, protocol)


def _failure(error: Exception) -> Failure:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Failure.BAD_CERTIFICATE
        case aiohttp.ClientConnectorDNSError():
            return Failure.NO_SUCH_HOST
        case aiohttp.ClientConnectorError(os_error=ForbiddenTarget()):
            return Failure.FORBIDDEN_TARGET
        case TimeoutError():
            return Failure.TIMEOUT
        case aiohttp.InvalidURL() | ValueError():
            return Failure.FORBIDDEN_TARGET
        case aiohttp.ClientConnectionError() | OSError():
            return Failure.NO_CONNECTION
    return Failure.UNREADABLE


def _retry_after(said: str, now: datetime) -> timedelta | None:
    """How long an answer asks us to wait, in seconds or until a date; a day at most."""
    if _SECONDS.fullmatch(said):
        return min(timedelta(seconds=int(said)), LONGEST_ASKED)
    try:
        until = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        return None
    return min(max(until - now, timedelta(0)), LONGEST_ASKED)
