"""`notifier run CAMPAIGN`: open a run by its key, or see beforehand what it would do."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands import progress
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, find_campaign, on_app
from notifier.commands.options import AsJson
from notifier.commands.progress import parameter_words, state_words
from notifier.commands.reasons import disposition_words, in_words
from notifier.commands.terminal import channel_words, print_json, screen, tell
from notifier.commands.watching import watch
from notifier.commands.words import Language, bracketed, chosen, clauses, listed, say
from notifier.domain.campaign import BadParameter, Campaign, read_parameters
from notifier.domain.message import LOCALES
from notifier.domain.states import RunState
from notifier.engine.opening import open_run
from notifier.storage.runs import Run

if TYPE_CHECKING:
    from notifier.app import App

HELP = (
    "Open a run of a campaign.\n\nIts audience is drawn and everybody is told, by the workers. The same key opens one"
    " run only, whoever asks and however often; without --key it is made of campaign, day and parameters."
)
ENDED = frozenset({RunState.FINISHED, RunState.WAITING, RunState.PAUSED, RunState.CANCELLED, RunState.FAILED})


def register(app: typer.Typer) -> None:
    app.command(
        "run",
        help=HELP,
        epilog=examples(
            "notifier run payment_deadline --dry-run",
            "notifier run payment_deadline --set days=3 --set district=楠梓 --wait",
            "notifier run payment_deadline --test-to 0912-345-678",
            "notifier run customer_care --set list=visits --set template=visit --dry-run",
        ),
    )(run)


def run(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="For example payment_deadline.")],
    given: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="What makes this run the same run.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Open nothing; show what would happen.")] = False,
    test_to: Annotated[
        str | None,
        typer.Option("--test-to", metavar="ADDRESS", help="Only your own telephone or mailbox; not counted."),
    ] = None,
    locale: Annotated[str, typer.Option("--locale", help="Language of the test: zh-TW or en.")] = LOCALES[0],
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it has ended; exit 5 if not well.")] = False,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> Exit:
        chosen_campaign = find_campaign(app, campaign)
        params = parameters_of(chosen_campaign, given)
        if dry_run + wait + (test_to is not None) > 1:
            raise Failure(Exit.USAGE, say("run.one_of"))
        if not dry_run and (why := app.catalogue.stopped.get(chosen_campaign.name)):
            raise Failure(Exit.MUST_BE_MENDED, say("run.stopped", campaign=chosen_campaign.name, why=why))
        columns = await columns_of_list(app, chosen_campaign, params)
        if dry_run:
            return await _preflight(app, chosen_campaign, params, as_json)
        if test_to is not None:
            told = chosen_campaign.told_with(params)
            return await _test(app, told, test_to, locale, as_json, columns)
        return await _open(app, chosen_campaign, params, key, wait=wait, as_json=as_json)

    on_app(work)


def read_pairs(given: Sequence[str]) -> dict[str, str]:
    """name=value pairs as they were typed. Raises Failure on anything else."""
    pairs = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Failure(Exit.USAGE, say("run.bad_set", text=text))
        pairs[name.strip()] = value.strip()
    return pairs


def default_key(campaign: Campaign, params: Mapping[str, object], day: str) -> str:
    """Campaign, day and a digest of the parameters: launched twice a day with the same parameters, it is one run."""
    canonical = json.dumps(dict(params), sort_keys=True, ensure_ascii=False, default=str)
    return f"{campaign.name} {day} {hashlib.sha256(canonical.encode()).hexdigest()[:8]}"


def parameters_of(campaign: Campaign, typed: Sequence[str] | None) -> dict[str, object]:
    """The parameters of a run, as typed over the defaults. Raises Failure."""
    given = read_pairs(typed or [])
    try:
        return read_parameters(campaign, given)
    except BadParameter as error:
        why = str(error).partition(";")[0]
        typed = listed(f"{name}={value}" for name, value in given.items())
        chinese = chosen() is Language.ZH
        known = [n + bracketed(p.help_zh if chinese else p.help) for n, p in campaign.parameters.items()]
        words = say("run.bad_parameter", why=why, given=typed, known=clauses(*known) or say("none"))
        raise Failure(Exit.USAGE, words) from error


async def columns_of_list(app: "App", campaign: Campaign, params: Mapping[str, object]) -> Collection[str]:
    """The columns of the list that the run tells, if it tells one. Raises Failure when its words do not fit it."""
    from notifier.engine.list_fit import DoesNotFit, fit_list

    if not campaign.listed:
        return ()
    try:
        return (await fit_list(app.lists, app.rendering, campaign, params)).uploaded.columns.keys()
    except DoesNotFit as error:
        raise Failure(Exit.USAGE, say("run.does_not_fit", why=in_words(str(error)))) from error


async def _open(
    app: "App", campaign: Campaign, params: Mapping[str, object], key: str | None, *, wait: bool, as_json: bool
) -> Exit:
    now = app.clock.now()
    day = f"{app.catalogue.calendar.local(now):%Y-%m-%d}"
    opened_run, opened = await open_run(
        app.runs, app.catalogue, app.wake_ups,
        campaign=campaign, key=key or default_key(campaign, params, day), params=params, now=now,
    )  # fmt: skip
    if opened_run.campaign != campaign.name:
        values = {"key": opened_run.key, "run": opened_run.id, "campaign": opened_run.campaign}
        raise Failure(Exit.USAGE, say("run.other_campaign", **values))
    if not as_json:
        _tell_opening(app, campaign, opened_run, opened, params, wait)
    if wait:
        return await _wait(app, opened_run, opened, as_json)
    if as_json:
        print_json({"opened": opened, "run": opened_run})
    return Exit.DONE


def _tell_opening(
    app: "App", campaign: Campaign, run: Run, opened: bool, params: Mapping[str, object], wait: bool
) -> None:
    if opened:
        title = campaign.title_zh if chosen() is Language.ZH else campaign.title
        tell(say("run.opened", run=run.id, title=title))
        tell(say("run.key", key=run.key))
    else:
        tell(say("run.already", run=run.id, at=at(app, run.opened_at), state=state_words(run.state)))
        if dict(run.params) != dict(params):
            tell(say("run.other_params", params=parameter_words(run.params)))
        tell(say("run.another_key", key=run.key))
    if not wait:
        tell(say("run.follow", run=run.id))


async def _wait(app: "App", run: Run, opened: bool, as_json: bool) -> Exit:
    """Until the run has ended one way or another; DONE only when it is finished."""
    if as_json:
        standing = await watch(app, run.id, lambda standing: standing.run.state in ENDED, quiet=True)
        print_json({"opened": opened, **progress.standing_json(standing)})
    else:
        standing = await watch(app, run.id, lambda standing: standing.run.state in ENDED)
        if not screen().is_terminal:
            screen().print(progress.page(app, standing))
        if standing.tally.held:
            tell(say("status.held_hint", run=run.id))
    return Exit.DONE if standing.run.state is RunState.FINISHED else Exit.UNFINISHED


async def _preflight(app: "App", campaign: Campaign, params: Mapping[str, object], as_json: bool) -> Exit:
    from notifier.commands.preflight_view import show_preflight
    from notifier.engine.preflight import preflight

    report = await preflight(app, campaign, params)
    if as_json:
        print_json(report.to_json())
    else:
        show_preflight(report, screen(), chosen().value)
    return Exit.DONE


async def _test(
    app: "App", campaign: Campaign, address: str, locale: str, as_json: bool, columns: Collection[str]
) -> Exit:
    from notifier.engine.test_send import TestRefused, send_test

    try:
        sent = await send_test(app, campaign, address, locale, columns)
    except TestRefused as error:
        raise Failure(Exit.UNFINISHED, say("run.test_refused", why=error)) from error
    if as_json:
        print_json(sent)
        return Exit.DONE
    ended = disposition_words(sent.disposition) if sent.disposition else sent.status
    tell(say("run.test_sent", channel=channel_words(sent.channel), address=sent.address, ended=ended, code=sent.code))
    tell(sent.words)
    return Exit.DONE
