"""`notifier numbers repair`: the telephones that the office should look at, as a table for a spreadsheet."""

import csv
import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import on_app
from notifier.commands.reasons import disposition_words, in_words
from notifier.commands.terminal import tell
from notifier.commands.words import say
from notifier.domain.written import written_account
from notifier.storage.numbers import Repair

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "What is known of telephones by their calls."
REPAIR = (
    "List the telephones that the office should look at.\n\nWrong ones, those that never answer, and cells that hold"
    " no number. The file holds facts of real customers: only its owner can read it."
)
HEADS = ("account", "cell", "number", "reason", "since", "last", "tries")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def register(app: typer.Typer) -> None:
    group = typer.Typer(help=GROUP, no_args_is_help=True, epilog=examples("notifier numbers repair"))
    group.command("repair", help=REPAIR, epilog=examples("notifier numbers repair --output repair.csv"))(repair)
    app.add_typer(group, name="numbers")


def repair(
    output: Annotated[
        Path | None, typer.Option("--output", help="A new file, in CSV; else one named by the day.")
    ] = None,
) -> None:
    async def work(app: "App") -> None:
        path = output or Path(f"telephones-{app.catalogue.calendar.local(app.clock.now()):%Y-%m-%d}.csv")
        with _new_file(path) as file:
            count = await write_repairs(app, file)
        tell(say("numbers.written", n=f"{count:,}", where=path))

    on_app(work)


async def write_repairs(app: "App", file: TextIO) -> int:
    """As they come; answers how many there are."""
    table = csv.writer(file)
    table.writerow([say(f"numbers.{name}") for name in HEADS])
    count = 0
    async with aclosing(app.numbers.repairs()) as repairs:
        async for one in repairs:
            table.writerow([harmless(cell) for cell in _cells(app, one)])
            count += 1
    return count


def harmless(cell: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever the source holds."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(app: "App", one: Repair) -> list[str]:
    local = app.catalogue.calendar.local
    since = f"{local(one.since):%Y-%m-%d}" if one.since else ""
    reason = disposition_words(one.reason) if one.number else in_words(one.reason)
    last, tries = f"{local(one.last_at):%Y-%m-%d %H:%M}", str(one.tries)
    return [_account(one.account_no), one.cell or "", one.number or "", reason, since, last, tries]


def _account(account: str) -> str:
    """With its dashes: a spreadsheet would drop the first 0 of a number."""
    try:
        return written_account(account)
    except ValueError:
        return account


def _new_file(path: Path) -> TextIO:
    """In UTF-8 with the mark by which Excel knows it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Failure(Exit.USAGE, say("numbers.exists", where=path)) from error
    except OSError as error:
        raise Failure(Exit.USAGE, say("voice.cannot_write", where=path, why=error.strerror)) from error
    return open(handle, "w", encoding="utf-8-sig", newline="")
