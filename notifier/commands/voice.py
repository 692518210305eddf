"""`notifier voice explain | audition`: a call before anybody is rung, as a table and as recordings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from notifier.commands.contact_sheet import SHEET, CannotWrite, Occupied, new_folder, write_takes
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.explanation_view import explanation_json, explanation_page
from notifier.commands.opening import find_campaign, on_app
from notifier.commands.options import AsJson
from notifier.commands.reasons import in_words
from notifier.commands.terminal import engine_words, error_screen, print_json, screen, tell
from notifier.commands.words import Language, chosen, say
from notifier.domain.campaign import Campaign
from notifier.domain.message import LOCALES

if TYPE_CHECKING:
    from notifier.app import App
    from notifier.engine.audition import Take
    from notifier.engine.audition_calls import Call
    from notifier.engine.clips import Progress

GROUP = "Look at and listen to a campaign's calls before anybody is rung."
EXPLAIN = (
    "Show what a call is made of.\n\nAs it would be made now: each line, its clips, the silence after each, who speaks,"
    " and what is recorded already. Changes nothing."
)
AUDITION = (
    "Record calls to listen to.\n\nWithout --subject a few real ones that differ in the number of bills; both languages"
    " and both paces, the fixed sentences, and a contact sheet. They hold facts of real customers."
)

Name = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="For example payment_deadline.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help=GROUP,
        no_args_is_help=True,
        epilog=examples(
            "notifier voice explain payment_deadline --subject B000001234", "notifier voice audition payment_deadline"
        ),
    )
    group.command(
        "explain",
        help=EXPLAIN,
        epilog=examples(
            "notifier voice explain payment_deadline --subject B000001234",
            "notifier voice explain payment_deadline --subject B000001234 --subject B000001235 --locale en",
        ),
    )(explain)
    group.command(
        "audition",
        help=AUDITION,
        epilog=examples(
            "notifier voice audition payment_deadline",
            "notifier voice audition payment_deadline --engine espeak --locale zh-TW --output review",
            "notifier voice audition payment_deadline --subject B000001234",
        ),
    )(audition)
    app.add_typer(group, name="voice")


def explain(
    campaign: Name,
    subject: Annotated[
        list[str],
        typer.Option("--subject", metavar="KEY", help="A bill's number; several make one call, as of a household."),
    ],
    locale: Annotated[str, typer.Option("--locale", help="Language of the lines: zh-TW or en.")] = LOCALES[0],
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        from notifier.engine.audition_calls import NoCall, word_call
        from notifier.engine.explanation import explain_call

        shown_in = _locale(locale)
        named = find_campaign(app, campaign)
        try:
            explanation = await explain_call(app.clips, await word_call(app, named, subject), shown_in)
        except NoCall as error:
            raise _failure(app, error) from error
        if as_json:
            print_json({"campaign": named.name, **explanation_json(explanation)})
        else:
            console = screen()
            console.print(explanation_page(explanation, _title(named), console.width))

    on_app(work)


def audition(
    campaign: Name,
    subject: Annotated[
        list[str] | None,
        typer.Option("--subject", metavar="KEY", help="A bill's number; several make one call, as of a household."),
    ] = None,
    locale: Annotated[str | None, typer.Option("--locale", help="Only this language: zh-TW or en.")] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Who speaks, for example espeak; else whoever would in a call.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="A new folder; else one named by campaign and time.")
    ] = None,
) -> None:
    async def work(app: "App") -> None:
        from notifier.engine.audition import CannotRecord, recording_engines
        from notifier.engine.audition_calls import NoCall

        named = find_campaign(app, campaign)
        locales = LOCALES if locale is None else [_locale(locale)]
        now = app.catalogue.calendar.local(app.clock.now())
        where = output or Path(f"audition-{named.name}-{now:%Y%m%d-%H%M%S}")
        try:
            engines = recording_engines(app.clips, engine)
            with new_folder(where) as folder:
                calls, takes = await _record(app, named, subject or [], locales, engines)
                write_takes(folder, takes, calls, _title(named), f"{now:%Y-%m-%d %H:%M}")
        except (NoCall, CannotRecord) as error:
            raise _failure(app, error) from error
        except CannotWrite as error:
            key = "voice.occupied" if isinstance(error, Occupied) else "voice.cannot_write"
            raise Failure(Exit.USAGE, say(key, where=where, why=error)) from error
        _tell_result(takes, len(calls), where)

    on_app(work)


async def _record(
    app: "App", campaign: Campaign, subjects: list[str], locales: Sequence[str], engines: list[str]
) -> "tuple[list[Call], list[Take]]":
    from notifier.engine.audition import record
    from notifier.engine.audition_calls import sample_calls, word_call

    calls = [await word_call(app, campaign, subjects)] if subjects else await sample_calls(app, campaign)
    with _progress() as progress:
        return calls, await record(app.clips, campaign, calls, locales, engines, progress)


def _tell_result(takes: "list[Take]", calls: int, where: Path) -> None:
    engines = ", ".join(engine_words(name) for name in dict.fromkeys(take.engine for take in takes))
    tell(say("voice.written", n=len(takes), calls=calls, where=where, engine=engines))
    tell(say("voice.open", sheet=where / SHEET))
    tell(say("sheet.private"))


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A bar on a terminal; elsewhere a line whenever some more are made."""
    console = error_screen()
    if not console.is_terminal:
        yield lambda done, of: console.print(say("voice.progress", done=done, all=of))
        return
    with Bars(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as bars:
        task = bars.add_task(say("voice.clips"), total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _locale(name: str) -> str:
    if name not in LOCALES:
        raise Failure(Exit.USAGE, say("voice.unknown_locale", name=name, known=", ".join(LOCALES)))
    return name


def _title(campaign: Campaign) -> str:
    return campaign.title_zh if chosen() is Language.ZH else campaign.title


def _failure(app: "App", error: Exception) -> Failure:
    from notifier.engine import audition, audition_calls

    table: dict[type[Exception], tuple[Exit, str]] = {
        audition_calls.MakesNoCalls: (Exit.USAGE, "voice.makes_no_calls"),
        audition_calls.UnknownSubject: (Exit.NOT_FOUND, "voice.unknown_subject"),
        audition_calls.NotCalled: (Exit.NOT_FOUND, "voice.not_called"),
        audition_calls.NobodyToCall: (Exit.NOT_FOUND, "voice.nobody"),
        audition.UnknownEngine: (Exit.USAGE, "voice.unknown_engine"),
        audition.NotRecordable: (Exit.USAGE, "voice.not_recordable"),
        audition.MayNotSpeak: (Exit.USAGE, "voice.may_not_speak"),
        audition.NotSpoken: (Exit.UNFINISHED, "voice.not_spoken"),
    }
    code, key = table[type(error)]
    return Failure(code, say(key, what=in_words(str(error)), known=", ".join(app.clips.engines) or say("none")))
