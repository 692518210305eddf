"""Clips are made once, by whoever comes first, and a message goes out by the first engine that can speak all of it."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import numpy
import pytest
import soundfile

from notifier.clock import SystemClock
from notifier.domain.message import Script, VoiceMessage
from notifier.domain.recording import Part, utterances
from notifier.domain.script import cut_digits, make_personal
from notifier.domain.speech import CARRIER, CannotSpeak, EngineAbilities, EngineAway, SpeechEngine, Utterance
from notifier.engine.clips import Clips
from notifier.engine.playback import ClipMissing, Playback
from notifier.sandbox.audio import wav_seconds
from notifier.storage.clips import ClipStore
from notifier.storage.database import Pool, WakeUps, open_pool

CALL = VoiceMessage("zh-TW", {"zh-TW": Script(("您好。", "電費是一千元。", "請按一。"), 2)}, {}, "台電")


class Whistle:
    """An engine that whistles, a tenth of a second for each character, and counts what it was asked."""

    def __init__(self, name: str = "whistle", *, personal: bool = True) -> None:
        self.name = name
        self.abilities = EngineAbilities({"zh-TW": "high", "en": "low"}, "1", personal)
        self.asked: list[Utterance] = []
        self.fails: Mapping[str, Exception] = {}
        self.away = False

    async def speak(self, utterance: Utterance) -> bytes:
        self.asked.append(utterance)
        await asyncio.sleep(0)
        if self.away:
            raise EngineAway("not now", timedelta(minutes=1))
        if utterance.text in self.fails:
            raise self.fails[utterance.text]
        tone = numpy.sin(numpy.arange(800 * len(utterance.text)) / 2) * 0.5
        wav = io.BytesIO()
        soundfile.write(wav, tone, 8000, format="WAV")
        return wav.getvalue()

    async def close(self) -> None: ...


def clips(pool: Pool, database: str, *engines: SpeechEngine) -> Clips:
    order = [*(engine.name for engine in engines), CARRIER]
    by_name = {engine.name: engine for engine in engines}
    return Clips(ClipStore(pool), by_name, order, b"sealed", SystemClock(), WakeUps(pool, database))


@asynccontextmanager
async def at_work(made: Clips) -> AsyncIterator[None]:
    """Makes what is wished for, and hears of what others make."""
    tasks = [asyncio.create_task(part) for part in (made.run(), made.wake_ups.listen())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def spoken_by(made: Clips, message: VoiceMessage) -> str:
    """The engine of the message, once its clips are there."""
    lanes = made.wake_ups.event("lanes")
    async with asyncio.timeout(20):
        while (await made.choose([message]))[0] is None:
            await lanes.wait()
            lanes.clear()
    engine = (await made.choose([message]))[0]
    assert engine is not None
    return engine


async def test_a_message_waits_for_its_clips_and_then_has_them_all(pool: Pool, database: str) -> None:
    whistle = Whistle()
    made = clips(pool, database, whistle)
    assert await made.choose([CALL]) == [None]
    async with at_work(made):
        assert await spoken_by(made, CALL) == "whistle"
    assert set(whistle.asked) == utterances(CALL)
    assert len(whistle.asked) == len(utterances(CALL))


async def test_two_processes_asked_for_the_same_make_each_clip_once(pool: Pool, database: str) -> None:
    """500 requests for the same 50 clips."""
    words = [Utterance("一" * n, "zh-TW") for n in range(1, 51)]
    one, other = Whistle(), Whistle()
    async with await open_pool(database, name="other", size=5) as other_pool:
        first, second = clips(pool, database, one), clips(other_pool, database, other)
        async with at_work(first), at_work(second):
            wanted = {first.key("whistle", word): word for word in words}
            done = await asyncio.gather(*(made.make("whistle", wanted) for made in (first, second) for _ in range(250)))
    assert all(done)
    assert len(one.asked) + len(other.asked) == 50
    assert set(one.asked) | set(other.asked) == set(words)
    assert len(await first.store.audio(list(wanted))) == 50


async def test_a_maker_that_died_is_followed_by_another(pool: Pool, database: str) -> None:
    made = clips(pool, database, Whistle())
    word = Utterance("您好", "zh-TW")
    wanted = {made.key("whistle", word): word}
    now = made.clock.now()
    assert await made.store.claim("whistle", wanted, 1, now - timedelta(minutes=2), now - timedelta(minutes=1))
    assert await made.make("whistle", wanted)


async def test_an_engine_that_cannot_speak_one_line_speaks_none(pool: Pool, database: str) -> None:
    fussy, plain = Whistle("fussy"), Whistle("plain")
    fussy.fails = {"電費是一千元": CannotSpeak("not that")}
    made = clips(pool, database, fussy, plain)
    async with at_work(made):
        assert await spoken_by(made, CALL) == "plain"


async def test_an_engine_that_is_away_is_left_out_and_nothing_empty_is_kept(pool: Pool, database: str) -> None:
    gone, plain = Whistle("gone"), Whistle("plain")
    gone.away = True
    made = clips(pool, database, gone, plain)
    async with at_work(made):
        assert await spoken_by(made, CALL) == "plain"
    assert await pool.fetchval("select count(*) from notifier.clip where engine = 'gone'") == 0
    assert await pool.fetchval("select count(*) from notifier.clip where length(audio) < 400") == 0


async def test_without_any_engine_the_carrier_speaks(pool: Pool, database: str) -> None:
    gone = Whistle("gone")
    gone.away = True
    made = clips(pool, database, gone)
    async with at_work(made):
        assert await spoken_by(made, CALL) == CARRIER


async def test_what_is_personal_goes_to_no_engine_outside(pool: Pool, database: str) -> None:
    outside, inside = Whistle("outside", personal=False), Whistle("inside")
    line = f"電號是{make_personal(cut_digits('零，四'))}。"
    message = replace(CALL, scripts={"zh-TW": Script((line,), 1)})
    made = clips(pool, database, outside, inside)
    async with at_work(made):
        assert await spoken_by(made, message) == "inside"
    assert outside.asked == []
    assert await pool.fetchval("select count(*) from notifier.clip where words = '零'") == 0


async def test_a_half_is_played_clip_by_clip_with_its_pauses(pool: Pool, database: str) -> None:
    whistle = Whistle()
    made = clips(pool, database, whistle)
    async with at_work(made):
        await spoken_by(made, CALL)
    playback = Playback(made.store, made.engines.get, b"sealed")
    sound = await playback.part(replace(CALL, engine="whistle"), "zh-TW", Part.ESSENTIAL, slow=False)
    assert wav_seconds(sound) == pytest.approx(
        0.2 + 0.8 + 0.6 + 0.8, abs=0.1
    )  # two lines, and what is silent after each


async def test_a_clip_that_is_gone_is_said_to_be(pool: Pool, database: str) -> None:
    playback = Playback(ClipStore(pool), {"whistle": Whistle()}.get, b"sealed")
    with pytest.raises(ClipMissing):
        await playback.part(replace(CALL, engine="whistle"), "zh-TW", Part.REST, slow=False)
    with pytest.raises(ClipMissing):
        await playback.part(replace(CALL, engine="unknown"), "zh-TW", Part.REST, slow=False)
