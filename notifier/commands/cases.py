"""`notifier cases`: which cases are late, and what became of one case's dates."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.commands.examples import examples
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import say

if TYPE_CHECKING:
    from notifier.app import App

HELP = "See which cases are late, and what became of a case's dates."
LATE = (
    "List the cases that are late, the latest first.\n\n"
    "Past the agreed supply date, past the time limit of their kind, or too long in one stage (NOTIFIER_STAGE_DAYS)."
)
HISTORY = (
    "Show the dates of one case.\n\nWhich were agreed and slipped, proposed in which call, and chosen by which key."
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=HELP, epilog=examples("notifier cases"))
    group.command("list", help=LATE, epilog=examples("notifier cases", "notifier cases list --section 設計組 --json"))(
        list_late
    )
    group.command("history", help=HISTORY, epilog=examples("notifier cases history S202600001"))(history)
    app.add_typer(group, name="cases")


def list_late(
    section: Annotated[str, typer.Option("--section", help="Only of this section.")] = "",
    district: Annotated[str, typer.Option("--district", help="Only of this district.")] = "",
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = await app.source.overdue_cases(app.clock.now(), section, district, app.settings.stage_days, most)
        if as_json:
            print_json({"cases": found})
            return
        _show_late(found)

    on_app(work)


def _show_late(found: list[dict[str, Any]]) -> None:
    if not found:
        tell(say("cases.none_late"))
        return
    heads = [say(f"cases.{name}") for name in ("case", "late", "section", "stage", "agreed", "limit", "why")]
    rows = [
        [one["case_no"], say("cases.days", n=one["days_late"]), one["section"] or "", _stage(one),
         _day(one["agreed_on"]), _day(one["due_on"]), "; ".join(say(f"cases.late_{why}") for why in one["why"])]
        for one in found
    ]  # fmt: skip
    console = screen()
    console.print(listing(heads, rows, console.width))


def _stage(one: dict[str, Any]) -> str:
    if one["stage"] is None:
        return ""
    if one["days_in_stage"] is None:
        return str(one["stage"])
    return say("cases.in_stage", stage=one["stage"], n=one["days_in_stage"])


def _day(day: Any) -> str:
    return day.isoformat() if day else ""


def history(
    case_no: Annotated[str, typer.Argument(metavar="CASE", help="The acceptance number.")], as_json: AsJson = False
) -> None:
    async def work(app: "App") -> None:
        steps = await app.replies.history(case_no)
        if as_json:
            print_json({"case": case_no, "history": steps})
            return
        if not steps:
            tell(say("cases.no_history", case=case_no))
            return
        heads = [say(f"cases.{name}") for name in ("at", "what", "day", "key", "standing")]
        rows = [
            [at(app, step.at), say(f"cases.{step.what}"), step.day or "", step.key or "",
             say(f"standing.{step.standing}") if step.standing else ""]
            for step in steps
        ]  # fmt: skip
        console = screen()
        console.print(listing(heads, rows, console.width))

    on_app(work)
