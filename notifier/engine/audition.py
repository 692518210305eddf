"""How calls sound: recordings for whoever writes or reviews their script, byte for byte what a carrier would fetch."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from notifier.domain.campaign import Campaign
from notifier.domain.dialogue_words import OF_THE_CARRIER, Sentence, say
from notifier.domain.message import MachinePolicy, VoiceMessage
from notifier.domain.recording import Part, part_of, utterances
from notifier.domain.script import plain
from notifier.domain.speech import CARRIER
from notifier.engine.audition_calls import Call
from notifier.engine.clips import Clips, Progress
from notifier.engine.playback import Playback
from notifier.speech.audio import join, seconds

HEADER = len(join([]))  # bytes of a file before its sound
SENTENCES = [sentence for sentence in Sentence if sentence not in OF_THE_CARRIER]


class CannotRecord(Exception):
    """Why there is nothing to listen to.

    CannotRecord
      UnknownEngine     no engine of this name runs here
      NotRecordable     the carrier's own voice speaks, which is not ours to record
      MayNotSpeak       this engine has no voice for a language of the call, or may not be given the customer's words
      NotSpoken         this engine failed
    """


class UnknownEngine(CannotRecord): ...


class NotRecordable(CannotRecord): ...


class MayNotSpeak(CannotRecord): ...


class NotSpoken(CannotRecord): ...


class Kind(StrEnum):
    """What a recording is of."""

    ESSENTIAL = "essential"
    REST = "rest"
    ANSWER = "answer"
    MACHINE = "machine"
    SENTENCE = "sentence"


@dataclass(frozen=True, slots=True)
class Take:
    """One recording to listen to, byte for byte what a carrier would fetch. `call` counts from 1; None for a fixed
    sentence, which belongs to every call. `words`: a line each."""

    name: str
    call: int | None
    kind: Kind
    locale: str
    slow: bool
    engine: str
    words: tuple[str, ...]
    sound: bytes
    sentence: Sentence | None = None
    key: str = ""  # that is answered with it

    @property
    def seconds(self) -> float:
        return seconds(self.sound[HEADER:])


def recording_engines(clips: Clips, asked: str | None) -> list[str]:
    """The engine asked for; else those of the house, by preference. Raises CannotRecord."""
    if asked is None and clips.own_engines:
        return clips.own_engines
    if asked is None or asked == CARRIER:
        raise NotRecordable
    if asked not in clips.engines:
        raise UnknownEngine(asked)
    return [asked]


async def record(
    clips: Clips,
    campaign: Campaign,
    calls: Sequence[Call],
    locales: Sequence[str],
    engines: Sequence[str],
    progress: Progress,
) -> list[Take]:
    """Each call in each language: both halves at both paces, what is left on a machine; then the fixed sentences.

    By the first of the engines that can, as a call would be. Raises CannotRecord.
    """
    playback = Playback(clips.store, clips.engines.get, clips.seal)
    takes: list[Take] = []
    for number, call in enumerate(calls, 1):
        speaker = await _make(clips, call.message, engines, progress)
        for locale in locales:
            takes += [
                await _take(playback, speaker, number, call.message, locale, kind, slow=slow)
                for kind, slow in _kinds(campaign)
            ]
            takes += [
                await _take(playback, speaker, number, call.message, locale, Kind.ANSWER, key=key, slow=False)
                for key in sorted(call.message.scripts[locale].answers)
            ]
    for locale in locales:
        takes += [await _sentence(playback, speaker, sentence, locale, call.message.caller) for sentence in SENTENCES]
    return takes


def _kinds(campaign: Campaign) -> list[tuple[Kind, bool]]:
    halves = [(kind, slow) for slow in (False, True) for kind in (Kind.ESSENTIAL, Kind.REST)]
    return [*halves, (Kind.MACHINE, False)] if campaign.machine is MachinePolicy.LEAVE_MESSAGE else halves


async def _make(clips: Clips, message: VoiceMessage, engines: Sequence[str], progress: Progress) -> str:
    """The engine of which every clip of the call exists now."""
    why: CannotRecord = NotRecordable()
    for name in engines:
        if not clips.may_speak(name, utterances(message)):
            why = MayNotSpeak(name)
        elif await clips.make(name, clips.needed(name, message), progress):
            return name
        else:
            why = NotSpoken(name)
    raise why


async def _take(
    playback: Playback,
    engine: str,
    number: int,
    message: VoiceMessage,
    locale: str,
    kind: Kind,
    *,
    slow: bool,
    key: str = "",
) -> Take:
    # A machine is left what must be heard.
    part = Part.answer_to(key) if key else Part.REST if kind is Kind.REST else Part.ESSENTIAL
    lines = part_of(message, locale, part)
    return Take(
        name=f"call{number}.{locale}.{kind.value}{key}{'.slow' if slow else ''}",
        call=number,
        kind=kind,
        locale=locale,
        slow=slow,
        engine=engine,
        words=tuple(plain(line) for line in lines),
        sound=await playback.lines(engine, lines, locale, slow=slow),
        key=key,
    )


async def _sentence(playback: Playback, engine: str, sentence: Sentence, locale: str, caller: str) -> Take:
    words = say(sentence, locale, caller)
    return Take(
        name=f"sentence.{locale}.{sentence.value}",
        call=None,
        kind=Kind.SENTENCE,
        locale=locale,
        slow=False,
        engine=engine,
        words=(words,),
        sound=await playback.lines(engine, [words], locale, slow=False),
        sentence=sentence,
    )
