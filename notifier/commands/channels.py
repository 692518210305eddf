"""`notifier channels`: what each channel may do, pausing one and letting it go on."""

from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.terminal import channel_words, listing, print_json, screen, tell
from notifier.commands.words import bracketed, listed, say
from notifier.storage.budgets import ChannelBudget

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "List, pause and resume channels."
LIST = "List the channels: pace, what is in flight, and why one is paused."
PAUSE = "Pause a channel for every run.\n\nNothing is sent on it until it is resumed."
RESUME = "Let a paused channel go on."

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel: voice, sms, email.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier channels"))
    group.command("list", help=LIST, epilog=examples("notifier channels", "notifier channels --json"))(list_channels)
    group.command("pause", help=PAUSE, epilog=examples('notifier channels pause sms --reason "wrong sender"'))(pause)
    group.command("resume", help=RESUME, epilog=examples("notifier channels resume sms"))(resume)
    app.add_typer(group, name="channels")


def list_channels(as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        budgets = await app.budgets.all()
        if as_json:
            print_json(budgets)
        elif not budgets:
            tell(say("channels.none"))
        else:
            heads = [say(f"channels.{name}") for name in ("name", "rate", "in_flight", "standing")]
            rows = [
                [channel_words(b.channel), pace_words(b), in_flight_words(b), standing_words(app, b)] for b in budgets
            ]
            console = screen()
            console.print(listing(heads, rows, console.width))

    on_app(work)


def pause(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown wherever the channel is shown.")],
) -> None:
    async def work(app: "App") -> None:
        await _known(app, name)
        paused = await app.budgets.pause(name, reason)
        tell(say("channels.pause_done" if paused else "channels.already_paused", name=name))

    on_app(work)


def resume(name: Name) -> None:
    async def work(app: "App") -> None:
        await _known(app, name)
        resumed = await app.budgets.resume(name)
        await app.wake_ups.send("lanes")
        tell(say("channels.resume_done" if resumed else "channels.not_paused", name=name))

    on_app(work)


async def _known(app: "App", name: str) -> None:
    known = [budget.channel for budget in await app.budgets.all()]
    if name not in known:
        raise Failure(Exit.NOT_FOUND, say("channels.unknown", name=name, known=listed(known)))


def pace_words(budget: ChannelBudget) -> str:
    """By the minute where less than one a second would be a fraction."""
    if budget.rate < 1:
        return say("channels.per_minute", n=_figure(budget.rate * 60))
    return say("channels.per_second", n=_figure(budget.rate))


def _figure(rate: float) -> str:
    return f"{rate:.3g}" if rate < 100 else f"{rate:.0f}"


def in_flight_words(budget: ChannelBudget) -> str:
    if budget.most_in_flight is None:
        return str(budget.in_flight)
    return say("channels.of", n=budget.in_flight, most=budget.most_in_flight)


def standing_words(app: "App", budget: ChannelBudget) -> str:
    if budget.paused is None:
        return say("channels.running")
    words = say("channels.paused", why=budget.paused)
    if budget.paused_until is None:
        return words
    return words + bracketed(say("channels.until", at=at(app, budget.paused_until)))
