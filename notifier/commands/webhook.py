"""`notifier webhook`: who is told of events, and what became of each delivery."""

import re
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.webhook_view import delivery_words, heard_words, reason_words, standing_words
from notifier.commands.words import listed, say
from notifier.domain.delivery import DeliveryState
from notifier.domain.target import find_fault
from notifier.storage.webhooks import Target

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "Tell other systems of answers, and see whether they take them."
LIST = "List the subscribers.\n\nHow each does, what waits for it, and what it did not take."
ADD = (
    "Add a subscriber.\n\nIts secret is printed once, alone on stdout: whoever receives checks the signatures with it."
)
REMOVE = "Remove a subscriber.\n\nWhat still waits for it is not sent; the log of its deliveries stays."
DISABLE = (
    "Stop telling a subscriber, for now.\n\n"
    "What waits for it, and what happens meanwhile, is dead until it is replayed."
)
ENABLE = "Tell a disabled subscriber again."
DELIVERIES = (
    "List the newest deliveries.\n\n"
    "Each event for each subscriber: how often it was tried, what came back, when it is tried again."
)
REPLAY = "Send dead deliveries again.\n\nUnder the same ids, in the order of the events, behind what waits already."
TEST = (
    "Send one event that means nothing, now.\n\n"
    "It is signed like any other; prints what came back. Exit 5 when it was not taken."
)
TYPE = re.compile(r"[a-z_]+(\.[a-z_]+)+")

NewName = Annotated[str, typer.Argument(metavar="NAME", help="What to call it, for example case-system.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The subscriber, as `notifier webhook` lists it.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier webhook"))
    add_line = "notifier webhook add case-system https://cases.office.example/hook --type reply.received"
    group.command("list", help=LIST, epilog=examples("notifier webhook", "notifier webhook list --json"))(list_all)
    group.command("add", help=ADD, epilog=examples(add_line))(add)
    group.command("remove", help=REMOVE, epilog=examples("notifier webhook remove case-system"))(remove)
    disable_line = 'notifier webhook disable case-system --reason "moving to a new server"'
    group.command("disable", help=DISABLE, epilog=examples(disable_line))(disable)
    group.command("enable", help=ENABLE, epilog=examples("notifier webhook enable case-system"))(enable)
    group.command(
        "deliveries",
        help=DELIVERIES,
        epilog=examples("notifier webhook deliveries", "notifier webhook deliveries case-system --state dead"),
    )(deliveries)
    group.command(
        "replay",
        help=REPLAY,
        epilog=examples(
            'notifier webhook replay case-system --since "2026-12-01 14:00"',
            "notifier webhook replay case-system --id 1042",
        ),
    )(replay)
    group.command("test", help=TEST, epilog=examples("notifier webhook test case-system"))(test)
    app.add_typer(group, name="webhook")


def list_all(as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        found = await app.webhooks.all()
        if as_json:
            print_json(found)
        elif not found:
            tell(say("webhook.none"))
        else:
            names = ("name", "waiting", "dead", "types", "url", "standing")
            heads = [say(f"webhook.{name}") for name in names]
            rows = [
                [one.name, f"{one.waiting:,}", f"{one.dead:,}",
                 listed(one.types) if one.types else say("webhook.every_type"), one.url,
                 standing_words(one, partial(at, app))]
                for one in found
            ]  # fmt: skip
            console = screen()
            console.print(listing(heads, rows, console.width))

    on_app(work)


def add(
    name: NewName,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Where to send: https, and no address of a private network.")
    ],
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type", help="Only events of this type, for example reply.received; repeat for more. Without: all."
        ),
    ] = None,
) -> None:
    async def work(app: "App") -> None:
        if fault := find_fault(url, private=app.settings.webhook_private):
            why = say(f"target.{fault.value}", url=url)
            raise Failure(Exit.USAGE, say("webhook.bad_target", why=why))
        for kind in types or []:
            if not TYPE.fullmatch(kind):
                raise Failure(Exit.USAGE, say("webhook.bad_type", type=kind))
        secret = await app.webhooks.add(name, url, types, app.clock.now())
        if secret is None:
            raise Failure(Exit.USAGE, say("webhook.taken", name=name))
        typer.echo(say("webhook.added", name=name), err=True)
        typer.echo(secret)  # alone on stdout, for a script to hand on

    on_app(work)


