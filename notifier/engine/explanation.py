"""What a call is made of: its lines, their clips, and which of them exist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier.domain.recording import Part, part_of, parts_of, sequence
from notifier.domain.script import plain
from notifier.domain.speech import CARRIER
from notifier.engine.audition_calls import Call
from notifier.engine.clips import Clips
from notifier.speech.audio import seconds


@dataclass(frozen=True, slots=True)
class ExplainedClip:
    """`locale` it is spoken in; `pause`: milliseconds of silence after it; `key` in hexadecimal; `seconds`: None until
    it is made."""

    words: str
    locale: str
    pause: int
    personal: bool
    key: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """Without clips when the carrier's own voice speaks."""

    number: int
    part: Part
    words: str
    clips: tuple[ExplainedClip, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The lines of a call in one language at the plain pace. `clips_of_call`: what the call needs whichever keys are
    pressed: the other language, the slower pace and the answers included."""

    subjects: tuple[str, ...]
    locale: str
    engine: str
    lines: tuple[ExplainedLine, ...]
    clips_of_call: int
    made_of_call: int

    @property
    def spoken(self) -> list[ExplainedClip]:
        """In order, one that is said again counted again."""
        return [clip for line in self.lines for clip in line.clips]

    @property
    def clips(self) -> int:
        return len({clip.key for clip in self.spoken})

    @property
    def made(self) -> int:
        return len({clip.key for clip in self.spoken if clip.seconds is not None})

    @property
    def seconds(self) -> float:
        """How long what is made plays, with the silence after each clip, when no key is pressed."""
        played = (clip for line in self.lines if not line.part.key for clip in line.clips)
        return sum(clip.seconds + clip.pause / 1000 for clip in played if clip.seconds is not None)


async def explain_call(clips: Clips, call: Call, locale: str) -> Explanation:
    """What the call is made of, and what of it exists. Makes nothing."""
    message = call.message
    engine = clips.speaker_of(message)
    needed = clips.needed(engine, message) if engine != CARRIER else {}
    lines = [(part, line) for part in parts_of(message, locale) for line in part_of(message, locale, part)]
    lengths = await _lengths(clips, engine, [line for _, line in lines], locale)
    return Explanation(
        subjects=call.subjects,
        locale=locale,
        engine=engine,
        lines=tuple(
            ExplainedLine(number, part, plain(line), tuple(_explained(clips, engine, line, locale, lengths)))
            for number, (part, line) in enumerate(lines, 1)
        ),
        clips_of_call=len(needed),
        made_of_call=len(needed) - len(await clips.missing(needed)),
    )


async def _lengths(clips: Clips, engine: str, lines: Sequence[str], locale: str) -> dict[bytes, float]:
    """The seconds of the clips that exist, by key."""
    if engine == CARRIER:
        return {}
    keys = {clips.key(engine, utterance) for utterance, _ in sequence(lines, locale, slow=False)}
    return {key: seconds(sound) for key, sound in (await clips.store.audio(list(keys))).items()}


def _explained(
    clips: Clips, engine: str, line: str, locale: str, lengths: Mapping[bytes, float]
) -> Iterator[ExplainedClip]:
    if engine == CARRIER:
        return
    for utterance, pause in sequence([line], locale, slow=False):
        key = clips.key(engine, utterance)
        yield ExplainedClip(
            utterance.text, utterance.locale, pause, utterance.personal, key.hex(), lengths.get(key)
        )  # fmt: skip
