"""One speech engine as this process knows it: its pace, whether it is away, and which clips it has no sound for."""

import asyncio
import math
import time
from collections.abc import Mapping
from concurrent.futures import Executor

import structlog

from notifier.domain.speech import CannotSpeak, EngineAway, NotAudio, SpeechEngine, Utterance
from notifier.speech.audio import make_clip

log = structlog.get_logger()

SPEAKING = 20.0  # real seconds an engine has for the clips of one claim; what is late then is anybody's to make
PORTION = 5.0  # ... and should take for them: a service that is asked four times a second is given 20, not 64
AT_ONCE = 64  # clips claimed and kept together, at most
AWAY = 30.0  # real seconds an engine that did not answer is left alone, unless it says for how long
LEAST_AWAY = 1.0  # real seconds, however soon it says that it is back
SET_ASIDE = 600.0  # real seconds a clip is left out that the engine made no sound of
SOUNDLESS = 3  # clips in a row without sound: then it is not the words, and the engine is left alone
MOST_LEFT_OUT = 100_000  # clips remembered as left out: about 15 MB


class Speaker:
    """`encoders`: the threads that make clips of what the engine says, so that the loop is free meanwhile."""

    def __init__(self, engine: SpeechEngine, encoders: Executor) -> None:
        self.engine = engine
        self.portion = self._in_time(engine.abilities.clips_per_second)  # clips to claim for it
        self._encoders = encoders
        self._away_until = 0.0
        self._left_out: dict[bytes, float] = {}
        self._soundless: list[bytes] = []  # clips in a row

    @property
    def is_away(self) -> bool:
        return self._away_until > time.monotonic()

    @property
    def leaves_something_out(self) -> bool:
        return bool(self._left_out)

    def leaves_out(self, key: bytes) -> bool:
        """Whether it cannot speak this clip, or could not a while ago."""
        return key in self._left_out and self._left_out[key] > time.monotonic()

    async def speak(self, wanted: Mapping[bytes, Utterance]) -> dict[bytes, bytes]:
        """The clips that came of these words in the engine's time. Of the others it is known, and logged, why."""
        began = time.monotonic()
        speaking = {key: asyncio.create_task(self._clip(key, utterance)) for key, utterance in wanted.items()}
        try:
            done, late = await asyncio.wait(speaking.values(), timeout=SPEAKING)
        finally:
            for task in speaking.values():
                task.cancel()
        made = {key: sound for key, task in speaking.items() if task in done and (sound := task.result()) is not None}
        if made:
            self.portion = self._in_time(len(made) / (time.monotonic() - began))
        elif late:
            self._leave_alone(AWAY, "it speaks too slowly to be waited for")
        return made

    def _in_time(self, clips_per_second: float) -> int:
        return max(1, min(AT_ONCE, round(clips_per_second * PORTION)))

    async def _clip(self, key: bytes, utterance: Utterance) -> bytes | None:
        if self.is_away:
            return None
        try:
            encoded = await self.engine.speak(utterance)
            sound = await asyncio.get_running_loop().run_in_executor(self._encoders, make_clip, encoded)
        except Exception as error:  # whatever an engine does: the call is spoken by another
            self._note(key, utterance, error)
            return None
        self._soundless.clear()
        return sound

    def _note(self, key: bytes, utterance: Utterance, error: Exception) -> None:
        match error:
            case CannotSpeak():
                self._leave_out(key, math.inf)
                log.warning("clips.cannot_speak", engine=self.engine.name, locale=utterance.locale, reason=str(error))
            case EngineAway():
                seconds = error.after.total_seconds() if error.after is not None else AWAY
                self._leave_alone(max(seconds, LEAST_AWAY), str(error))
            case NotAudio():
                self._set_aside(key, utterance, str(error))
            case _:  # only its kind: its words may quote what was to be said
                self._set_aside(key, utterance, type(error).__name__)

    def _set_aside(self, key: bytes, utterance: Utterance, reason: str) -> None:
        """One text of which no sound comes must not silence the engine for all others. Several in a row are no fault
        of theirs."""
        log.warning("clips.no_sound", engine=self.engine.name, locale=utterance.locale, reason=reason)
        self._leave_out(key, time.monotonic() + SET_ASIDE)
        self._soundless.append(key)
        if len(self._soundless) >= SOUNDLESS:
            self._leave_alone(AWAY, f"no sound of {SOUNDLESS} texts in a row")
            for one in self._soundless:
                self._left_out.pop(one, None)
            del self._soundless[0]  # one more is enough to see that nothing has changed

    def _leave_out(self, key: bytes, until: float) -> None:
        if len(self._left_out) >= MOST_LEFT_OUT:
            self._left_out.clear()
        self._left_out[key] = until

    def _leave_alone(self, seconds: float, reason: str) -> None:
        if not self.is_away:
            log.warning("clips.engine_away", engine=self.engine.name, seconds=round(seconds), reason=reason)
        self._away_until = max(self._away_until, time.monotonic() + seconds)
