"""From a command line to a running program: settings, the loop, the opened app, and the exit code."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from notifier.commands import logs
from notifier.commands.exits import Exit, Failure
from notifier.commands.failures import explain
from notifier.commands.terminal import error_screen
from notifier.commands.words import say
from notifier.domain.campaign import Campaign
from notifier.settings import Settings, read_settings
from notifier.storage.runs import Run

if TYPE_CHECKING:
    from notifier.app import App

Work = Callable[["App"], Awaitable[Exit | None]]

_tracebacks = False


def show_tracebacks(wanted: bool) -> None:
    global _tracebacks
    _tracebacks = wanted


def on_app(work: Work, *, settings: Settings | None = None, name: str = "command") -> None:
    """Do the work with everything opened, then end the command with what it answers."""

    async def opened() -> Exit | None:
        from notifier.app import open_app  # takes half a second: not for --help

        async with open_app(settings or settings_or_fail(), name=name) as app:
            return await work(app)

    carry_out(opened())


def carry_out(work: Coroutine[Any, Any, Exit | None], *, quick_loop: bool = False) -> None:
    """Run to the end and exit; an error becomes one sentence on stderr and its exit code.

    `quick_loop`: on uvloop where it can be had, for processes that stay.
    """
    logs.configure_quiet()
    try:
        with asyncio.Runner(loop_factory=_loop_factory() if quick_loop else None) as runner:
            code = runner.run(work)
    except KeyboardInterrupt:
        error_screen().print(say("interrupted"))
        raise typer.Exit(Exit.INTERRUPTED) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        fail(error)
    raise typer.Exit(code or Exit.DONE)


def fail(error: Exception) -> None:
    """End the command with the sentence that an error comes to."""
    if _tracebacks:
        raise error
    failure = explain(error)
    error_screen().print(say("error", sentence=failure), soft_wrap=True)
    raise typer.Exit(failure.code) from None


def settings_or_fail(**given: Any) -> Settings:
    """The settings of this process. Raises Failure naming the variable that is missing or wrong."""
    try:
        return read_settings(**{name: value for name, value in given.items() if value is not None})
    except Exception as error:
        raise explain(error) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


async def find_run(app: "App", named: str) -> Run:
    """The run of this id or key. Raises Failure when there is none."""
    run = await app.runs.by_id(int(named)) if named.isascii() and named.isdigit() and len(named) < 19 else None
    run = run or await app.runs.by_key(named)
    if run is None:
        raise Failure(Exit.NOT_FOUND, say("run.unknown", run=named))
    return run


def find_campaign(app: "App", name: str) -> Campaign:
    """The campaign of this name. Raises Failure when it is not installed."""
    campaigns = app.catalogue.campaigns
    if name not in campaigns:
        known = ", ".join(sorted(campaigns)) or say("none")
        raise Failure(Exit.USAGE, say("run.kind_of", name=name, known=known))
    return campaigns[name]


def at(app: "App", moment: datetime | None) -> str:
    """A moment as a person here reads it: the hour today, with the day at any other time."""
    if moment is None:
        return ""
    local = app.catalogue.calendar.local(moment)
    today = app.catalogue.calendar.local(app.clock.now()).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
