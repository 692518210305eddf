"""`notifier held`: what waits for a person, and what the person decides."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import find_run, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.reasons import in_words
from notifier.commands.terminal import channel_words, listing, print_json, screen, tell
from notifier.commands.words import say
from notifier.domain.states import RunState
from notifier.domain.written import mask_phone, written_account

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "List, release and close what waits for a person."
LIST = "List what waits for a person."
RELEASE = "Send a held notification after all.\n\nFrom its first step, or from the step of its last attempt."
CLOSE = "Close a held notification.\n\nIt was dealt with otherwise, as the reason says."

Id = Annotated[int, typer.Argument(metavar="ID", help="The notification, as `notifier held` lists it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier held", "notifier held 12"))
    group.command("list", help=LIST, epilog=examples("notifier held", "notifier held 12 --json"))(list_held)
    group.command("release", help=RELEASE, epilog=examples("notifier held release 1034"))(release)
    group.command("close", help=CLOSE, epilog=examples('notifier held close 1034 --reason "called by Ms Lin"'))(close)
    app.add_typer(group, name="held")


def list_held(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Only of this run: its id, or its key.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        of = (await find_run(app, run)).id if run is not None else None
        found = await app.runs.held(of, most)
        if as_json:
            print_json([asdict(one) for one in found])
        elif not found:
            tell(say("held.none"))
        else:
            heads = [say("held.id"), say("runs.id"), say("held.account"), say("held.why")]
            rows = [[str(h.id), str(h.run), _account(h.account_no), in_words(h.reason)] for h in found]
            console = screen()
            console.print(listing(heads, rows, console.width))
            if len(found) == most:
                console.print(say("held.more", n=most))

    on_app(work)


def release(notification: Id) -> None:
    async def work(app: "App") -> None:
        held = await _find(app, notification)
        if RunState(held["run_state"]) in (RunState.CANCELLED, RunState.FAILED):
            state = say(f"state.{held['run_state']}")
            raise Failure(Exit.UNFINISHED, say("held.run_over", run=held["run_id"], id=notification, state=state))
        step = _step(app, held)
        channel = app.catalogue.campaign(held["campaign"]).plan[step].channel
        if not await app.runs.release_held(notification, channel, step, app.clock.now()):
            raise _gone(notification)
        await app.wake_ups.send("lanes")
        tell(say("held.released", id=notification, channel=channel_words(channel)))

    on_app(work)


def close(
    notification: Id,
    reason: Annotated[str, typer.Option("--reason", help="What was done instead; kept in the log.")],
) -> None:
    async def work(app: "App") -> None:
        if not await app.runs.close_held(notification, reason, app.clock.now()):
            raise _gone(notification)
        tell(say("held.closed", id=notification, why=reason))

    on_app(work)


async def _find(app: "App", notification: int) -> dict[str, Any]:
    held = await app.inquiries.held(notification)
    if held is None:
        raise _gone(notification)
    return held


def _step(app: "App", held: dict[str, Any]) -> int:
    """Where the notification goes on: the step of its last attempt while that can still be taken, else the one
    after; without an attempt, the first."""
    campaign = app.catalogue.campaign(held["campaign"])
    route = app.catalogue.route(campaign, held["phone"], held["email"], held["prefers"])
    last = held["last_step"]
    step = route.at_or_after(last) if last is not None else route.first()
    if step is None:
        raise Failure(Exit.UNFINISHED, say("held.no_route", id=held["id"]))
    return step


def _gone(notification: int) -> Failure:
    return Failure(Exit.NOT_FOUND, say("held.unknown", id=notification))


def _account(account: str) -> str:
    """As the bill shows it; what is no account number is hidden like a telephone number, which it may be."""
    try:
        return written_account(account)
    except ValueError:
        return mask_phone(account)
