"""Requests to a provider: one task each, so many at a time, spaced by the pace. Whatever comes of one is an answer."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.attempt_id import AttemptId
from notifier.domain.channel import Address, Channel
from notifier.domain.errors import ChannelError, Unavailable
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.engine.answers import answer_of_error, never_sent
from notifier.engine.channel_health import ChannelHealth
from notifier.engine.recorder import Answer, Recorder
from notifier.engine.telling import Planned
from notifier.storage.attempts import AttemptFile
from notifier.storage.budgets import Grant

log = structlog.get_logger()

WINDOW = 1.0  # real seconds one grant of pace covers
FRESH = 2.0  # real seconds facts may be old when the request leaves; older attempts are not sent any more
AT_ONCE = timedelta(0)


class Sending:
    """The requests of one lane; at most `concurrency` of them are open."""

    def __init__(
        self, channel: Channel, clock: Clock, recorder: Recorder, health: ChannelHealth, concurrency: int
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._recorder = recorder
        self._health = health
        connections = channel.abilities.connections
        self._most = concurrency if connections is None else min(concurrency, connections)
        self._room = asyncio.Semaphore(self._most)
        self._open: set[asyncio.Task[None]] = set()

    async def room(self) -> int:
        """How many more requests may be open; waits until there is room for one."""
        async with self._room:
            return max(1, self._most - len(self._open))

    def start(self, attempts: Sequence[tuple[AttemptFile, Planned]], grant: Grant, asked_at: float) -> None:
        """A burst is spread over its window, or the last would grow stale. `asked_at`: monotonic, of the facts."""
        gap = min(1 / grant.rate, WINDOW * self._clock.scale / max(1, len(attempts)))
        for number, (file, plan) in enumerate(attempts):
            task = asyncio.create_task(self._send(file, plan, number * gap, asked_at))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def finish(self) -> None:
        """Return when everything sent has been handed to the recorder."""
        if self._open:
            await asyncio.wait(self._open)

    async def _send(self, file: AttemptFile, plan: Planned, delay: float, asked_at: float) -> None:
        async with self._room:
            if delay:
                await self._clock.sleep(delay)
            answer = await self._ask(file, plan, asked_at)
        await self._recorder.put(answer)

    async def _ask(self, file: AttemptFile, plan: Planned, asked_at: float) -> Answer:
        if time.monotonic() - asked_at > FRESH:
            return Answer(file, never_sent(file.id, "facts_went_stale", self._clock.now()), AT_ONCE)
        try:
            receipt = await self._channel.send(plan.message, Address(plan.address), file.id)
        except ChannelError as error:
            outage = await self._health.note(error)
            after = error.after if isinstance(error, Unavailable) else None
            return Answer(file, answer_of_error(file.id, error, self._clock.now(), outage=outage), after)
        except Exception as error:  # a fault of ours between row and answer: the request may have left
            log.exception("lane.send_failed", channel=self._channel.name, attempt=str(file.id))
            return Answer(file, _uncertain(file.id, error, self._clock.now()))
        await self._health.forgive()
        return Answer(file, receipt)


def _uncertain(attempt: AttemptId, error: Exception, now: datetime) -> Receipt:
    return Receipt(attempt, ReceiptKind.ANSWER, "answer", type(error).__name__, now, uncertain=True)
