"""The clips of calls: which engine can speak a message, and what is missing made, once, before anybody is rung."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice, takewhile

from notifier.clock import Clock
from notifier.domain.message import VoiceMessage
from notifier.domain.recording import clip_key, utterances
from notifier.domain.speech import CARRIER, SpeechEngine, Utterance
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.speaker import AT_ONCE, SPEAKING, Speaker
from notifier.speech.audio import VERSION
from notifier.storage.clips import ClipStore
from notifier.storage.database import WakeUps

MAKING = SPEAKING + 10.0  # real seconds a maker has for the clips it claimed
ENCODERS = 2  # threads that make clips of what engines say
POLL = 0.5  # real seconds; covers a lost wake-up
MOST_KNOWN = 500_000  # keys remembered: about 50 MB

Progress = Callable[[int, int], None]


@dataclass
class Clips:
    """`order`: the engines by preference; the last resort is the carrier's own voice, which needs no clips."""

    store: ClipStore
    engines: Mapping[str, SpeechEngine]
    order: Sequence[str]
    seal: bytes
    clock: Clock
    wake_ups: WakeUps
    maker: int = field(default_factory=lambda: random.getrandbits(62))

    def __post_init__(self) -> None:
        self._keys: dict[tuple[str, Utterance], bytes] = {}
        self._made: set[bytes] = set()
        # Not the loop's own: that looks up host names, too, and two hundred clips would take every thread of it.
        encoders = ThreadPoolExecutor(ENCODERS, thread_name_prefix="clips")
        self._speakers = {name: Speaker(engine, encoders) for name, engine in self.engines.items()}
        self._wishes: dict[str, dict[bytes, Utterance]] = {name: {} for name in self.engines}
        self._wished = {name: asyncio.Event() for name in self.engines}
        self._heard = self.wake_ups.event("clips")

    @property
    def own_engines(self) -> list[str]:
        """The engines by preference, as far as the carrier's own voice, which is the last resort."""
        return list(takewhile(lambda name: name != CARRIER, self.order))

    # -- which engine speaks

    async def choose(self, messages: Sequence[VoiceMessage]) -> list[str | None]:
        """The engine of each message; None for one whose clips are being made: it goes out when they are there."""
        chosen: list[str | None] = [CARRIER] * len(messages)
        undecided = list(range(len(messages)))
        for name in self.own_engines:
            needed = {number: self.needed(name, messages[number]) for number in undecided}
            await self._learn(key for keys in needed.values() for key in keys)
            undecided = [number for number in undecided if not self._settle(name, needed[number], chosen, number)]
        return chosen

    def _settle(self, name: str, needed: Mapping[bytes, Utterance], chosen: list[str | None], number: int) -> bool:
        """Whether this engine speaks the message, now or as soon as its clips are made."""
        speaker = self._speakers[name]
        missing = {key: needed[key] for key in needed if key not in self._made}
        if any(map(speaker.leaves_out, missing)) or not self.may_speak(name, needed.values()):
            return False
        if missing and speaker.is_away:
            return False
        chosen[number] = None if missing else name
        if missing:
            self._wishes[name].update(missing)
            self._wished[name].set()
        return True

    def speaker_of(self, message: VoiceMessage) -> str:
        """The engine that would speak the message if all its clips were made, as far as is known now."""
        needed = utterances(message)
        return next((name for name in self.own_engines if self._would_speak(name, needed)), CARRIER)

    def _would_speak(self, name: str, needed: Iterable[Utterance]) -> bool:
        speaker = self._speakers[name]
        if speaker.is_away or not self.may_speak(name, needed):
            return False
        return not (speaker.leaves_something_out and any(speaker.leaves_out(self.key(name, one)) for one in needed))

    def may_speak(self, name: str, needed: Iterable[Utterance]) -> bool:
        """Whether the engine has a voice for each, and may be given all of them."""
        abilities = self.engines[name].abilities
        return all(one.locale in abilities.voices and (abilities.personal or not one.personal) for one in needed)

    def needed(self, name: str, message: VoiceMessage) -> dict[bytes, Utterance]:
        """Every clip the call may need from this engine, by key."""
        return {self.key(name, utterance): utterance for utterance in utterances(message)}

    def key(self, name: str, utterance: Utterance) -> bytes:
        found = self._keys.get((name, utterance))
        if found is None:
            found = clip_key(self.seal, name, self.engines[name].abilities, utterance, VERSION)
            if len(self._keys) >= MOST_KNOWN:
                self._keys.clear()
            if not utterance.personal:
                self._keys[name, utterance] = found
        return found

    async def missing(self, wanted: Mapping[bytes, Utterance]) -> dict[bytes, Utterance]:
        """Those of the clips that nobody has made yet."""
        await self._learn(wanted)
        return {key: utterance for key, utterance in wanted.items() if key not in self._made}

    async def _learn(self, keys: Iterable[bytes]) -> None:
        """Which of these exist, asking only about those not known to."""
        unknown = list({key for key in keys if key not in self._made})
        if not unknown:
            return
        if len(self._made) >= MOST_KNOWN:
            self._made.clear()
        self._made |= await self.store.made(unknown)

    # -- making what is missing

    async def run(self) -> None:
        """Make what is wished for, until cancelled. Each engine by itself: a slow one keeps no other waiting."""
        await asyncio.gather(*(self._run(name) for name in self.engines))

    async def _run(self, name: str) -> None:
        persistence = Persistence(f"clips of {name}")
        while True:
            if not await persistence.attempt(partial(self._fulfil, name)):
                await wait_for(self._wished[name], POLL)

    async def _fulfil(self, name: str) -> bool:
        """Of the wishes the oldest: what is wished for meanwhile does not wait for all the others."""
        wishes = self._wishes[name]
        oldest = dict(islice(wishes.items(), AT_ONCE))
        for key in oldest:
            del wishes[key]
        if oldest:
            await self.make(name, oldest)
            self.wake_ups.ring("lanes")
        return bool(wishes)

    async def make(
        self, name: str, wanted: Mapping[bytes, Utterance], progress: Progress = lambda _d, _a: None
    ) -> bool:
        """Until all of these exist that the engine can speak, whoever makes them, or until it is away; answers whether
        all exist."""
        speaker = self._speakers[name]
        left = deque(_shuffled(await self.missing(wanted)))
        while left and not speaker.is_away:
            progress(len(wanted) - len(left), len(wanted))
            some = [left.popleft() for _ in range(min(len(left), speaker.portion))]
            left += await self._make_some(speaker, {key: wanted[key] for key in some if self._is_open(speaker, key)})
        missing = await self.missing(wanted)
        progress(len(wanted) - len(missing), len(wanted))
        return not missing

    async def _make_some(self, speaker: Speaker, some: Mapping[bytes, Utterance]) -> list[bytes]:
        """Make those that nobody else makes; answers which are still to be made, by whomever."""
        now = self.clock.now()
        until = now + timedelta(seconds=MAKING * self.clock.scale)
        mine = await self.store.claim(speaker.engine.name, some, self.maker, now, until) if some else []
        if mine:
            await self._keep(mine, await speaker.speak({key: some[key] for key in mine}))
        elif some:
            await wait_for(self._heard, POLL)
        await self._learn(set(some).difference(mine))
        return [key for key in some if self._is_open(speaker, key)]

    def _is_open(self, speaker: Speaker, key: bytes) -> bool:
        return key not in self._made and not speaker.leaves_out(key)

    async def _keep(self, mine: Sequence[bytes], made: Mapping[bytes, bytes]) -> None:
        if made:
            self._made |= await self.store.keep(made, self.maker, self.clock.now())
        if len(made) < len(mine):
            await self.store.give_up([key for key in mine if key not in made], self.maker)
        if mine:
            await self.wake_ups.send("clips")


def _shuffled(keys: Iterable[bytes]) -> list[bytes]:
    """Two makers of the same would otherwise come upon each other's clips all the way, and wait for them."""
    order = list(keys)
    random.shuffle(order)
    return order
