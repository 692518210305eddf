"""What a speech engine is: text in, recorded audio out. Like a channel: few members, its abilities as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

CARRIER = "carrier"  # no engine of ours: the carrier speaks the words itself, by its own <Say>


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip's worth of words, as they are to be heard: no digit, no abbreviation, no symbol.

    `slow`: spoken slower by the engine itself, not stretched. `personal`: the words hold something that belongs to one
    customer (a name, an account's digits, a telephone number).
    """

    text: str
    locale: str
    slow: bool = False
    personal: bool = False


class SpeechError(Exception):
    """An engine did not speak. `text` is never part of the message: it may be personal."""


class CannotSpeak(SpeechError):
    """This engine will never speak this: a locale it lacks, a character it cannot say, words it may not be given."""


class NotAudio(SpeechError):
    """What an engine made of these words is not sound that a clip can be made of; the message says what it is instead.
    Other words may be spoken."""


class EngineAway(SpeechError):
    """This engine does not speak at the moment; `after` is when to ask again, if it is known."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class EngineAbilities:
    """What an engine can do. What is not declared is refused loudly.

    `voices`: the locales it speaks, each with the name of the voice; voice and `version` are part of a clip's key, so
    that another voice never passes for this one. `personal`: whether it may be given words that identify a customer:
    only an engine that runs in this process may. `clips_per_second`: about, until its pace is known.
    """

    voices: Mapping[str, str]
    version: str
    personal: bool = False
    clips_per_second: float = 2.0


class SpeechEngine(Protocol):
    """`speak` answers audio in any form that libsndfile reads (WAV, MP3, FLAC). Raises SpeechError."""

    @property
    def name(self) -> str: ...

    @property
    def abilities(self) -> EngineAbilities: ...

    async def speak(self, utterance: Utterance) -> bytes: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeechSurroundings:
    """What an engine's factory is given. `create(surroundings)` answers None when the engine is not configured."""

    options: Mapping[str, str] = field(default_factory=dict)