def remove(name: Name) -> None:
    async def work(app: "App") -> None:
        target = await _find(app, name)
        await app.webhooks.remove(target.id, app.clock.now())
        tell(say("webhook.removed", name=name))

    on_app(work)


def disable(
    name: Name, reason: Annotated[str, typer.Option("--reason", help="Why; shown wherever the subscriber is.")]
) -> None:
    async def work(app: "App") -> None:
        target = await _find(app, name)
        done = await app.webhooks.disable(target.id, reason, app.clock.now())
        tell(say("webhook.disable_done" if done else "webhook.was_disabled", name=name))

    on_app(work)


def enable(name: Name) -> None:
    async def work(app: "App") -> None:
        target = await _find(app, name)
        done = await app.webhooks.enable(target.id)
        tell(say("webhook.enable_done" if done else "webhook.not_disabled", name=name))

    on_app(work)


def deliveries(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The subscriber, as `notifier webhook` lists it.")
    ] = None,
    state: Annotated[DeliveryState | None, typer.Option("--state", help="Only these: open, delivered or dead.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = [dict(row) for row in await app.webhooks.latest(name, state, most, app.clock.now())]
        if as_json:
            print_json(found)
        elif not found:
            tell(say("webhook.no_delivery"))
        else:
            heads = [
                say(f"delivery.{name}") for name in ("id", "at", "subscriber", "type", "subject", "tries", "state")
            ]
            rows = [
                [str(one["id"]), at(app, one["at"]), one["subscriber"], one["type"], one["subject"], str(one["tries"]),
                 delivery_words(one, partial(at, app))]
                for one in found
            ]  # fmt: skip
            console = screen()
            console.print(listing(heads, rows, console.width))

    on_app(work)


def replay(
    name: Name,
    since: Annotated[
        str | None, typer.Option("--since", help="Of events since this moment, for example '2026-12-01 14:00'.")
    ] = None,
    ids: Annotated[list[int] | None, typer.Option("--id", help="This delivery; repeat for more.")] = None,
    delivered: Annotated[bool, typer.Option("--delivered", help="Also those that were delivered.")] = False,
) -> None:
    async def work(app: "App") -> None:
        if since is None and not ids:
            raise Failure(Exit.USAGE, say("webhook.since_or_id"))
        target = await _find(app, name)
        if target.disabled_reason is not None:
            why = reason_words(target.disabled_reason)
            raise Failure(Exit.UNFINISHED, say("webhook.is_disabled", name=name, why=why))
        states = [DeliveryState.DEAD, *([DeliveryState.DELIVERED] if delivered else [])]
        moment = _moment(app, since) if since is not None else None
        count = await app.webhooks.replay(target.id, app.clock.now(), states=states, deliveries=ids or (), since=moment)
        if not count:
            raise Failure(Exit.NOT_FOUND, say("webhook.nothing_to_replay", name=name))
        await app.wake_ups.send("outbox")
        tell(say("webhook.replayed", n=count, name=name))

    on_app(work)


def test(name: Name) -> None:
    async def work(app: "App") -> Exit:
        target = await _find(app, name)
        heard = await app.courier().test(target)
        what = heard_words(str(heard))
        if heard.well:
            tell(say("webhook.test_well", name=name, what=what))
            return Exit.DONE
        raise Failure(Exit.UNFINISHED, say("webhook.test_failed", name=name, what=what))

    on_app(work)


async def _find(app: "App", name: str) -> Target:
    target = await app.webhooks.find(name)
    if target is None:
        raise Failure(Exit.NOT_FOUND, say("webhook.unknown", name=name))
    return target


def _moment(app: "App", text: str) -> datetime:
    """As a person here writes it: without a zone it is the house's."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Failure(Exit.USAGE, say("webhook.bad_moment", text=text)) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=app.catalogue.calendar.zone)
