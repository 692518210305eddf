"""`notifier check`: what must be mended before anything is sent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import typer
from rich.text import Text

from notifier.clock import parse_clock
from notifier.commands.checks import (
    Finding,
    Level,
    check_channels,
    check_database,
    check_files,
    check_public_url,
    check_sources,
    check_speech,
    check_words,
    well,
)
from notifier.commands.checks_office import check_office
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.failures import explain
from notifier.commands.opening import carry_out, settings_or_fail
from notifier.commands.options import AsJson
from notifier.commands.terminal import Cell, listing, print_json, screen
from notifier.commands.words import say
from notifier.engine.catalogue import Catalogue
from notifier.settings import Settings

HELP = (
    "Look whether everything is in place.\n\nSettings, database, migrations, clock, speech, the source's contract,"
    " campaigns, templates, channels. Exit 6 when something must be mended."
)
STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def register(app: typer.Typer) -> None:
    app.command("check", help=HELP, epilog=examples("notifier check", "notifier check --json"))(check)


def check(as_json: AsJson = False) -> None:
    async def work() -> Exit:
        findings = await find_everything()
        wrong = [finding for finding in findings if finding.level is Level.PROBLEM]
        if as_json:
            print_json({"ok": not wrong, "findings": findings})
        else:
            _show(findings)
        return Exit.MUST_BE_MENDED if wrong else Exit.DONE

    carry_out(work())


async def find_everything() -> list[Finding]:
    """Every answer that can be had: what one question finds does not keep the next from being asked."""
    findings = [*check_files()]
    try:
        settings = settings_or_fail()
    except Failure as failure:
        return [*findings, Finding("settings", Level.PROBLEM, str(failure))]
    findings.append(well("settings", "check.settings_read"))
    database = await check_database(settings)
    findings += database
    if all(finding.level is not Level.PROBLEM for finding in database):
        findings += await check_office(settings)
    findings += await check_speech(settings)
    try:
        async with _catalogue(settings) as catalogue:
            findings += await check_sources(settings, catalogue.campaigns.values())
            if findings[0].level is Level.OK:
                findings += await check_words(settings, catalogue)
            findings += check_channels(catalogue)
            findings += check_public_url(settings)
    except Exception as error:  # a channel or the calendar that cannot be made of these settings
        findings.append(Finding("settings", Level.PROBLEM, str(explain(error)), say("check.mend_setting")))
    return findings


@asynccontextmanager
async def _catalogue(settings: Settings) -> AsyncIterator[Catalogue]:
    """What is installed and configured, without a database."""
    from notifier.app import make_catalogue, make_rendering

    catalogue = make_catalogue(settings, parse_clock(settings.clock), make_rendering(settings))
    try:
        yield catalogue
    finally:
        for channel in catalogue.channels.values():
            await channel.close()


def _show(findings: Sequence[Finding]) -> None:
    console = screen()
    rows: list[list[Cell]] = [
        [
            Text(say(f"check.{finding.level.value}"), style=STYLES[finding.level]),
            say(f"check.area.{finding.area}"),
            f"{finding.text}\n→ {finding.remedy}" if finding.remedy else finding.text,
        ]
        for finding in findings
    ]
    console.print(listing(("", "", ""), rows, console.width))
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    console.print(
        say("check.count", problems=problems, warnings=warnings) if problems or warnings else say("check.all_well")
    )
