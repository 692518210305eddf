"""`notifier runs | status | pause | resume | cancel`: what was opened, where it stands, and stopping it."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands import progress
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, find_run, on_app
from notifier.commands.options import AsJson, RunName
from notifier.commands.progress import read_standing, state_words
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.watching import watch
from notifier.commands.webhook_view import troubles
from notifier.commands.words import say
from notifier.domain.states import RUN_MOVES, RunState
from notifier.storage.runs import Run

if TYPE_CHECKING:
    from notifier.app import App

RUNS = "List the newest runs."
STATUS = (
    "Show where a run stands.\n\nSelected, settled by outcome, in flight, due later, held; the forecast of its finish;"
    " and whether it adds up."
)
PAUSE = "Pause a run.\n\nWhat is in flight ends by itself; nothing new is sent."
RESUME = "Let a paused run go on."
CANCEL = "Cancel a run for good.\n\nWhoever was not contacted yet may be told by another run."

# Kept in the log; put into words where it is shown.
BY_PERSON = {RunState.PAUSED: "paused by a person", RunState.CANCELLED: "cancelled by a person"}

Why = Annotated[str | None, typer.Option("--reason", help="Why; shown with the run.")]


def register(app: typer.Typer) -> None:
    app.command("runs", help=RUNS, epilog=examples("notifier runs", "notifier runs --most 5 --json"))(runs)
    app.command(
        "status",
        help=STATUS,
        epilog=examples("notifier status 12", "notifier status 12 --watch", "notifier status 12 --json"),
    )(status)
    app.command("pause", help=PAUSE, epilog=examples('notifier pause 12 --reason "wrong due date"'))(pause)
    app.command("resume", help=RESUME, epilog=examples("notifier resume 12"))(resume)
    app.command("cancel", help=CANCEL, epilog=examples("notifier cancel 12", "notifier cancel 12 --yes"))(cancel)


def runs(
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 20, as_json: AsJson = False
) -> None:
    async def work(app: "App") -> None:
        found = await app.runs.latest(most)
        if as_json:
            print_json([{**_plain(run), "notifications": count} for run, count in found])
        elif not found:
            tell(say("runs.none"))
        else:
            names = ("id", "state", "opened", "selected", "notifications")
            heads = [*(say(f"runs.{name}") for name in names), say("status.key")]
            rows = [
                [str(run.id), state_words(run.state), at(app, run.opened_at), f"{run.selected:,}",
                 f"{count:,}", run.key]
                for run, count in found
            ]  # fmt: skip
            console = screen()
            console.print(listing(heads, rows, console.width))

    on_app(work)


def status(
    run: RunName,
    watching: Annotated[bool, typer.Option("--watch", help="Renew it every second until the run is over.")] = False,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = await find_run(app, run)
        if watching and not as_json:
            standing = await watch(app, found.id, lambda standing: standing.over)
            if screen().is_terminal:
                return
        else:
            standing = await read_standing(app, found.id)
        if as_json:
            print_json(progress.standing_json(standing))
            return
        console = screen()
        console.print(progress.page(app, standing))
        if standing.tally.held:
            console.print(say("status.held_hint", run=found.id))
        for trouble in troubles(await app.webhooks.all(), partial(at, app)):
            console.print(trouble, style="yellow")

    on_app(work)


def pause(run: RunName, reason: Why = None) -> None:
    async def work(app: "App") -> None:
        found = await find_run(app, run)
        await _move(app, found, RunState.PAUSED, reason or BY_PERSON[RunState.PAUSED])
        tell(say("pause.done", run=found.id))

    on_app(work)


def resume(run: RunName) -> None:
    async def work(app: "App") -> None:
        found = await find_run(app, run)
        if found.state is RunState.WAITING:
            raise Failure(Exit.UNFINISHED, say("resume.waiting", run=found.id))
        if found.state is not RunState.PAUSED:
            raise _not_moved(found)
        await _move(app, found, RunState.OPEN, None)
        tell(say("resume.done", run=found.id))

    on_app(work)


def cancel(
    run: RunName,
    reason: Why = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    async def work(app: "App") -> None:
        found = await find_run(app, run)
        if RunState.CANCELLED not in RUN_MOVES[found.state]:
            raise _not_moved(found)
        tally = await app.runs.tally(found)
        still_open = tally.open + sum(tally.held.values())
        if not yes and not sys.stdin.isatty():
            raise Failure(Exit.USAGE, say("cancel.needs_yes", run=found.id, n=still_open))
        if not yes and not typer.confirm(say("cancel.ask", run=found.id, n=still_open)):
            tell(say("cancel.kept", run=found.id))
            return
        await _move(app, found, RunState.CANCELLED, reason or BY_PERSON[RunState.CANCELLED])
        tell(say("cancel.done", run=found.id, n=still_open))

    on_app(work)


async def _move(app: "App", run: Run, to: RunState, reason: str | None) -> None:
    """Move the run and wake whoever waits. Raises Failure where the run cannot be moved any more."""
    if run.state is to or not await app.runs.move(run.id, to, reason, app.clock.now()):
        raise _not_moved(await app.runs.by_id(run.id) or run)
    for word in ("runs", "lanes"):
        await app.wake_ups.send(word)


def _not_moved(run: Run) -> Failure:
    return Failure(Exit.UNFINISHED, say("move.not", run=run.id, state=state_words(run.state)))


def _plain(run: Run) -> dict[str, object]:
    return {name: getattr(run, name) for name in Run.__dataclass_fields__}
