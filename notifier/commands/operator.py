"""Who gives a command that is kept with a name."""

import getpass
from typing import Annotated

import typer

from notifier.commands.exits import Exit, Failure
from notifier.commands.words import say

By = Annotated[str | None, typer.Option("--by", help="Who says so; else your log-in name.")]


def operator(given: str | None) -> str:
    """The name that was given, or that of the log-in. Raises Failure where there is neither, as in a container."""
    if given and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise Failure(Exit.USAGE, say("by.needed")) from error
