"""Looking at a run while it goes on: a page that renews itself, or a line per change where there is no terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from notifier.commands import progress
from notifier.commands.progress import Standing, read_standing
from notifier.commands.terminal import screen
from notifier.engine.backoff import wait_for

if TYPE_CHECKING:
    from notifier.app import App

REFRESH = 1.0  # real seconds between two looks; a change of the run's state is seen at once

Enough = Callable[[Standing], bool]


async def watch(app: "App", run_id: int, enough: Enough, *, quiet: bool = False) -> Standing:
    """Show the run until `enough` says so (or, if `quiet`, only look); answers how it stood then."""
    console = screen()
    console.quiet = quiet
    show = _page if console.is_terminal and not quiet else _lines
    async with _changes(app) as changed:
        return await show(app, run_id, enough, changed, console)


async def _page(app: "App", run_id: int, enough: Enough, changed: asyncio.Event, console: Console) -> Standing:
    standing = await read_standing(app, run_id)
    with Live(progress.page(app, standing), console=console, auto_refresh=False) as live:
        while not enough(standing):
            await wait_for(changed, REFRESH)
            standing = await read_standing(app, run_id)
            live.update(progress.page(app, standing), refresh=True)
    return standing


async def _lines(app: "App", run_id: int, enough: Enough, changed: asyncio.Event, console: Console) -> Standing:
    told = None
    while True:
        standing = await read_standing(app, run_id)
        run, progressed = standing.run, standing.progress
        news = (run.state, run.waiting_for, standing.tally, progressed.in_flight, standing.put_back)
        if news != told:
            told = news
            console.print(progress.line(app, standing))
        if enough(standing):
            return standing
        await wait_for(changed, REFRESH)


@asynccontextmanager
async def _changes(app: "App") -> AsyncIterator[asyncio.Event]:
    """An event that is set when a run's state has changed."""
    changed = app.wake_ups.event("runs")
    listening = asyncio.create_task(app.wake_ups.listen())
    try:
        yield changed
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
