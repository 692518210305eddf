"""Parts that never give up: what fails is said, waited out with jitter, and tried again. Real seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from notifier.storage.database import LOST, Backoff

log = structlog.get_logger()

T = TypeVar("T")

SAID_AGAIN = 60.0  # real seconds between two lines of the log about one outage


class Patience:
    """Waits for a lost database, longer each time. An outage is said when it begins, once a minute, and when it ends:
    not at every turn of every part."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._backoff = Backoff()
        self._since: float | None = None
        self._said = 0.0

    async def wait(self, error: BaseException) -> None:
        await asyncio.sleep(self.lost(error))

    def lost(self, error: BaseException) -> float:
        """Real seconds to wait before the next try."""
        now = time.monotonic()
        if self._since is None:
            self._since, self._said = now, -SAID_AGAIN
        if now - self._said >= SAID_AGAIN:
            self._said = now
            log.warning("database_lost", part=self._part, error=type(error).__name__, seconds=round(now - self._since))
        return self._backoff.next()

    def reset(self) -> None:
        """It has answered."""
        self._backoff.reset()
        if self._since is not None:
            log.info("database_back", part=self._part, seconds=round(time.monotonic() - self._since, 1))
            self._since = None


class Persistence:
    """Carries out one turn of a part after another, whatever a turn raises.

    A lost database is waited for. Anything else is a fault of ours: it is logged whole, and the other customers'
    notifications are not made to wait for it: leases and look-ups bring back what the turn had in hand.
    """

    def __init__(self, part: str) -> None:
        self._part = part
        self._patience = Patience(part)
        self._backoff = Backoff()

    async def attempt(self, turn: Callable[[], Awaitable[bool]]) -> bool:
        """Whether the turn was carried through and wants another at once."""
        try:
            again = await turn()
        except LOST as error:
            _end_if_cancelled()
            await self._patience.wait(error)
        except Exception:
            _end_if_cancelled()
            log.exception("turn_failed", part=self._part)
            await self._backoff.wait()
        else:
            self._patience.reset()
            self._backoff.reset()
            return again
        return True


async def persist(part: str, act: Callable[[], Awaitable[T]]) -> T:
    """What it comes to, once the database is there for it."""
    patience = Patience(part)
    while True:
        try:
            done = await act()
        except LOST as error:
            _end_if_cancelled()
            await patience.wait(error)
        else:
            patience.reset()
            return done


def _end_if_cancelled() -> None:
    """asyncpg, disturbed while it takes a connection back, may raise something else in the place of a cancellation. A
    part that went on then would never end, and nor would the process."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Until the event is set, which is then cleared, or so many real seconds have passed; answers which."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
