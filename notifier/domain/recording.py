"""Which clips a call may need, in which order, and the addresses at which a carrier fetches them."""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from itertools import chain

from notifier.domain.attempt_id import AttemptId
from notifier.domain.dialogue_words import OF_THE_CARRIER, Sentence, say
from notifier.domain.message import VoiceMessage
from notifier.domain.script import CUT, Fragment, fragments, plain
from notifier.domain.speech import EngineAbilities, Utterance

ADDRESS_BYTES = 16  # of the seal on an address: nobody guesses 128 bits
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]")


class Part(StrEnum):
    """The two halves of a script, what must be heard, and the menu with the rest; and what is said after a key."""

    ESSENTIAL = "essential"
    REST = "rest"
    ANSWER_1 = "answer_1"
    ANSWER_2 = "answer_2"
    ANSWER_3 = "answer_3"
    ANSWER_4 = "answer_4"
    ANSWER_5 = "answer_5"
    ANSWER_6 = "answer_6"
    ANSWER_7 = "answer_7"

    @classmethod
    def answer_to(cls, key: str) -> "Part":
        return cls(f"answer_{key}")

    @property
    def key(self) -> str:
        """Of the answer; nothing for a half."""
        return self.value[-1] if self.value.startswith("answer_") else ""


HALVES = (Part.ESSENTIAL, Part.REST)


def parts_of(message: VoiceMessage, locale: str) -> list[Part]:
    """Both halves, and the answers that the script has."""
    return [*HALVES, *(Part.answer_to(key) for key in sorted(message.scripts[locale].answers))]


def part_of(message: VoiceMessage, locale: str, part: Part) -> tuple[str, ...]:
    """The marked lines of one part. Raises KeyError for an answer that the script does not have."""
    script = message.scripts[locale]
    if part.key:
        return script.answers[part.key]
    return script.marked[: script.essential] if part is Part.ESSENTIAL else script.marked[script.essential :]


def spoken_in(text: str, locale: str) -> str:
    """The language a clip is spoken in: "For English, press zero" stands in a Chinese script, a place by its Chinese
    name in an English one."""
    chinese, latin = bool(_CHINESE.search(text)), bool(_LATIN.search(text))
    if chinese == latin:
        return locale
    return "en" if latin and locale == "zh-TW" else "zh-TW" if chinese and locale == "en" else locale


def spoken_pieces(line: str, locale: str) -> list[tuple[str, str]]:
    """A marked line as a voice that reads it whole is given it: the words and their language, in as few pieces as there
    are languages in it."""
    pieces: list[tuple[str, str]] = []
    for piece in filter(None, map(plain, line.split(CUT))):
        language = spoken_in(piece, locale)
        if pieces and language == pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + piece, language)
        elif _CHINESE.search(piece) or _LATIN.search(piece):  # punctuation alone is nothing to say
            pieces.append((piece, language))
    return pieces


def utterance_of(fragment: Fragment, locale: str, *, slow: bool) -> Utterance:
    return Utterance(fragment.text, spoken_in(fragment.text, locale), slow, fragment.personal)


def sequence(lines: Sequence[str], locale: str, *, slow: bool) -> Iterator[tuple[Utterance, int]]:
    """The clips of some lines in order, each with the milliseconds of silence after it."""
    for line in lines:
        for fragment in fragments(line, slow=slow):
            yield utterance_of(fragment, locale, slow=slow), fragment.pause


def utterances(message: VoiceMessage) -> frozenset[Utterance]:
    """Every clip that the call may need, whichever keys are pressed."""
    needed: set[Utterance] = set()
    for locale, script in message.scripts.items():
        lines = (*script.marked, *chain.from_iterable(script.answers.values()))
        needed.update(_of_sentences(locale, message.caller), *(_of_line(line, locale) for line in lines))
    return frozenset(needed)


@lru_cache(maxsize=2000)  # as of fragments: of a call's eighty lines most are everybody's
def _of_line(line: str, locale: str) -> frozenset[Utterance]:
    return frozenset(utterance for slow in (False, True) for utterance, _ in sequence([line], locale, slow=slow))


@lru_cache
def _of_sentences(locale: str, caller: str) -> frozenset[Utterance]:
    return frozenset[Utterance]().union(*(_of_line(sentence, locale) for sentence in sentences(locale, caller)))


def sentences(locale: str, caller: str) -> list[str]:
    """The fixed sentences of a call whose words are known; those for a call without words are the carrier's to say."""
    return [say(sentence, locale, caller) for sentence in Sentence if sentence not in OF_THE_CARRIER]


def clip_key(seal: bytes, engine: str, abilities: EngineAbilities, utterance: Utterance, processing: str) -> bytes:
    """What the clip of these words by this voice is found by. A plain hash could be guessed from the words.
    `processing`: the version of what is done to an engine's sound before it is a clip."""
    asked = (
        engine, abilities.voices.get(utterance.locale, ""), abilities.version, processing, utterance.locale,
        "slow" if utterance.slow else "plain", utterance.text,
    )  # fmt: skip
    return hmac.digest(seal, "\x1f".join(asked).encode(), sha256)


@dataclass(frozen=True, slots=True)
class AudioAddresses:
    """The addresses of sound, which hold no personal data and cannot be guessed."""

    public_url: str
    seal: bytes

    def part(self, attempt: AttemptId, locale: str, part: Part, *, slow: bool) -> str:
        return self._address(str(attempt), locale, part.value, _pace(slow))

    def sentence(self, engine: str, sentence: Sentence, locale: str, *, slow: bool) -> str:
        return self._address(engine, locale, sentence.value, _pace(slow))

    def is_ours(self, seal: str, words: Iterable[str]) -> bool:
        return hmac.compare_digest(seal.encode(), self._seal(words).encode())

    def _address(self, *words: str) -> str:
        return f"{self.public_url}/audio/{self._seal(words)}/{'/'.join(words)}.wav"

    def _seal(self, words: Iterable[str]) -> str:
        return hmac.digest(self.seal, f"audio/{'/'.join(words)}".encode(), sha256)[:ADDRESS_BYTES].hex()


def _pace(slow: bool) -> str:
    return "slow" if slow else "plain"
