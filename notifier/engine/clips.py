"""The clips of calls: which engine can speak a message, and what is missing made, once, before anybody is rung."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.message import VoiceMessage
from notifier.domain.recording import clip_key, utterances
from notifier.domain.speech import CARRIER, CannotSpeak, EngineAway, SpeechEngine, Utterance
from notifier.engine.backoff import Persistence, wait_for
from notifier.speech.audio import NotAudio, make_clip
from notifier.storage.clips import ClipStore
from notifier.storage.database import WakeUps

log = structlog.get_logger()

MAKING = 30.0  # real seconds a maker has for the clips it claimed
AT_ONCE = 64  # clips claimed and kept together
POLL = 0.5  # real seconds; covers a lost wake-up
AWAY = 30.0  # real seconds an engine that did not answer is left alone, unless it says for how long
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
        self._unspeakable: set[bytes] = set()
        self._away: dict[str, float] = {}
        self._wishes: dict[str, dict[bytes, Utterance]] = {name: {} for name in self.engines}
        self._wished = asyncio.Event()
        self._heard = self.wake_ups.event("clips")

    # -- which engine speaks

    async def choose(self, messages: Sequence[VoiceMessage]) -> list[str | None]:
        """The engine of each message; None for one whose clips are being made: it goes out when they are there."""
        chosen: list[str | None] = [CARRIER] * len(messages)
        undecided = list(range(len(messages)))
        for name in self.order:
            if name == CARRIER or not undecided:
                break
            needed = {number: self.needed(name, messages[number]) for number in undecided}
            await self._learn(key for keys in needed.values() for key in keys)
            undecided = [number for number in undecided if not self._settle(name, needed[number], chosen, number)]
        return chosen

    def _settle(self, name: str, needed: Mapping[bytes, Utterance], chosen: list[str | None], number: int) -> bool:
        """Whether this engine speaks the message, now or as soon as its clips are made."""
        if any(key in self._unspeakable for key in needed) or not self._may_speak(name, needed.values()):
            return False
        missing = {key: needed[key] for key in needed if key not in self._made}
        if missing and self._is_away(name):
            return False
        chosen[number] = None if missing else name
        if missing:
            self._wishes[name].update(missing)
            self._wished.set()
        return True

    def speaker_of(self, message: VoiceMessage) -> str:
        """The engine that would speak the message if all its clips were made."""
        for name in self.order:
            if name == CARRIER or self._may_speak(name, utterances(message)):
                return name
        return CARRIER

    def _may_speak(self, name: str, needed: Iterable[Utterance]) -> bool:
        abilities = self.engines[name].abilities
        return all(one.locale in abilities.voices and (abilities.personal or not one.personal) for one in needed)

    def needed(self, name: str, message: VoiceMessage) -> dict[bytes, Utterance]:
        """Every clip the call may need from this engine, by key."""
        return {self.key(name, utterance): utterance for utterance in utterances(message)}

    def key(self, name: str, utterance: Utterance) -> bytes:
        found = self._keys.get((name, utterance))
        if found is None:
            found = clip_key(self.seal, name, self.engines[name].abilities, utterance)
            if len(self._keys) >= MOST_KNOWN:
                self._keys.clear()
            if not utterance.personal:
                self._keys[name, utterance] = found
        return found

    async def _learn(self, keys: Iterable[bytes]) -> None:
        """Which of these exist, asking only about those not known to."""
        unknown = list({key for key in keys if key not in self._made})
        if not unknown:
            return
        if len(self._made) >= MOST_KNOWN:
            self._made.clear()
        self._made |= await self.store.made(unknown)

    def _is_away(self, name: str) -> bool:
        return self._away.get(name, 0) > time.monotonic()

    # -- making what is missing

    async def run(self) -> None:
        """Make what is wished for, until cancelled."""
        persistence = Persistence("clips")
        while True:
            if not await persistence.attempt(self._fulfil):
                await wait_for(self._wished, POLL)

    async def _fulfil(self) -> bool:
        for name, wishes in self._wishes.items():
            if wishes:
                wanted = dict(wishes)
                wishes.clear()
                await self.make(name, wanted)
                self.wake_ups.ring("lanes")
        return any(self._wishes.values())

    async def make(
        self, name: str, wanted: Mapping[bytes, Utterance], progress: Progress = lambda _d, _a: None
    ) -> bool:
        """Until all of these exist, whoever makes them; False when the engine cannot speak one, or is away."""
        await self._learn(wanted)
        while missing := [key for key in wanted if key not in self._made]:
            progress(len(wanted) - len(missing), len(wanted))
            if self._is_away(name) or any(key in self._unspeakable for key in missing):
                return False
            if not await self._make_some(name, {key: wanted[key] for key in missing[:AT_ONCE]}):
                await wait_for(self._heard, POLL)  # somebody else is making them
            await self._learn(missing)
        progress(len(wanted), len(wanted))
        return True

    async def _make_some(self, name: str, wanted: Mapping[bytes, Utterance]) -> bool:
        """Make those of the clips that nobody else makes; answers whether there were any."""
        now = self.clock.now()
        until = now + timedelta(seconds=MAKING * self.clock.scale)
        mine = await self.store.claim(name, wanted, self.maker, now, until)
        if not mine:
            return False
        spoken = await asyncio.gather(*(self._speak(name, key, wanted[key]) for key in mine))
        made = {key: audio for key, audio in zip(mine, spoken, strict=True) if audio is not None}
        await self.store.keep(made, self.maker, self.clock.now())
        if len(made) < len(mine):
            await self.store.give_up([key for key in mine if key not in made], self.maker)
        self._made |= made.keys()
        await self.wake_ups.send("clips")
        return True

    async def _speak(self, name: str, key: bytes, utterance: Utterance) -> bytes | None:
        """The clip, or None: then it is known why."""
        if self._is_away(name):
            return None
        try:
            encoded = await self.engines[name].speak(utterance)
            return await asyncio.to_thread(make_clip, encoded)
        except CannotSpeak as error:
            self._unspeakable.add(key)
            log.warning("clips.cannot_speak", engine=name, locale=utterance.locale, reason=str(error))
        except EngineAway as error:
            seconds = error.after.total_seconds() if error.after is not None else AWAY
            self._away[name] = time.monotonic() + seconds
            log.warning("clips.engine_away", engine=name, seconds=round(seconds), reason=str(error))
        except NotAudio as error:
            self._away[name] = time.monotonic() + AWAY
            log.warning("clips.not_audio", engine=name, reason=str(error))
        return None
