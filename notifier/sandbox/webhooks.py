"""Signed requests to the customer's web application, with the retries its URL asks for.

A fragment on the URL steers them: `#rc=3&rp=ct,rt,5xx` repeats up to three times after a connect failure, a read
timeout or a 5xx; `ct` and `rt` with a number are the time limits in milliseconds. Without one: a single retry, after a
connect failure only. The fragment is neither sent nor signed.
"""

import asyncio
import base64
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from urllib.parse import parse_qsl, urldefrag, urlencode

import aiohttp
from yarl import URL

TOTAL = 15.0  # real seconds for one webhook, all retries included
CONNECT = 5.0
MOST_RETRIES = 5
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
RETRY_REASONS = frozenset({"ct", "rt", "4xx", "5xx"})


class NoReplyError(Exception):
    """The application could not be reached, or did not answer in time; `code` is the carrier's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """What the application answered."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after what a webhook is repeated; time limits in seconds."""

    retries: int = 1
    after: frozenset[str] = frozenset({"ct"})
    connect: float = CONNECT
    read: float = TOTAL


@lru_cache(maxsize=1024)
def retry_policy(fragment: str) -> RetryPolicy:
    """Reads a URL's fragment; what it does not understand it ignores, as the carrier does."""
    wanted = dict(parse_qsl(fragment))
    reasons = frozenset(wanted.get("rp", "ct").split(","))
    return RetryPolicy(
        retries=min(_whole(wanted.get("rc"), 1), MOST_RETRIES),
        after=RETRY_REASONS if "all" in reasons else reasons & RETRY_REASONS,
        connect=_whole(wanted.get("ct"), int(CONNECT * 1000)) / 1000,
        read=_whole(wanted.get("rt"), int(TOTAL * 1000)) / 1000,
    )


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """The `X-Twilio-Signature` of a form POST: base64 HMAC-SHA1 over the URL and the sorted parameters."""
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), sha1)).decode()


class Webhooks:
    """Sends webhooks over one shared session."""

    def __init__(self, session: aiohttp.ClientSession, token: str) -> None:
        self._session = session
        self._token = token

    async def send(self, url: str, params: Mapping[str, str], method: str = "POST") -> Reply:
        """The application's answer, whatever its status. Raises NoReplyError."""
        address, fragment = urldefrag(url)
        policy = retry_policy(fragment)
        try:
            request = self._signed(method, address, params)
        except ValueError as error:
            raise NoReplyError(11100, f"invalid URL: {error}") from error
        try:
            async with asyncio.timeout(TOTAL):
                return await self._with_retries(request, policy)
        except TimeoutError as error:
            raise NoReplyError(11200, f"no answer within {TOTAL:g} s") from error

    def _signed(self, method: str, address: str, params: Mapping[str, str]) -> "_Request":
        body = b""
        form: Mapping[str, str] = params
        if method == "GET":
            address += ("&" if "?" in address else "?") + urlencode(params)
            form = {}
        else:
            body = urlencode(params).encode()
        headers = {
            "X-Twilio-Signature": signature(self._token, address, form),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
        }
        if body:
            headers["Content-Type"] = FORM
        return _Request(method, URL(address, encoded=True), body, headers)

    async def _with_retries(self, request: "_Request", policy: RetryPolicy) -> Reply:
        for left in range(policy.retries, -1, -1):
            try:
                reply = await self._once(request, policy)
            except _TryError as failure:
                if left and failure.reason in policy.after:
                    continue
                raise NoReplyError(failure.code, str(failure)) from failure
            if not (left and f"{reply.status // 100}xx" in policy.after):
                return reply
        raise AssertionError("the last try returns or raises")

    async def _once(self, request: "_Request", policy: RetryPolicy) -> Reply:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=policy.connect, sock_read=policy.read)
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body or None,
                headers=request.headers,
                timeout=limits,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, response.content_type, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise _TryError("ct", 11205, f"no connection: {error}") from error
        except (aiohttp.ClientError, aiohttp.SocketTimeoutError) as error:
            raise _TryError("rt", 11200, f"no answer: {error or type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: URL
    body: bytes
    headers: dict[str, str]


class _TryError(Exception):
    def __init__(self, reason: str, code: int, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
