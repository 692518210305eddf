"""A process of its own that wishes for clips of a speech service, many times over at the same moment."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from yarl import URL

from notifier.clock import SystemClock
from notifier.domain.speech import CARRIER, Utterance
from notifier.engine.clips import Clips
from notifier.speech.gtts import Gtts
from notifier.storage.clips import ClipStore
from notifier.storage.database import WakeUps, open_pool

spawn = get_context("spawn")
START = 60.0  # real seconds the slowest of them may take to be ready


@dataclass(frozen=True)
class Orders:
    """`requests`: how often all the words are asked for; `authority`: the certificate that the service's is under."""

    database: str
    service: str
    authority: Path
    words: tuple[Utterance, ...]
    requests: int


@contextmanager
def makers(orders: Orders, count: int) -> "Iterator[Queue[list[bool]]]":
    """So many processes that begin together; each puts what became of its requests into the queue."""
    together, answers = spawn.Barrier(count), spawn.Queue()
    processes: list[SpawnProcess] = [
        spawn.Process(target=_live, args=(orders, together, answers)) for _ in range(count)
    ]
    try:
        for process in processes:
            process.start()
        yield answers
    finally:
        for process in processes:
            process.kill()
            process.join()


def _live(orders: Orders, together: Barrier, answers: "Queue[list[bool]]") -> None:
    answers.put(asyncio.run(_make(orders, together)))
    answers.close()
    answers.join_thread()


async def _make(orders: Orders, together: Barrier) -> list[bool]:
    async with AsyncExitStack() as stack:
        engine = Gtts(URL(orders.service), ssl.create_default_context(cafile=orders.authority), spacing=0.0)
        stack.push_async_callback(engine.close)
        pool = await stack.enter_async_context(await open_pool(orders.database, name="maker", size=5))
        wake_ups = WakeUps(pool, orders.database)
        clips = Clips(ClipStore(pool), {"gtts": engine}, ["gtts", CARRIER], b"sealed", SystemClock(), wake_ups)
        listening = asyncio.create_task(wake_ups.listen())
        wanted = {clips.key("gtts", word): word for word in orders.words}
        together.wait(START)
        made = await asyncio.gather(*(clips.make("gtts", wanted) for _ in range(orders.requests)))
        listening.cancel()
        return made
