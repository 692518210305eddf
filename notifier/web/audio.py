"""The sound of a call under an address nobody can guess: the same bytes for ever, from any web process.

What cannot be played is on record before the carrier hears of it: nobody counts as told by a call that was silent.
Access ends when the attempt's words are erased: then there is nothing to join, and what was joined before is looked at
again after a minute.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

import structlog
from aiohttp import web

from notifier.clock import Clock
from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.domain.dialogue_words import Sentence, say
from notifier.domain.message import VoiceMessage, read_message
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.domain.recording import AudioAddresses, Part
from notifier.engine.inbox import Intake
from notifier.engine.playback import ClipMissing, Playback
from notifier.storage.attempts import AttemptStore
from notifier.storage.database import LOST

log = structlog.get_logger()

WAV = "audio/wav"
A_DAY = "public, max-age=86400, immutable"
AN_HOUR = "private, max-age=3600, immutable"  # one customer's: what is erased must be gone soon
UNPLAYED = "unplayed"
JOINED = 64  # files kept joined, for ranges and repeats: of 300 KB each, and joining one takes a ms
FRESH = 60.0  # real seconds a call's file is served without looking whether its words are still kept
WITHIN = 8.0  # real seconds for the clips; the carrier waits 15 s for a file
PACES = {"plain": False, "slow": True}


class WordsErased(Exception):
    """The words of an attempt are not kept any more."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A file as it is served. `until`: seconds of the monotonic clock."""

    sound: bytes
    etag: str
    until: float


class AudioRoutes:
    """Serves /audio/<seal>/<attempt>/<locale>/<part>/<pace>.wav, and fixed sentences by engine instead of attempt."""

    def __init__(
        self,
        addresses: AudioAddresses,
        playback: Playback,
        attempts: AttemptStore,
        callers: dict[str, str],
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._addresses = addresses
        self._playback = playback
        self._attempts = attempts
        self._callers = callers
        self._joined: OrderedDict[str, Joined] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/audio/{seal}/{whose}/{locale}/{what}/{pace}.wav", self._serve)]  # aiohttp answers HEAD, too

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        words = [request.match_info[name] for name in ("whose", "locale", "what", "pace")]
        if not self._addresses.is_ours(request.match_info["seal"], words):
            return web.Response(status=404, text="no such sound\n")
        try:
            async with asyncio.timeout(WITHIN):
                joined = await self._file(*words)
        except WordsErased:
            await self._note_unplayed(words)
            return web.Response(status=410, text="not kept any more\n")
        except ClipMissing as error:
            log.error("audio.missing", reason=str(error), what=words[2], locale=words[1])
            await self._note_unplayed(words)
            return web.Response(status=404, text="no such sound\n")
        except LOST:
            await self._note_unplayed(words)
            return web.Response(status=503, text="not to be had just now\n")
        return _answer(request, joined, AN_HOUR if read_attempt_id(words[0]) else A_DAY)

    async def _note_unplayed(self, words: Sequence[str]) -> None:
        attempt = read_attempt_id(words[0])
        if attempt is None:
            return
        key = f"{UNPLAYED}:{':'.join(words[1:])}"
        with suppress(*LOST):  # then nor can the call's next turn be, and nothing counts as heard
            await self._intake.take([Receipt(attempt, ReceiptKind.CALLBACK, key, UNPLAYED, self._clock.now())])

    async def _file(self, whose: str, locale: str, what: str, pace: str) -> Joined:
        name = f"{whose}/{locale}/{what}/{pace}"
        known = self._joined.get(name)
        if known is not None and known.until > time.monotonic():
            self._joined.move_to_end(name)
            return known
        self._joined.pop(name, None)
        sound = await self._join(whose, locale, what, slow=PACES[pace])
        self._joined[name] = Joined(sound, sha256(sound).hexdigest()[:32], time.monotonic() + FRESH)
        if len(self._joined) > JOINED:
            self._joined.popitem(last=False)
        return self._joined[name]

    async def _join(self, whose: str, locale: str, what: str, *, slow: bool) -> bytes:
        attempt = read_attempt_id(whose)
        if attempt is None:
            sentence = say(Sentence(what), locale, self._callers[locale])
            return await self._playback.lines(whose, [sentence], locale, slow=slow)
        message = await self._message(attempt)
        return await self._playback.part(message, locale, Part(what), slow=slow)

    async def _message(self, attempt: AttemptId) -> VoiceMessage:
        """Raises WordsErased: the seal on the address shows that there were words."""
        found = await self._attempts.message_of(attempt)
        message = read_message(found.message) if found and found.message else None
        if not isinstance(message, VoiceMessage):
            raise WordsErased
        return message


def _answer(request: web.Request, joined: Joined, keep: str) -> web.Response:
    """With ETag and ranges, as players ask for them."""
    sound = joined.sound
    headers = {"ETag": f'"{joined.etag}"', "Cache-Control": keep, "Accept-Ranges": "bytes"}
    if any(tag.value in (joined.etag, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    is_same = request.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
    wanted = _range(request, len(sound)) if is_same else None
    if wanted is None:
        return web.Response(body=sound, content_type=WAV, headers=headers)
    if wanted.start >= wanted.stop:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{len(sound)}"})
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(sound)}"
    return web.Response(status=206, body=sound[wanted.start : wanted.stop], content_type=WAV, headers=headers)


def _range(request: web.Request, size: int) -> range | None:
    """The part asked for; None for the whole, and for what cannot be read, which RFC 9110 says to ignore."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None and asked.stop is None:
        return None
    start, stop, _ = asked.indices(size)
    return range(start, stop)
