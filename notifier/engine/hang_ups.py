"""Which line of a call was being said when it ended, worked out when its last receipt is judged and kept with it: the
words may be erased later, the line is not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from notifier.domain.attempt_id import AttemptId
from notifier.domain.dialogue_words import say
from notifier.domain.disposition import PICKED_UP
from notifier.domain.last_heard import LAST_HEARD, LastHeard, Passage, last_heard, seconds_told
from notifier.domain.message import VoiceMessage, read_message
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.domain.recording import Part, part_of, sequence
from notifier.domain.states import AttemptState
from notifier.engine.clips import Clips
from notifier.speech.audio import RATE
from notifier.storage.attempts import AttemptFile, AttemptStore, Verdict

log = structlog.get_logger()

FALLBACK = "fallback"
MOST_KNOWN = 100_000  # clips whose length is remembered


@dataclass
class HangUps:
    """Only what the attempts store and the clip store hold is asked; no provider."""

    attempts: AttemptStore
    clips: Clips
    _sizes: dict[bytes, int] = field(default_factory=dict)

    async def last_heard(
        self, connection: Any, judged: Sequence[tuple[AttemptFile, Verdict]], now: datetime
    ) -> list[Receipt]:
        """Our conclusions about those of the calls that have just ended without an answer by key."""
        ended = [file.id for file, verdict in judged if _left(file, verdict)]
        if not ended:
            return []
        messages = await self.attempts.messages_of(connection, ended)
        told = await self.attempts.told_of(connection, ended)
        found = [(one, await self._of_call(connection, messages.get(one), told[one])) for one in ended]
        return [_conclusion(attempt, heard, now) for attempt, heard in found if heard is not None]

    async def _of_call(self, connection: Any, stored: Any, told: Sequence[Receipt]) -> LastHeard | None:
        try:
            message = read_message(stored) if stored else None
            return await self._in_message(connection, message, told) if isinstance(message, VoiceMessage) else None
        except (ValueError, KeyError, TypeError) as error:  # an older version's words: no reason to judge nothing
            log.warning("last_heard.unreadable", error=type(error).__name__)
            return None

    async def _in_message(self, connection: Any, message: VoiceMessage, told: Sequence[Receipt]) -> LastHeard | None:
        if any(receipt.status == FALLBACK for receipt in told):  # other words than the message's were said
            return None
        passage, began = Passage(message.locale, Part.ESSENTIAL), None
        for receipt in told:
            if (led_to := Passage.read(receipt.detail)) is not None:
                passage, began = led_to, receipt.at
        seconds = seconds_told(began, _answered_at(told), _ended_at(told), _lasted(told))
        if passage.part is None or seconds is None:
            return last_heard(message, passage, seconds)
        first = [say(passage.sentence, passage.locale, message.caller)] if passage.sentence else []
        lines = [*first, *part_of(message, passage.locale, passage.part)]
        spoken = await self._seconds(connection, message, passage, lines)
        return last_heard(message, passage, seconds, sum(spoken[: len(first)]), spoken[len(first) :])

    async def _seconds(
        self, connection: Any, message: VoiceMessage, passage: Passage, lines: Sequence[str]
    ) -> list[float]:
        """Of each line with its pauses; none at all when one of them is not known."""
        if message.engine not in self.clips.engines:
            return []
        spoken = [
            [(self.clips.key(message.engine, utterance), pause) for utterance, pause in one]
            for one in (sequence([line], passage.locale, slow=passage.slow) for line in lines)
        ]
        await self._learn(connection, {key for one in spoken for key, _ in one})
        if any(key not in self._sizes for one in spoken for key, _ in one):
            return []
        return [sum(self._sizes[key] / RATE + pause / 1000 for key, pause in one) for one in spoken]

    async def _learn(self, connection: Any, keys: set[bytes]) -> None:
        if len(self._sizes) > MOST_KNOWN:
            self._sizes.clear()
        if unknown := [key for key in keys if key not in self._sizes]:
            self._sizes |= await self.clips.store.sizes(connection, unknown)


def _left(file: AttemptFile, verdict: Verdict) -> bool:
    """Whether somebody, not a machine, was on the line and the call is over now, without an answering key."""
    after = verdict.progress
    is_new = file.progress.state is not AttemptState.ENDED and after.state is AttemptState.ENDED
    return is_new and after.disposition in PICKED_UP and after.action is None


def _answered_at(told: Sequence[Receipt]) -> datetime | None:
    return next((receipt.at for receipt in told if receipt.status == "in-progress"), None)


def _ended_at(told: Sequence[Receipt]) -> datetime | None:
    """When the provider told us by itself: what is looked up may have ended long before."""
    ends = (receipt for receipt in told if receipt.ended is not None)
    return next((receipt.at for receipt in ends if receipt.kind is ReceiptKind.CALLBACK), None)


def _lasted(told: Sequence[Receipt]) -> float | None:
    """As the provider counts the call, in whole seconds."""
    counts = [receipt.detail.get("seconds", "") for receipt in told if receipt.ended is not None]
    return next((float(seconds) for seconds in counts if seconds.isascii() and seconds.isdecimal()), None)


def _conclusion(attempt: AttemptId, heard: LastHeard, now: datetime) -> Receipt:
    return Receipt(attempt, ReceiptKind.VERDICT, LAST_HEARD, LAST_HEARD, now, detail=heard.detail())
