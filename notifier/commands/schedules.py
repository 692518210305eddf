"""`notifier schedules`: when campaigns open by themselves."""

from typing import TYPE_CHECKING

import typer

from notifier.commands.examples import examples
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson
from notifier.commands.reasons import in_words
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import say

if TYPE_CHECKING:
    from notifier.app import App

HELP = "List the schedules.\n\nWhen each fires next, and what became of its last firing."


def register(app: typer.Typer) -> None:
    app.command("schedules", help=HELP, epilog=examples("notifier schedules", "notifier schedules --json"))(schedules)


def schedules(as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        found = await app.schedules.all()
        if as_json:
            print_json(found)
            return
        if not found:
            tell(say("schedules.none"))
            return
        heads = [say(f"schedules.{name}") for name in ("name", "cron", "next", "last", "note")]
        rows = [[s.name, s.cron, at(app, s.next_at), at(app, s.last_at), in_words(s.note)] for s in found]
        console = screen()
        console.print(listing(heads, rows, console.width))

    on_app(work)
