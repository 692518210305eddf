"""`notifier voice explain | audition`: a call before anybody is rung, as a table and as recordings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from notifier.commands.contact_sheet import SHEET, CannotWrite, IsFile, Occupied, new_folder, write_takes
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.explanation_view import doubt_lines, explanation_json, explanation_page
from notifier.commands.opening import find_campaign, on_app
from notifier.commands.options import AsJson
from notifier.commands.reasons import in_words
from notifier.commands.run import columns_of_list, parameters_of
from notifier.commands.terminal import engine_words, error_screen, print_json, screen, tell
from notifier.commands.words import Language, chosen, listed, say
from notifier.domain.campaign import Campaign
from notifier.domain.message import LOCALES

if TYPE_CHECKING:
    from notifier.app import App
    from notifier.engine.audition import Take
    from notifier.engine.audition_calls import Call, Params
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
Given = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help=GROUP,
        no_args_is_help=True,
        epilog=examples(
            "notifier voice explain payment_deadline --subject B00000380", "notifier voice audition payment_deadline"
        ),
    )
    group.command(
        "explain",
        help=EXPLAIN,
        epilog=examples(
            "notifier voice explain payment_deadline --subject B00000380",
            "notifier voice explain payment_deadline --subject B00000380 --subject B00000390 --locale en",
        ),
    )(explain)
    group.command(
        "audition",
        help=AUDITION,
        epilog=examples(
            "notifier voice audition payment_deadline",
            "notifier voice audition payment_deadline --engine espeak --locale zh-TW --output ~/review",
            "notifier voice audition payment_deadline --subject B00000380",
            "notifier voice audition customer_care --set list=visits --set template=visit",
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
    given: Given = None,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        from notifier.engine.audition_calls import NoCall, doubts, word_call
        from notifier.engine.explanation import explain_call

        shown_in = _locale(locale)
        named, params = await _chosen(app, campaign, given)
        try:
            call = await word_call(app, named, subject)
            why_not = await doubts(app, named, call.subjects, params)
            explanation = await explain_call(app.clips, call, shown_in)
        except NoCall as error:
            raise _failure(app, error) from error
        if as_json:
            print_json({"campaign": named.name, "doubts": why_not, **explanation_json(explanation)})
        else:
            console = screen()
            for line in doubt_lines(why_not):
                console.print(line)
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
    given: Given = None,
) -> None:
    async def work(app: "App") -> None:
        from notifier.engine.audition import CannotRecord, recording_engines
        from notifier.engine.audition_calls import NoCall

        named, params = await _chosen(app, campaign, given)
        locales = LOCALES if locale is None else [_locale(locale)]
        now = app.catalogue.calendar.local(app.clock.now())
        where = output or Path(f"audition-{named.name}-{now:%Y%m%d-%H%M%S}")
        try:
            engines = recording_engines(app.clips, engine)
            with new_folder(where) as folder:
                calls, takes = await _record(app, named, params, subject or [], locales, engines)
                write_takes(folder, takes, calls, _title(named), f"{now:%Y-%m-%d %H:%M}")
        except (NoCall, CannotRecord) as error:
            raise _failure(app, error) from error
        except CannotWrite as error:
            key = {Occupied: "voice.occupied", IsFile: "voice.is_file"}.get(type(error), "voice.cannot_write")
            raise Failure(Exit.USAGE, say(key, where=where, why=error)) from error
        _tell_result(takes, len(calls), where)

    on_app(work)


async def _chosen(app: "App", name: str, given: list[str] | None) -> "tuple[Campaign, Params]":
    """The campaign as a run with these parameters would tell it, and the parameters."""
    named = find_campaign(app, name)
    params = parameters_of(named, given)
    await columns_of_list(app, named, params)
    return named.told_with(params), params


async def _record(
    app: "App",
    campaign: Campaign,
    params: "Params",
    subjects: list[str],
    locales: Sequence[str],
    engines: list[str],
) -> "tuple[list[Call], list[Take]]":
    from notifier.engine.audition import record
    from notifier.engine.audition_calls import doubts, sample_calls, word_call

    calls = [await word_call(app, campaign, subjects)] if subjects else await sample_calls(app, campaign, params)
    for line in doubt_lines(await doubts(app, campaign, calls[0].subjects, params) if subjects else []):
        error_screen().print(line)
    with _progress() as progress:
        return calls, await record(app.clips, campaign, calls, locales, engines, progress)


def _tell_result(takes: "list[Take]", calls: int, where: Path) -> None:
    engines = listed(engine_words(name) for name in dict.fromkeys(take.engine for take in takes))
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
        raise Failure(Exit.USAGE, say("voice.unknown_locale", name=name, known=listed(LOCALES)))
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
    return Failure(code, say(key, what=in_words(str(error)), known=listed(app.clips.engines)))
