"""Waiting longer each time, with jitter, so that processes that fell together do not get up together. Real seconds."""

import asyncio
import random


class Backoff:
    def __init__(self, first: float = 0.1, longest: float = 3.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    async def wait(self) -> None:
        await asyncio.sleep(self._next * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        self._next = min(self._next * 2, self._longest)

    def reset(self) -> None:
        self._next = self._first
