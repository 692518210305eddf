"""Clips are made once, by whoever comes first, and a message goes out by the first engine that can speak all of it."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy
import pytest
import soundfile

from notifier.clock import SystemClock
from notifier.domain.message import Script, VoiceMessage
from notifier.domain.reading import spoken_date
from notifier.domain.recording import Part, utterances
from notifier.domain.script import cut_digits, make_personal
from notifier.domain.speech import (
    CARRIER,
    CannotSpeak,
    EngineAbilities,
    EngineAway,
    NotAudio,
    SpeechEngine,
    SpeechSurroundings,
    Utterance,
)
from notifier.engine import speaker
from notifier.engine.clips import Clips
from notifier.engine.playback import ClipMissing, Playback
from notifier.sandbox.audio import wav_seconds
from notifier.speech.audio import join
from notifier.speech.espeak import create
from notifier.storage.clips import ClipStore
from notifier.storage.database import Pool, WakeUps, open_pool
from tests.stalls import longest_stall

TODAY = date(2026, 11, 20)
CALL = VoiceMessage("zh-TW", {"zh-TW": Script(("您好。", "電費是一千元。", "請按一。"), 2)}, {}, "台電")


class Whistle:
    """An engine that whistles, a tenth of a second for each character, and counts what it was asked."""

    def __init__(self, name: str = "whistle", *, personal: bool = True) -> None:
        self.name = name
        self.abilities = EngineAbilities({"zh-TW": "high", "en": "low"}, "1", personal)
        self.asked: list[Utterance] = []
        self.fails: Mapping[str, Exception] = {}
        self.hangs: Set[str] = frozenset()
        self.hanging = asyncio.Event()
        self.away = False

    async def speak(self, utterance: Utterance) -> bytes:
        self.asked.append(utterance)
        await asyncio.sleep(0)
        if self.away:
            raise EngineAway("not now", timedelta(minutes=1))
        if utterance.text in self.hangs:
            self.hanging.set()
            await asyncio.Event().wait()
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


async def test_two_makers_asked_for_the_same_make_each_clip_once(pool: Pool, database: str) -> None:
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


async def test_a_maker_that_lost_its_claim_does_not_think_it_made_it(pool: Pool, database: str) -> None:
    slow = Whistle()
    made = clips(pool, database, slow)
    wanted = made.needed("whistle", CALL)

    async def taken_over(utterance: Utterance) -> bytes:
        await pool.execute("update notifier.clip set maker = 1 where audio is null")
        return await Whistle.speak(slow, utterance)

    slow.speak = taken_over  # type: ignore[method-assign]
    making = asyncio.create_task(made.make("whistle", wanted))
    done, _ = await asyncio.wait([making], timeout=1.5)
    assert slow.asked
    assert not done, "what another makes is waited for"
    assert await made.missing(wanted)
    making.cancel()


async def test_an_engine_that_cannot_speak_one_line_speaks_none(pool: Pool, database: str) -> None:
    fussy, plain = Whistle("fussy"), Whistle("plain")
    fussy.fails = {"電費是一千元": CannotSpeak("not that")}
    made = clips(pool, database, fussy, plain)
    async with at_work(made):
        assert await spoken_by(made, CALL) == "plain"


async def test_what_else_can_be_spoken_is_made(pool: Pool, database: str) -> None:
    """One text that an engine cannot speak does not keep a run's other clips from being made."""
    whistle = Whistle()
    whistle.fails = {"三": CannotSpeak("not that"), "五": NotAudio("silence")}
    made = clips(pool, database, whistle)
    wanted = {made.key("whistle", word): word for word in (Utterance(digit, "zh-TW") for digit in "一二三四五六七八九")}
    assert not await made.make("whistle", wanted)
    assert {one.text for one in (await made.missing(wanted)).values()} == {"三", "五"}
    assert len(whistle.asked) == 9, "and nothing is asked for twice"


async def test_one_text_without_sound_is_not_the_engines_fault(pool: Pool, database: str) -> None:
    whistle, plain = Whistle(), Whistle("plain")
    whistle.fails = {"電費是一千元": NotAudio("silence")}
    other = replace(CALL, scripts={"zh-TW": Script(("您好。",), 1)})
    made = clips(pool, database, whistle, plain)
    async with at_work(made):
        assert await spoken_by(made, CALL) == "plain"
        assert await spoken_by(made, other) == "whistle"


@pytest.mark.parametrize("error", [NotAudio("silence"), ValueError("of the engine's own")])
async def test_several_texts_without_sound_in_a_row_are(pool: Pool, database: str, error: Exception) -> None:
    """Then it is left alone, and is not asked for anything else."""
    whistle, plain = Whistle(), Whistle("plain")
    whistle.fails = {one.text: error for one in utterances(CALL)}
    made = clips(pool, database, whistle, plain)
    async with at_work(made):
        assert await spoken_by(made, CALL) == "plain"
        asked = len(whistle.asked)
        other = replace(CALL, scripts={"zh-TW": Script(("再說一次。",), 1)})
        assert await spoken_by(made, other) == "plain"
    assert len(whistle.asked) == asked < len(utterances(CALL))


