"""The clips of a run's calls: how many there are, how much room they take, how soon eSpeak has made them.

Every clip that any of the calls may need is made: both languages, both paces, and the answers to every key. Beside it:
each message synthesised whole, a recording for each of the two halves that are played, in its customer's own language
at the plain pace alone: the least that calls need. Of these a sample is made, by the same engine into the same store;
the figures for all of them are extrapolated.
"""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from bench.ground import Ground, prepare, settle_disk
from bench.measure import Result, Rounds, in_process
from bench.reminders import Reminders
from notifier.clock import SystemClock
from notifier.domain.message import VoiceMessage
from notifier.domain.recording import Part, part_of, sequence, spoken_in, utterances
from notifier.domain.script import plain
from notifier.domain.speech import CARRIER, SpeechSurroundings, Utterance
from notifier.engine.clips import Clips
from notifier.speech.espeak import create
from notifier.storage.clips import ClipStore
from notifier.storage.database import WakeUps, open_pool

SAMPLE = 700  # halves made a round, another 700 each
LEAST_REUSE = 99.5  # per cent of the clips that are played
MOST_MB = 30
MOST_SECONDS = 60
LOOK = 0.002  # seconds between two looks whether the loop has been held up


@dataclass
class Bounded(Rounds):
    """With a bound of its own in place of one of the ratio. The limit is the peer's figure; the ratio says how many
    times as much that is."""

    slower_is_higher: bool = True
    bound: str = ""
    holds: Callable[[Result], bool] = lambda _: True

    def result(self) -> Result:
        result = super().result()
        return replace(result, target=self.bound, met=self.holds(result))


@dataclass(frozen=True)
class Made:
    """`reuse`: per cent of what is played that had been made for another place. `held_up`: the longest that the loop
    could do nothing else, in milliseconds."""

    recordings: int
    reuse: float
    seconds: float
    megabytes: float
    wording: float
    held_up: float


Work = Callable[[Ground, Reminders, int], Coroutine[Any, Any, Made]]


def ask(ground: Ground, sizes: Sequence[int], rounds: int) -> list[Rounds]:
    return [one for size in sizes for one in _at(ground, size, rounds)]


def _at(ground: Ground, size: int, rounds: int) -> list[Rounds]:
    calls = f"of {size:,} reminders (peer: halves synthesised whole, extrapolated from {SAMPLE})"
    count = Bounded(
        f"recordings {calls}", "recordings", None, bound=f">= {LEAST_REUSE} % reuse",
        holds=lambda result: result.peers["reuse, %"] >= LEAST_REUSE,
    )  # fmt: skip
    room = Bounded(f"room {calls}", "MB", None, bound=f"< {MOST_MB} MB", holds=lambda result: result.ours < MOST_MB)
    pace = Bounded(
        f"time {calls}", "s", None, bound=f"< {MOST_SECONDS} s", holds=lambda result: result.ours < MOST_SECONDS
    )
    asyncio.run(prepare(ground, 1000))
    for number in range(rounds):
        _round(ground, Reminders(size), number, count, room, pace)
    return [count, room, pace]


def _round(ground: Ground, reminders: Reminders, number: int, count: Rounds, room: Rounds, pace: Rounds) -> None:
    ours, whole = (_in_turn(ground, work, reminders, number) for work in (_make_clips, _make_whole))
    for rounds, field in ((count, "recordings"), (room, "megabytes"), (pace, "seconds")):
        rounds.ours.append(getattr(ours, field))
        rounds.limit.append(getattr(whole, field))
    count.beside("reuse, %", ours.reuse)
    count.beside("peer's reuse, %", whole.reuse)
    pace.beside("loop held up at most, ms", ours.held_up)
    pace.beside("wording all calls before, s", ours.wording)


def _in_turn(ground: Ground, work: Work, reminders: Reminders, number: int) -> Made:
    asyncio.run(_forget(ground))
    asyncio.run(settle_disk(ground))
    return in_process(work, ground, reminders, number)


async def _forget(ground: Ground) -> None:
    async with ground.connect("notifier") as connection:
        await connection.execute("truncate notifier.clip")


async def _make_clips(ground: Ground, reminders: Reminders, _: int) -> Made:
    began = time.perf_counter()
    needed: set[Utterance] = set()
    played = 0
    for call in reminders.calls():
        needed |= utterances(call)
        played += sum(1 for _ in sequence(call.scripts[call.locale].marked, call.locale, slow=False))
    wording = time.perf_counter() - began
    seconds, megabytes, held_up = await _make(ground, needed)
    return Made(len(needed), 100 * (1 - len(needed) / played), seconds, megabytes, wording, held_up)


async def _make_whole(ground: Ground, reminders: Reminders, number: int) -> Made:
    """Another sample each round."""
    began = time.perf_counter()
    texts = sorted({half for call in reminders.calls() for half in _halves(call)}, key=lambda one: one.text)
    wording = time.perf_counter() - began
    sample = Random(number).sample(texts, min(SAMPLE, len(texts)))
    seconds, megabytes, held_up = await _make(ground, sample)
    all_of_them = len(texts) / len(sample)
    reuse = 100 * (1 - len(texts) / (len(Part) * reminders.count))
    return Made(len(texts), reuse, seconds * all_of_them, megabytes * all_of_them, wording, held_up)


def _halves(call: VoiceMessage) -> Iterator[Utterance]:
    """Without the lines in another language, which would need another voice."""
    for part in Part:
        lines = [plain(line) for line in part_of(call, call.locale, part)]
        yield Utterance(" ".join(line for line in lines if spoken_in(line, call.locale) == call.locale), call.locale)


async def _make(ground: Ground, words: Iterable[Utterance]) -> tuple[float, float, float]:
    """Seconds until all of them are kept, their megabytes, and the longest that the loop was held up, ms."""
    async with _clips(ground) as clips:
        wanted = {clips.key("espeak", one): one for one in words}
        gc.freeze()  # as `serve` does
        watch = asyncio.create_task(_watch())
        await asyncio.sleep(10 * LOOK)
        began = time.perf_counter()
        assert await clips.make("espeak", wanted), "eSpeak has left something out"
        seconds = time.perf_counter() - began
        watch.cancel()
        (held_up,) = await asyncio.gather(watch)
    async with ground.connect("notifier") as connection:
        size = await connection.fetchval("select sum(length(audio)) from notifier.clip")
    return seconds, size / 1e6, held_up


async def _watch() -> float:
    """Until cancelled. What the loop's thread waited for a core is not counted: other work may be running."""
    longest = 0.0
    try:
        while True:
            before, waited = time.perf_counter(), _waited_for_a_core()
            await asyncio.sleep(LOOK)
            waited = _waited_for_a_core() - waited
            longest = max(longest, time.perf_counter() - before - LOOK - waited)
    except asyncio.CancelledError:
        return longest * 1000


def _waited_for_a_core() -> float:
    """Seconds of this thread, as Linux counts them."""
    return int(Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text().split()[1]) / 1e9


@asynccontextmanager
async def _clips(ground: Ground) -> AsyncIterator[Clips]:
    url = ground.database("notifier")
    engine = create(SpeechSurroundings())
    assert engine is not None, "eSpeak does not run here"
    async with await open_pool(url, name="bench", size=3) as pool:
        store = ClipStore(pool)
        yield Clips(
            store, {"espeak": engine}, ["espeak", CARRIER], await store.seal(), SystemClock(), WakeUps(pool, url)
        )
    await engine.close()
