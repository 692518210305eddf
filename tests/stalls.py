"""How long an event loop is held up."""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

TURN = 0.002  # seconds between two looks
THREADS = Path("/proc/self/task")


async def longest_stall(until: "asyncio.Task[Any]") -> float:
    """The longest that the loop did not turn until the task was done, in seconds: by its own work, or because another
    thread would not let go of the interpreter. What threads waited for a core is not counted: on a machine with other
    work the loop is late without anybody of ours holding it up."""
    longest = 0.0
    with _what_is_loaded_set_aside():
        while not until.done():
            before, worked, waited = time.perf_counter(), time.thread_time(), _waited_for_a_core()
            await asyncio.sleep(TURN)
            late = time.perf_counter() - before - TURN - (_waited_for_a_core() - waited)
            longest = max(longest, late, time.thread_time() - worked)
        await until
    return longest


@contextmanager
def _what_is_loaded_set_aside() -> Iterator[None]:
    """From the garbage collector, as `serve` does: to look through all that a test run has loaded takes it 0.1 s."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _waited_for_a_core() -> float:
    """All threads since they began, in seconds, as Linux counts them; 0 where nobody does."""
    waited = 0
    for thread in THREADS.glob("*/schedstat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            waited += int(thread.read_text().split()[1])
    return waited / 1e9
