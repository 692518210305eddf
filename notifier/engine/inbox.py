"""Receipts in: on disk before they are answered, many in one commit; applied once each, in any order."""

import asyncio
from collections.abc import Sequence

import structlog

from notifier.domain.receipt import Receipt
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.recorder import Recorder
from notifier.storage.attempts import AttemptStore
from notifier.storage.database import WakeUps

log = structlog.get_logger()

GROUP = 500
POLL = 1.0  # real seconds; covers a lost wake-up


class Intake:
    """The web side: stores what callbacks say. `take` returns when it is committed."""

    def __init__(self, attempts: AttemptStore, wake_ups: WakeUps) -> None:
        self._attempts = attempts
        self._wake_ups = wake_ups
        self._waiting: list[tuple[Receipt, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()

    async def take(self, receipts: Sequence[Receipt]) -> None:
        """Until the receipts are on disk. Raises what the database raises: the provider will then try again."""
        futures = []
        for receipt in receipts:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((receipt, future))
            futures.append(future)
        self._arrived.set()
        for future in futures:
            await future

    async def run(self) -> None:
        """Commit what has arrived, as one group while the group before is being committed."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                await self._store(group)

    async def _store(self, group: Sequence[tuple[Receipt, asyncio.Future[None]]]) -> None:
        try:
            await self._attempts.store([receipt for receipt, _ in group])
            await self._wake_ups.send("inbox")
        except Exception as error:  # whoever waits must hear of it: the provider then repeats
            log.warning("intake.failed", error=type(error).__name__, receipts=len(group))
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for _, future in group:
            if not future.done():
                future.set_result(None)


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
