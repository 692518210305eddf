"""Google Translate's speech by HTTPS: one request body in, one MP3 out. Every failure is EngineAway, but
for words of which it has no sound.

The package's own way to the service is not used: it turns TLS verification off, blocks, waits without end, and answers
a captcha page with no sound and no error.
"""

import json
import re
import ssl
from base64 import b64decode
from datetime import timedelta

import aiohttp
from gtts import gTTS
from yarl import URL

from notifier.domain.speech import EngineAway, NotAudio
from notifier.speech.circuit_breaker import Throttled

RPC = f'"{gTTS.GOOGLE_TTS_RPC}",'
# As the package's requests look on the wire.
HEADERS = gTTS.GOOGLE_TTS_HEADERS | {"Accept-Encoding": "identity"}
MOST_BYTES = 2**20  # of an answer; 100 characters read slowly are about 0.3 MB
KEEP_ALIVE = 10.0  # seconds; less than the server's, so that a request seldom meets a closing connection
RETRY_AFTER = re.compile(r"[0-9]{1,5}")  # seconds; a day at most makes sense
_DECODER = json.JSONDecoder()


class SpeechService:
    """`deadline`: real seconds for a whole request, from the name's look-up to the last byte of the answer."""

    def __init__(self, url: URL, context: ssl.SSLContext, deadline: float) -> None:
        self._url = url
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=deadline)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, body: bytes) -> bytes:
        """The MP3 of a body, as yet unheard. Raises EngineAway, and NotAudio where it has none for the words."""
        try:
            async with self._open().post(self._url, data=body, headers=HEADERS, allow_redirects=False) as response:
                _check(response)
                return mp3_in(await _read(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EngineAway(f"no answer from the speech service: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ssl=self._context),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept",),
                auto_decompress=False,  # not asked for, and a small answer could unpack into a huge one
            )
        return self._session


def mp3_in(answer: bytes) -> bytes:
    """The MP3 within `["wrb.fr","jQ1olc","[\\"<base64>\\"]",...`, a JSON array in a JSON string.

    The text around it is no JSON, and is cut into lines in more than one way.
    """
    try:
        text = answer.decode()
        inner, _ = _DECODER.raw_decode(text, text.index(RPC) + len(RPC))
        if inner is None:
            raise NotAudio("the speech service has no sound for these words")
        (encoded,) = json.loads(inner)
        return b64decode(encoded, validate=True)
    except (ValueError, TypeError, RecursionError):  # `from None`: such errors hold the answer
        raise EngineAway("the speech service's answer has no sound in it") from None


def _check(response: aiohttp.ClientResponse) -> None:
    after = _retry_after(response)
    said = f"the speech service answers {response.status}"
    # A redirect leads to Google's captcha or consent page, where the next request would be led, too.
    if response.status == 429 or 300 <= response.status < 400 or after is not None:
        raise Throttled(said, after)
    if response.status != 200:
        raise EngineAway(said)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    answer = bytearray()
    async for chunk in response.content.iter_any():
        answer += chunk
        if len(answer) > MOST_BYTES:
            raise EngineAway(f"the speech service's answer is longer than {MOST_BYTES} bytes")
    return bytes(answer)


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if RETRY_AFTER.fullmatch(seconds) else None
