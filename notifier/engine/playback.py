"""The sound of a call's halves and sentences, joined from clips that exist; kept in memory while they are in demand."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from notifier.domain.message import VoiceMessage
from notifier.domain.recording import Part, clip_key, part_of, sequence
from notifier.domain.speech import SpeechEngine, Utterance
from notifier.speech.audio import VERSION, join
from notifier.storage.clips import ClipStore

KEPT = 64 * 2**20  # bytes of clips in memory: two hours of speech


class ClipMissing(Exception):
    """A clip that was there when the call was made is gone, or never was."""


@dataclass
class Playback:
    """`voice` answers the engine of a name, or None when it is not installed here."""

    store: ClipStore
    voice: Callable[[str], SpeechEngine | None]
    seal: bytes
    _kept: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)
    _size: int = 0

    async def part(self, message: VoiceMessage, locale: str, part: Part, *, slow: bool) -> bytes:
        """One part of the call as a complete WAV file. Raises ClipMissing."""
        try:
            lines = part_of(message, locale, part)
        except KeyError as error:
            raise ClipMissing(f"the script has no {part}") from error
        return await self.lines(message.engine, lines, locale, slow=slow)

    async def lines(self, engine: str, lines: Sequence[str], locale: str, *, slow: bool) -> bytes:
        speaker = self.voice(engine)
        if speaker is None:
            raise ClipMissing(f"no engine {engine}")
        order = list(sequence(lines, locale, slow=slow))
        sounds = await self._sounds([self._key(speaker, utterance) for utterance, _ in order])
        pieces: list[bytes | int] = []
        for sound, (_, pause) in zip(sounds, order, strict=True):
            pieces += [sound, pause]
        return join(pieces)

    def _key(self, speaker: SpeechEngine, utterance: Utterance) -> bytes:
        return clip_key(self.seal, speaker.name, speaker.abilities, utterance, VERSION)

    async def _sounds(self, keys: Sequence[bytes]) -> list[bytes]:
        if missing := {key for key in keys if key not in self._kept}:
            for key, sound in (await self.store.audio(list(missing))).items():
                self._keep(key, sound)
        try:
            return [self._recall(key) for key in keys]
        except KeyError as error:
            raise ClipMissing("a clip is not there") from error

    def _recall(self, key: bytes) -> bytes:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: bytes, sound: bytes) -> None:
        if key in self._kept:  # two calls wanted it at the same time: it must not be counted twice
            return
        self._kept[key] = sound
        self._size += len(sound)
        while self._size > KEPT:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)
