"""The voice of Google Translate, by the request bodies of the gTTS package. Opt-in: the words leave the house.

The service behind it is undocumented and free, and defends itself against whoever asks much: so it is asked little (few
requests at a time, with pauses), left alone when it fails, and never given words that belong to a customer. Pauses and
circuit are of one process: so many workers ask it so many times as often, though never twice for the same clip.
"""

import asyncio
import io
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy
import soundfile
from gtts import gTTS
from numpy.typing import NDArray
from yarl import URL

from notifier.domain.speech import (
    CannotSpeak,
    EngineAbilities,
    EngineAway,
    SpeechEngine,
    SpeechSurroundings,
    Utterance,
)
from notifier.speech.circuit_breaker import CircuitBreaker
from notifier.speech.gtts_transport import SpeechService

NAME = "gtts"
URL_OPTION = "gtts.url"
AUTHORITY_OPTION = "gtts.ca"
SERVICE = "https://translate.google.com/_/TranslateWebserverUi/data/batchexecute"
VOICES = {"zh-TW": "zh-TW", "en": "en"}  # the service's own names of languages
DEADLINE = 10.0  # seconds for a request
AT_ONCE = 2
SPACING = 0.25  # seconds between two requests
MOST_CHARACTERS: int = gTTS.GOOGLE_TTS_MAX_CHARS  # 100, of a request
MOST_REQUESTS = 4  # of an utterance
SHORTEST, LONGEST = 0.1, 60.0  # seconds of sound; a clip is a line at most
_ENDS = ("。？！.?!", "，、；：,;:", " ")


def create(surroundings: SpeechSurroundings) -> SpeechEngine | None:
    """Exists only when the option `gtts` is `on`. Raises ValueError for an address or authority that cannot be used."""
    if surroundings.options.get(NAME) != "on":
        return None
    return Gtts(_url(surroundings.options), _context(surroundings.options))


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What is heard in an MP3."""

    samples: NDArray[numpy.int16]
    rate: int


class Gtts:
    name = NAME

    def __init__(
        self,
        url: URL,
        context: ssl.SSLContext,
        *,
        deadline: float = DEADLINE,
        spacing: float = SPACING,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        # The host's top-level domain decides the accent, the package's version the bodies.
        pace = 1 / max(spacing, 0.01)
        self.abilities = EngineAbilities(VOICES, f"gtts {version('gtts')} {url.host}", clips_per_second=pace)
        self._service = SpeechService(url, context, deadline)
        self._breaker = breaker or CircuitBreaker()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._spacing = spacing
        self._next = 0.0
        logging.getLogger("gtts").setLevel(logging.WARNING)  # at DEBUG the package logs the words

    async def speak(self, utterance: Utterance) -> bytes:
        """A WAV of the words, whole or not at all."""
        sounds = [await self._ask(body) for body in bodies(utterance)]
        return await asyncio.to_thread(_join, sounds)

    async def close(self) -> None:
        await self._service.close()

    async def _ask(self, body: bytes) -> Sound:
        self._breaker.check()
        async with self._places:
            self._breaker.check()  # else those who queued would each wait out the spacing only to be refused
            await self._wait_for_turn()
            with self._breaker.guard():
                return await asyncio.to_thread(hear, await self._service.ask(body))

    async def _wait_for_turn(self) -> None:
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + self._spacing
        await asyncio.sleep(turn - now)


def bodies(utterance: Utterance) -> list[bytes]:
    """What is to be posted for the words, in order. Raises CannotSpeak.

    More than a request takes is cut, not refused: two of the house's own English sentences are longer, and a message
    that lacks one clip falls to another engine as a whole. Short words are never cut, so that the voice reads Chinese
    commas as pauses. The package's pre-processors are for written words; ours are spoken ones.
    """
    if utterance.personal:
        raise CannotSpeak("words that belong to a customer do not leave the house")
    if utterance.locale not in VOICES:
        raise CannotSpeak(f"no voice for the locale {utterance.locale}")
    if not any(character.isalnum() for character in utterance.text):
        raise CannotSpeak("no words")
    asked = gTTS(
        utterance.text, lang=VOICES[utterance.locale], slow=utterance.slow, lang_check=False,
        pre_processor_funcs=[], tokenizer_func=pieces,
    ).get_bodies()  # fmt: skip
    if len(asked) > MOST_REQUESTS:
        raise CannotSpeak(f"more than {MOST_REQUESTS} requests' worth of words")
    return [body.encode() for body in asked]


def pieces(text: str) -> list[str]:
    """Of at most so many characters as a request takes, cut where it is heard least."""
    found = []
    while len(text) > MOST_CHARACTERS:
        at = _cut(text[:MOST_CHARACTERS])
        found.append(text[:at])
        text = text[at:]
    return [*found, text]


def _cut(head: str) -> int:
    """Behind the last end of a sentence, else of a clause, else of a word."""
    for ends in _ENDS:
        if (at := max(head.rfind(end) for end in ends)) >= 0:
            return at + 1
    return len(head)


def hear(mp3: bytes) -> Sound:
    """Raises EngineAway for anything but sound of a sensible length: silence is no clip, and a page is no sound."""
    if not (mp3.startswith(b"ID3") or (mp3[:1] == b"\xff" and mp3[1:2] >= b"\xe0")):
        raise EngineAway("the speech service's answer is no MP3")
    try:
        with soundfile.SoundFile(io.BytesIO(mp3)) as file:
            if not SHORTEST < file.frames / file.samplerate < LONGEST:
                raise EngineAway("the speech service's sound is too short or too long")
            sound = Sound(file.read(dtype="int16"), file.samplerate)
    except soundfile.LibsndfileError as error:
        raise EngineAway("the speech service's MP3 cannot be read") from error
    if not sound.samples.any():
        raise EngineAway("the speech service's sound is silence")
    return sound


def _join(sounds: Sequence[Sound]) -> bytes:
    if len({(sound.rate, sound.samples.ndim) for sound in sounds}) != 1:
        raise EngineAway("the speech service's pieces are of different kinds")
    wav = io.BytesIO()
    soundfile.write(wav, numpy.concatenate([sound.samples for sound in sounds]), sounds[0].rate, format="WAV")
    return wav.getvalue()


def _url(options: Mapping[str, str]) -> URL:
    url = URL(options.get(URL_OPTION, SERVICE))
    if url.scheme != "https" or not url.host or url.user is not None:
        raise ValueError(f"{URL_OPTION} must be an https address without a name and password in it")
    return url


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    """Verified TLS: by the system's authorities, or by nobody but the one of the option (a proxy's own)."""
    authority = options.get(AUTHORITY_OPTION)
    try:
        return ssl.create_default_context(cafile=Path(authority) if authority else None)
    except OSError as error:
        raise ValueError(f"{AUTHORITY_OPTION} is not a file of certificates: {type(error).__name__}") from error
