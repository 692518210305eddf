"""Who judges what a customer has heard reads it from the sound: from real speech, laid together as calls are."""

import time
from collections.abc import Iterator

import pytest

from notifier.commands.hearing import UNKNOWN, Hearing, heard_until
from notifier.domain.recording import sequence
from notifier.domain.script import cut_amount, cut_digits, cut_whole, plain
from notifier.domain.speech import SpeechEngine, SpeechSurroundings, Utterance
from notifier.speech import find_engines
from notifier.speech.audio import join, make_clip, seconds

LINES = {
    "zh-TW": [
        "台灣電力公司，您好。",
        f"電費是{cut_amount('新臺幣一千兩百三十四元')}。",
        f"繳費期限是{cut_whole('十二月五日')}。",
        f"電話是{cut_digits('零，七，三，三')}。",
        "For English, press zero.",
    ],
    "en": [
        "Taiwan Power Company calling. Hello.",
        f"The amount is {cut_amount('one thousand two hundred thirty-four New Taiwan dollars')}.",
        f"The number is {cut_digits('zero, seven, three')}.",
    ],
}


@pytest.fixture(scope="module")
def espeak() -> SpeechEngine:
    return find_engines(SpeechSurroundings())["espeak"]


async def clips_of(engine: SpeechEngine, locale: str) -> dict[Utterance, bytes]:
    wanted = {utterance for utterance, _ in sequence(LINES[locale], locale, slow=False)}
    return {utterance: make_clip(await engine.speak(utterance)) for utterance in wanted}


def laid(clips: dict[Utterance, bytes], locale: str) -> bytes:
    return join([piece for utterance, pause in sequence(LINES[locale], locale, slow=False)
                 for piece in (clips[utterance], pause)])  # fmt: skip


@pytest.mark.parametrize("locale", LINES)
async def test_the_lines_are_heard_as_they_are_written(espeak: SpeechEngine, locale: str) -> None:
    clips = await clips_of(espeak, locale)
    hearing = Hearing({sound: utterance.text for utterance, sound in clips.items()})
    lines = hearing.lines(laid(clips, locale))
    assert [line.words for line in lines] == [plain(line) for line in LINES[locale]]
    assert lines[0].begin == 0
    assert lines[0].until == pytest.approx(seconds(next(iter_of(clips, locale))), abs=0.001)


def iter_of(clips: dict[Utterance, bytes], locale: str) -> Iterator[bytes]:
    return (clips[utterance] for utterance, _ in sequence(LINES[locale], locale, slow=False))


async def test_a_line_counts_when_it_was_heard_to_its_end(espeak: SpeechEngine) -> None:
    clips = await clips_of(espeak, "zh-TW")
    lines = Hearing({sound: utterance.text for utterance, sound in clips.items()}).lines(laid(clips, "zh-TW"))
    assert heard_until(lines, lines[1].until - 0.2) == [lines[0].words]
    assert heard_until(lines, lines[1].until) == [lines[0].words, lines[1].words]
    assert heard_until(lines, 0) == []


async def test_other_words_are_not_taken_for_these(espeak: SpeechEngine) -> None:
    clips = await clips_of(espeak, "zh-TW")
    known = {sound: utterance.text for utterance, sound in clips.items() if utterance.text != "一千"}
    amount = Hearing(known).lines(laid(clips, "zh-TW"))[1].words
    assert UNKNOWN in amount
    assert "一千" not in amount
    swapped = laid(clips | {Utterance("十二月五日", "zh-TW"): clips[Utterance("一千", "zh-TW")]}, "zh-TW")
    lines = Hearing({sound: utterance.text for utterance, sound in clips.items()}).lines(swapped)
    assert lines[2].words == "繳費期限是一千。"


async def test_a_call_is_heard_in_a_few_milliseconds(espeak: SpeechEngine) -> None:
    clips = await clips_of(espeak, "zh-TW")
    hearing = Hearing({sound: utterance.text for utterance, sound in clips.items()})
    sound = laid(clips, "zh-TW")
    began = time.perf_counter()
    for _ in range(20):
        hearing.lines(sound)
    assert (time.perf_counter() - began) / 20 < 0.05
