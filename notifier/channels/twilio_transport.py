"""Twilio's REST API over one aiohttp session: real timeouts, no retries, every failure named by what follows.

twilio-python's own resource layer is not used on this path. Its transport repeats creates on 5xx and ignores its
timeout, its environment variables rewrite host names, and even over this session it doubles the CPU of a create
(loopback: 220 us against 110).
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from yarl import URL

from notifier.channels.twilio_codes import api_error
from notifier.domain.channel import TwilioAccount
from notifier.domain.errors import ChannelError, Misconfigured, Unavailable, Uncertain

API_VERSION = "2010-04-01"
FORM = "application/x-www-form-urlencoded"
KEEP_ALIVE = 10.0  # seconds; less than the server's, so that a create seldom meets a closing connection
LIST_SIZE = 50
NOT_FOUND = "20404"
PAST_IT = "21220"  # a call that cannot be cancelled any more
LONGEST_WAIT = re.compile(r"[0-9]{1,5}")  # seconds, as Retry-After says it; a day at most makes sense

Resource = Mapping[str, Any]


class TwilioApi:
    """The calls or the messages of one account; `resource` is `Calls` or `Messages`.

    Pace and calls in flight are limited by whoever sends, so connections are not limited here: a request never waits
    for one, and a timeout always means that it had left. `ahead` is how far Twilio's clock goes before ours, by the
    last answer that said what time it is.
    """

    def __init__(self, account: TwilioAccount, resource: str, now: Callable[[], datetime]) -> None:
        self._now = now
        self.ahead = timedelta(0)
        self._root = f"{account.base_url.rstrip('/')}/{API_VERSION}/Accounts/{account.account_sid}/{resource}"
        self._collection = URL(f"{self._root}.json")
        credentials = b64encode(f"{account.account_sid}:{account.auth_token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        self._form_headers = self._headers | {"Content-Type": FORM}
        connect = account.timeout / 2
        self._timeout = aiohttp.ClientTimeout(total=account.timeout, connect=connect, sock_connect=connect)
        self._session: aiohttp.ClientSession | None = None

    async def create(self, form: str) -> Resource:
        """`form` is URL-encoded. Raises ChannelError; Uncertain whenever the carrier may have acted on it."""
        created = await self.request("POST", self._collection, form.encode())
        if not isinstance(created.get("sid"), str):
            raise Uncertain("Twilio's answer to a create has no sid")
        return created

    async def fetch(self, sid: str) -> Resource:
        return await self.request("GET", URL(f"{self._root}/{sid}.json"))

    async def cancel(self, sid: str) -> None:
        """Ends a call that has not been answered; what was answered, or is over, stays. Raises ChannelError."""
        try:
            await self.request("POST", URL(f"{self._root}/{sid}.json"), b"Status=canceled")
        except ChannelError as error:
            if error.code != PAST_IT:
                raise

    async def find(self, to: str, sender: str) -> Sequence[Resource]:
        """The newest between two numbers. No time filter: Twilio's is about dialling, which may not have begun."""
        asked = {"To": to, "From": sender, "PageSize": str(LIST_SIZE)}
        page = await self.request("GET", self._collection.with_query(asked))
        found = page.get("calls", page.get("messages"))
        if not isinstance(found, list):
            raise Uncertain("Twilio's answer to a list is not a list")
        return found

    async def request(self, method: str, url: URL, form: bytes | None = None) -> Resource:
        """Raises ChannelError. Only a create can leave anything in doubt: what merely asks may be asked again."""
        reading = form is None
        headers = self._headers if reading else self._form_headers
        try:
            async with self._open().request(method, url, data=form, headers=headers, allow_redirects=False) as response:
                body = await response.read()
                self.ahead = _ahead(response, self._now(), self.ahead)
                return _read(response, body, reading=reading)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable(f"no connection to Twilio: {_name(error)}", code=_name(error)) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Misconfigured("Twilio's base URL is not a URL", code=_name(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = Unavailable if reading else Uncertain
            raise kind(f"no answer from Twilio: {_name(error)}", code=_name(error)) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _read(response: aiohttp.ClientResponse, body: bytes, *, reading: bool) -> Resource:
    answer = _json_object(body)
    if not 200 <= response.status < 300:
        code = (answer or {}).get("code")
        error = api_error(response.status, code if isinstance(code, int) else None, _retry_after(response))
        raise _no_answer(error) if reading and isinstance(error, Uncertain) else error
    if answer is None:
        raise Uncertain("Twilio's answer cannot be read", code=str(response.status))
    return answer


def _no_answer(error: ChannelError) -> Unavailable:
    return Unavailable(str(error), code=error.code)


def _ahead(response: aiohttp.ClientResponse, now: datetime, before: timedelta) -> timedelta:
    try:
        said = parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return before
    return said - now if said.tzinfo else before


def _json_object(body: bytes) -> Resource | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if LONGEST_WAIT.fullmatch(seconds) else None


def _name(error: Exception) -> str:
    return type(error).__name__
