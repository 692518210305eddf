"""`notifier api-key`: who may send us events."""

from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import say

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "Make, list and revoke the keys of the API."
LIST = "List the keys of the API.\n\nBy name; a key itself is shown once, when it is made."
ADD = "Make a key.\n\nIt is printed once and kept as a hash only: hand it on at once."
REVOKE = "Revoke a key.\n\nIt opens nothing from this moment on."

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, for example case-system.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier api-key"))
    group.command("list", help=LIST, epilog=examples("notifier api-key", "notifier api-key list --json"))(list_keys)
    group.command("add", help=ADD, epilog=examples("notifier api-key add case-system"))(add)
    group.command("revoke", help=REVOKE, epilog=examples("notifier api-key revoke case-system"))(revoke)
    app.add_typer(group, name="api-key")


def list_keys(as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        found = await app.api_keys.all()
        if as_json:
            print_json(found)
            return
        if not found:
            tell(say("api_key.none"))
            return
        heads = [say(f"api_key.{name}") for name in ("name", "made", "used", "revoked")]
        rows = [[key.name, at(app, key.made_at), at(app, key.used_at), at(app, key.revoked_at)] for key in found]
        console = screen()
        console.print(listing(heads, rows, console.width))

    on_app(work)


def add(name: Name) -> None:
    async def work(app: "App") -> None:
        key = await app.api_keys.add(name, app.clock.real_now())
        if key is None:
            raise Failure(Exit.USAGE, say("api_key.taken", name=name))
        typer.echo(say("api_key.added", name=name), err=True)
        typer.echo(key)  # alone on stdout, for a script to keep

    on_app(work)


def revoke(name: Name) -> None:
    async def work(app: "App") -> None:
        if not await app.api_keys.revoke(name, app.clock.real_now()):
            raise Failure(Exit.NOT_FOUND, say("api_key.unknown", name=name))
        tell(say("api_key.gone", name=name))

    on_app(work)
