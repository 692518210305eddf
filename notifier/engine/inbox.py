"""Receipts in: on disk before they are answered, many in one commit; applied once each, in any order."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from notifier.domain.receipt import Receipt
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.recorder import Recorder
from notifier.storage.attempts import AttemptStore
from notifier.storage.database import LOST, WakeUps

log = structlog.get_logger()

GROUP = 500
POLL = 1.0  # real seconds; covers a lost wake-up
STORED_WITHIN = 8.0  # real seconds; the carrier waits 15 s for its answer


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one callback brought. `stored` is done when it is on disk, or will not be."""

    receipts: Sequence[Receipt]
    stored: "asyncio.Future[None]"


class Intake:
    """The web side: stores what callbacks say. `take` returns when it is committed."""

    def __init__(self, attempts: AttemptStore, wake_ups: WakeUps) -> None:
        self._attempts = attempts
        self._wake_ups = wake_ups
        self._waiting: list[Delivery] = []
        self._arrived = asyncio.Event()

    async def take(self, receipts: Sequence[Receipt]) -> None:
        """Until the receipts are on disk. Raises what the database raises, or TimeoutError after STORED_WITHIN: the
        provider will then try again, and has not hung up yet."""
        delivery = Delivery(receipts, asyncio.get_running_loop().create_future())
        self._waiting.append(delivery)
        self._arrived.set()
        async with asyncio.timeout(STORED_WITHIN):
            await delivery.stored

    async def run(self) -> None:
        """Commit what has arrived, as one group while the group before is being committed."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                if wanted := [one for one in group if not one.stored.done()]:  # nobody waits for the others any more
                    await self._store(wanted)

    async def _store(self, group: Sequence[Delivery]) -> None:
        try:
            await self._attempts.store([receipt for one in group for receipt in one.receipts])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, LOST):  # one odd receipt must not cost the others their place
                for one in group:
                    await self._store([one])
                return
            log.warning("intake.failed", error=type(error).__name__, callbacks=len(group))
            _answer(group, error)
            return
        _answer(group)
        with suppress(*LOST):  # what is stored is found by the next poll
            await self._wake_ups.send("inbox")


def _answer(group: Sequence[Delivery], error: Exception | None = None) -> None:
    """Whoever waits must hear what became of it: on an error the provider repeats."""
    for one in group:
        if one.stored.done():
            continue
        if error is None:
            one.stored.set_result(None)
        else:
            one.stored.set_exception(error)


class Inbox:
    """The worker side: applies what is stored."""

    def __init__(self, recorder: Recorder, wake_ups: WakeUps) -> None:
        self._recorder = recorder
        self._wake_ups = wake_ups
        self._woken = wake_ups.event("inbox")

    async def run(self) -> None:
        persistence = Persistence("inbox")
        while True:
            if not await persistence.attempt(self._turn):
                await wait_for(self._woken, POLL)

    async def _turn(self) -> bool:
        applied = await self._recorder.apply_news()
        if applied:
            self._wake_ups.ring("lanes")
        return applied > 0