class Slow(Whistle):
    """Speaks one text at a time, for so many real seconds each."""

    def __init__(self, pool: Pool, seconds: float) -> None:
        super().__init__("slow")
        self.claimed: list[int] = []
        self._pool = pool
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def speak(self, utterance: Utterance) -> bytes:
        async with self._turn:
            self.claimed.append(await self._pool.fetchval("select count(*) from notifier.clip where audio is null"))
            await asyncio.sleep(self._seconds)
            return await super().speak(utterance)


async def test_no_more_is_claimed_than_is_spoken_in_time(
    pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the claims of a slow engine run out, and others make the same clips."""
    monkeypatch.setattr(speaker, "PORTION", 0.1)
    slow = Slow(pool, 0.02)
    slow.abilities = replace(slow.abilities, clips_per_second=80)  # as it says; 50 is the truth
    made = clips(pool, database, slow)
    wanted = {made.key("slow", word): word for word in (Utterance("一" * n, "zh-TW") for n in range(1, 31))}
    assert await made.make("slow", wanted)
    assert max(slow.claimed) <= 8
    assert max(slow.claimed[8:]) <= 5


async def test_an_engine_that_never_answers_is_given_up(
    pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has spoken is kept, what it has not is free to be made; and no other engine has waited for it."""
    monkeypatch.setattr(speaker, "SPEAKING", 1.0)
    stuck, plain = Whistle("stuck"), Whistle("plain")
    stuck.hangs = {"電費是一千元"}
    made = clips(pool, database, stuck, plain)
    for_plain = {made.key("plain", word): word for word in [Utterance("您好", "zh-TW")]}
    async with at_work(made):
        assert await made.choose([CALL]) == [None]
        await asyncio.wait_for(stuck.hanging.wait(), 10)
        assert await made.make("plain", for_plain), "meanwhile"
        assert await spoken_by(made, CALL) == "plain"
    assert await pool.fetchval("select count(*) from notifier.clip where audio is null") == 0
    kept = await made.store.made(list(made.needed("stuck", CALL)))
    assert len(kept) == len(utterances(CALL)) - 2, "all but the two paces of that text"


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


# -- what making costs the loop, and what it sounds like


@pytest.fixture
async def espeak() -> AsyncIterator[SpeechEngine]:
    engine = create(SpeechSurroundings())
    assert engine is not None
    yield engine
    await engine.close()


def dates(count: int) -> list[Utterance]:
    """So many different texts of ten syllables and more."""
    days = (date(2026, 1, 1) + timedelta(number) for number in range(count))
    return [Utterance(f"繳費期限是{spoken_date(day, 'zh-TW', TODAY)}", "zh-TW") for day in days]


async def test_the_loop_is_never_held_up(pool: Pool, database: str, espeak: SpeechEngine) -> None:
    """While 200 clips are spoken, made and kept. Spoken in the loop they would hold it up for a second."""
    made = clips(pool, database, espeak)
    wanted = {made.key("espeak", word): word for word in dates(200)}
    making = asyncio.create_task(made.make("espeak", wanted))
    assert await longest_stall(making) < 0.05
    assert making.result()


async def test_the_loops_own_threads_stay_free(pool: Pool, database: str, espeak: SpeechEngine) -> None:
    """They look up host names: who needs one does not wait for two hundred clips."""
    taken: set[str] = set()

    class Looking(ThreadPoolExecutor):
        def submit(self, work: Any, *given: Any, **named: Any) -> Any:
            taken.add(str(work))
            return super().submit(work, *given, **named)

    asyncio.get_running_loop().set_default_executor(Looking(1))
    made = clips(pool, database, espeak)
    assert await made.make("espeak", {made.key("espeak", word): word for word in dates(20)})
    assert taken == set()


class Shouting(Whistle):
    """Twenty times as loud, with half a second of silence at either side."""

    async def speak(self, utterance: Utterance) -> bytes:
        self.asked.append(utterance)
        tone = numpy.sin(numpy.arange(800 * len(utterance.text)) / 2) * (0.8 if self.name == "shouting" else 0.04)
        wav = io.BytesIO()
        soundfile.write(wav, numpy.pad(tone, 4000 if self.name == "shouting" else 0), 8000, format="WAV")
        return wav.getvalue()


async def test_engines_are_kept_at_one_level_and_without_silence(pool: Pool, database: str) -> None:
    word, found = Utterance("一二三四五", "zh-TW"), {}
    made = clips(pool, database, Shouting("shouting"), Shouting("whispering"))
    for name in ("shouting", "whispering"):
        key = made.key(name, word)
        assert await made.make(name, {key: word})
        sound, _ = soundfile.read(io.BytesIO(join([(await made.store.audio([key]))[key]])))
        found[name] = numpy.sqrt(numpy.square(sound).mean()), len(sound) / 8000
    (loud, long), (quiet, short) = found["shouting"], found["whispering"]
    assert 20 * numpy.log10(loud / quiet) == pytest.approx(0, abs=0.5)
    assert long == pytest.approx(0.5, abs=0.05)
    assert long == pytest.approx(short, abs=0.05)
