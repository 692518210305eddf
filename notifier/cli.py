"""The command line: joins the commands and translates their help. What a command does is in `notifier.commands`."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from notifier.commands import (
    api_key,
    cases,
    channels,
    check,
    demo,
    events,
    held,
    inbox,
    lists,
    migrate,
    numbers,
    run,
    runs,
    sandbox,
    schedules,
    services,
    suppressions,
    suspensions,
    voice,
    webhook,
    who,
)
from notifier.commands.exits import Exit
from notifier.commands.help_zh import in_chinese
from notifier.commands.opening import show_tracebacks
from notifier.commands.terminal import error_screen
from notifier.commands.typer_zh import run_in_chinese
from notifier.commands.words import Language, choose, chosen, language_of, say, take_language

GROUPS = (
    demo, migrate, check, services, run, runs, held, inbox, who, cases, lists, events, api_key, webhook, channels,
    schedules, suspensions, suppressions, numbers, voice, sandbox,
)  # fmt: skip
HELP = "Call, text and mail an electricity utility's customers: on time, once, and with a log that adds up."


def build() -> typer.Typer:
    """The typer app with every command, in English."""
    app = typer.Typer(
        name="notifier",
        help=HELP,
        epilog=exit_codes(),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_before)
    for group in GROUPS:
        group.register(app)
    return app


def exit_codes() -> str:
    """What scripts can rely on, in the chosen language."""
    return "\n".join([say("exit.codes"), *(f"  {code.value}  {say(f'exit.{code.value}')}" for code in Exit)])


def _before(
    lang: Annotated[str, typer.Option("--lang", metavar="zh|en", help="Language; else as LC_ALL or LANG ask.")] = "",
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """`lang` is here for the help page: `main` takes it from anywhere on the line."""
    del lang
    show_tracebacks(traceback)


def command() -> Any:
    """The whole tree, its help in the chosen language."""
    tree = get_command(build())
    if chosen() is Language.ZH:
        _translate(tree)
    return tree


def _translate(node: Any) -> None:
    for name in ("help", "short_help", "epilog"):
        if text := getattr(node, name, None):
            setattr(node, name, in_chinese(text))
    context = typer.Context(node)
    for parameter in node.get_params(context):  # with --help, which no command declares
        if getattr(parameter, "help", None):
            parameter.help = in_chinese(parameter.help)
    for child in getattr(node, "commands", {}).values():
        _translate(child)


def main(args: Sequence[str] | None = None) -> None:
    """The console script. Ends the process with one of `Exit`."""
    try:
        language, rest = take_language(sys.argv[1:] if args is None else args)
    except ValueError:
        choose(language_of({}))
        error_screen().print(say("error", sentence=say("lang.bad")))
        sys.exit(Exit.USAGE)
    choose(language)
    if language is Language.ZH:
        sys.exit(run_in_chinese(command(), rest, "notifier"))
    command()(args=rest, prog_name="notifier")
