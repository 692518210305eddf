"""Parts that never give up: what fails is said, waited out with jitter, and tried again. Real seconds."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from notifier.storage.database import LOST

log = structlog.get_logger()


class Backoff:
    """Waits longer each time; with jitter, so that processes that fell together do not get up together."""

    def __init__(self, first: float = 0.1, longest: float = 3.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    async def wait(self) -> None:
        await asyncio.sleep(self._next * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        self._next = min(self._next * 2, self._longest)

    def reset(self) -> None:
        self._next = self._first


class Persistence:
    """Carries out one turn of a part after another, whatever a turn raises.

    A lost database is waited for. Anything else is a fault of ours: it is logged whole, and the other customers'
    notifications are not made to wait for it: leases and look-ups bring back what the turn had in hand.
    """

    def __init__(self, part: str) -> None:
        self._part = part
        self._backoff = Backoff()

    async def attempt(self, turn: Callable[[], Awaitable[bool]]) -> bool:
        """Whether the turn was carried through and wants another at once."""
        try:
            again = await turn()
        except LOST as error:
            log.warning("database_lost", part=self._part, error=type(error).__name__)
        except Exception:
            log.exception("turn_failed", part=self._part)
        else:
            self._backoff.reset()
            return again
        await self._backoff.wait()
        return True


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Until the event is set, which is then cleared, or so many real seconds have passed; answers which."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
