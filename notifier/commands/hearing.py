"""What recordings say, read from the sound alone: the clips that it is laid of are recognised, the rest is pause.

Neither the message nor the way recordings are joined is asked: whoever judges what a customer has heard must not ask
those who are judged.
"""

import re
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

RATE = 8000  # bytes a second of mu-law
PREFIX = 64  # bytes by which clips are looked up, from the first that is not silence
SILENCE = b"\xff"
CLAUSE, LINE = 0.2, 0.6  # seconds of pause that are heard as a comma, as the end of a line
UNKNOWN = "\ufffd"  # stands for sound that is no clip
_SOUND = re.compile(rb"[^\xff]")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Heard:
    """Words, with the seconds of the recording at which they begin and are over."""

    words: str
    begin: float
    until: float


class Hearing:
    """`clips`: the words of each clip by its sound, mu-law without a header."""

    def __init__(self, clips: Mapping[bytes, str]) -> None:
        self._words = clips
        self._beginning: defaultdict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
        for sound in sorted(clips, key=len, reverse=True):
            lead = len(sound) - len(sound.lstrip(SILENCE))
            self._beginning[sound[lead : lead + PREFIX]].append((lead, sound))

    def lines(self, wav: bytes) -> list[Heard]:
        """The lines of a recording, punctuated by its pauses."""
        lines: list[Heard] = []
        for words, begin, until in self._sounds(_body(wav)):
            pause = begin - lines[-1].until if lines else LINE
            if pause >= LINE:
                lines.append(Heard(words, begin, until))
            else:
                lines[-1] = Heard(lines[-1].words + _between(lines[-1].words, pause) + words, lines[-1].begin, until)
        return [replace(line, words=line.words + _end(line.words)) for line in lines]

    def _sounds(self, body: bytes) -> Iterator[tuple[str, float, float]]:
        """The words of each clip, and the seconds at which it begins and ends; between them is silence."""
        at = 0
        while found := _SOUND.search(body, at):
            begin, sound = self._clip(body, at, found.start())
            end = begin + (len(sound) if sound is not None else _length_of_noise(body[begin:]))
            yield self._words[sound] if sound is not None else UNKNOWN, begin / RATE, end / RATE
            at = end

    def _clip(self, body: bytes, since: int, first: int) -> tuple[int, bytes | None]:
        """The clip whose first byte that is no silence is the `first`, and where it begins."""
        for lead, sound in self._beginning.get(body[first : first + PREFIX], ()):
            if first - lead >= since and body.startswith(sound, first - lead):
                return first - lead, sound
        return first, None


def _body(wav: bytes) -> bytes:
    """The samples; after an odd number of them stands a byte that is none."""
    at = wav.index(b"data")
    (size,) = struct.unpack_from("<I", wav, at + 4)
    return wav[at + 8 : at + 8 + size]


def heard_until(lines: Sequence[Heard], seconds: float) -> list[str]:
    """Those of the lines that were heard to their end."""
    return [line.words for line in lines[: bisect_right([line.until for line in lines], seconds + 0.05)]]


def _length_of_noise(sound: bytes) -> int:
    silent = sound.find(SILENCE * (RATE // 10))
    return silent if silent > 0 else len(sound)


def _end(words: str) -> str:
    return "。" if _CHINESE.search(words) else "."


def _between(words: str, pause: float) -> str:
    if _CHINESE.search(words):
        return "，" if pause >= CLAUSE else ""
    return ", " if pause >= CLAUSE else " "
