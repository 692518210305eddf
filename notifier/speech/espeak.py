"""eSpeak NG: the engine of the house. Offline, in this process, and so the one that may be given a name."""

import asyncio
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import structlog

from notifier.domain.speech import CannotSpeak, EngineAbilities, EngineAway, SpeechEngine, SpeechSurroundings, Utterance
from notifier.speech.espeak_library import Library, LibraryMissing, library
from notifier.speech.espeak_readings import VERSION, respell

log = structlog.get_logger()

VOICES = {"zh-TW": "cmn", "en": "en-us"}
WORDS_A_MINUTE = {"zh-TW": 170, "en": 150}
SLOW = 0.75  # of the pace

_BREAKS = re.compile(r"\s+")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# What is not here is left out without a sound (①, ℃) or read wrong (1,002元, 3月): it is refused.
_SAYABLE = {
    "zh-TW": re.compile(r"[\u3007\u3400-\u9fff，。、；：？！「」『』（）《》〈〉…—·‧,.;:?!'\"()\s-]+"),
    "en": re.compile(r"(?:(?![A-Z]{2})[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f,.;:?!'’‘“”\"()…—–\s-])+"),
}


def create(surroundings: SpeechSurroundings) -> SpeechEngine | None:  # noqa: ARG001 - there is nothing to configure
    """None where the library does not run: then the next engine of the order speaks."""
    try:
        return Espeak(library())
    except (LibraryMissing, OSError) as error:
        log.warning("speech.espeak_missing", reason=str(error))
        return None


class Espeak:
    name = "espeak"

    def __init__(self, spoken_by: Library) -> None:
        self._library = spoken_by
        self.abilities = EngineAbilities(
            VOICES, version=f"{spoken_by.version}.{VERSION}", personal=True, clips_per_second=200.0
        )
        # Its own: the library speaks one text at a time, and two hundred that wait for it would take every thread of
        # the loop's pool, which looks up host names too.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name)

    async def speak(self, utterance: Utterance) -> bytes:
        """WAV, 22.05 kHz, 16 bit, mono. The same words give other bytes from call to call."""
        text = clean(utterance)
        pace = round(WORDS_A_MINUTE[utterance.locale] * (SLOW if utterance.slow else 1))
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._say, text, VOICES[utterance.locale], pace)
        except LibraryMissing as error:
            raise EngineAway(str(error)) from error

    async def close(self) -> None:
        """The library stays for as long as the process."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _say(self, text: str, voice: str, pace: int) -> bytes:
        if voice == VOICES["zh-TW"]:
            text = respell(text)
            if self._library.stumbles(text, voice):
                raise CannotSpeak("a character that the voice does not know")
        return self._library.speak(text, voice, pace)


def clean(utterance: Utterance) -> str:
    """The words without what is not heard. Raises CannotSpeak for what nobody has made words of, and for no words."""
    if utterance.locale not in VOICES:
        raise CannotSpeak(f"eSpeak has no voice for {utterance.locale}")
    text = _INVISIBLE.sub("", _BREAKS.sub(" ", unicodedata.normalize("NFC", utterance.text)))
    if not _SAYABLE[utterance.locale].fullmatch(text):
        raise CannotSpeak("digits, abbreviations and symbols must be read before they are spoken")
    if not any(character.isalnum() for character in text):
        raise CannotSpeak("no words")
    return text
