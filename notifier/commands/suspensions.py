"""`notifier suspend | suspensions`: the typhoon switch, and who has used it."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.operator import By, operator
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import bracketed, listed, say
from notifier.domain.purpose import Purpose
from notifier.domain.suspension import LONGEST, SUSPENDABLE, USUAL, Suspension
from notifier.storage.source import SourceBroken, SourceLost

if TYPE_CHECKING:
    from notifier.app import App

SUSPEND = (
    "Leave a district alone until a given time, as in a typhoon.\n\nReminders and surveys stop within a second, in runs"
    " under way, too, and go on by themselves afterwards; safety notices go out. Calls in progress end by themselves."
)
GROUP = "List the suspensions, and end one before its time."
LIST = "List the suspensions: those in force, and those that are over."
END = "End a suspension before its time.\n\nWhat it put off is due again at once, within the hours of its campaign."
NAMES = tuple(sorted(purpose.value for purpose in SUSPENDABLE))


def register(app: typer.Typer) -> None:
    app.command(
        "suspend",
        help=SUSPEND,
        epilog=examples(
            'notifier suspend --district 楠梓 --until "2026-09-30 18:00" --because 凱米颱風',
            "notifier suspend --until 23:59 --because 凱米颱風 --purpose collection --by 王組長",
        ),
    )(suspend)
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier suspensions"))
    group.command("list", help=LIST, epilog=examples("notifier suspensions", "notifier suspensions --json"))(list_them)
    group.command("end", help=END, epilog=examples("notifier suspensions end 3"))(end)
    app.add_typer(group, name="suspensions")


def suspend(
    until: Annotated[str, typer.Option("--until", help='Local time: "2026-09-30 18:00", or 18:00 for today.')],
    because: Annotated[str, typer.Option("--because", help="Why; shown wherever it puts something off.")],
    district: Annotated[str | None, typer.Option("--district", help="Only this district; else everywhere.")] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option("--purpose", help="collection, survey or service; else collection and survey. Never safety."),
    ] = None,
    by: By = None,
) -> None:
    async def work(app: "App") -> None:
        now = app.clock.now()
        purposes = _purposes(purpose)
        moment = read_until(app.catalogue.calendar.local(now), until)
        if district is not None:
            await _check_district(app, district)
        number = await app.suspensions.begin(
            district=district, purposes=purposes, reason=because.strip(), until=moment, set_by=operator(by), now=now
        )
        campaigns = [name for name, campaign in app.catalogue.campaigns.items() if campaign.purpose in purposes]
        waiting = await app.suspensions.waiting(district, campaigns)
        tell(say("suspend.done", id=number, where=where_words(district), until=at(app, moment)))
        tell(say("suspend.waiting", n=f"{waiting:,}"))

    on_app(work)


def list_them(
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 20, as_json: AsJson = False
) -> None:
    async def work(app: "App") -> None:
        found = await app.suspensions.latest(most)
        if as_json:
            print_json(found)
        elif not found:
            tell(say("suspensions.none"))
        else:
            names = ("id", "where", "purposes", "since", "until", "by", "standing", "why")
            heads = [say(f"suspensions.{name}") for name in names]
            console = screen()
            console.print(listing(heads, [_row(app, one) for one in found], console.width))

    on_app(work)


def end(
    suspension: Annotated[int, typer.Argument(metavar="ID", help="As `notifier suspensions` lists it.")],
    by: By = None,
) -> None:
    async def work(app: "App") -> None:
        if not await app.suspensions.end(suspension, operator(by), app.clock.now()):
            raise Failure(Exit.NOT_FOUND, say("suspensions.unknown", id=suspension))
        for word in ("lanes", "runs"):
            await app.wake_ups.send(word)
        tell(say("suspensions.ended", id=suspension))

    on_app(work)


def _purposes(given: Sequence[str] | None) -> frozenset[Purpose]:
    if not given:
        return USUAL
    if wrong := [name for name in given if name not in NAMES]:
        raise Failure(Exit.USAGE, say("suspend.purpose", name=wrong[0], known=listed(NAMES)))
    return frozenset(Purpose(name) for name in given)


def read_until(here: datetime, text: str) -> datetime:
    """The moment that was typed, in the zone of `here`, which is now. Raises Failure for one that cannot be meant."""
    try:
        if len(text.strip()) <= len("18:00"):
            moment = datetime.combine(here.date(), time.fromisoformat(text.strip()), here.tzinfo)
        else:
            moment = datetime.fromisoformat(text.strip())
            moment = moment.replace(tzinfo=here.tzinfo) if moment.tzinfo is None else moment
    except ValueError as error:
        raise Failure(Exit.USAGE, say("suspend.bad_until", text=text)) from error
    if moment <= here:
        raise Failure(Exit.USAGE, say("suspend.past", at=f"{moment:%Y-%m-%d %H:%M}"))
    if moment > here + LONGEST:
        raise Failure(Exit.USAGE, say("suspend.too_long", at=f"{moment:%Y-%m-%d %H:%M}", days=LONGEST.days))
    return moment


async def _check_district(app: "App", district: str) -> None:
    """A misspelt one would leave nobody alone. While the source is away the switch must work all the same."""
    try:
        known = await app.source.districts()
    except (SourceLost, SourceBroken):
        tell(say("suspend.unchecked", district=district))
        return
    if district not in known:
        raise Failure(Exit.USAGE, say("suspend.unknown", district=district, known=listed(known)))


def where_words(district: str | None) -> str:
    return district or say("suspensions.everywhere")


def suspension_words(app: "App", one: Suspension) -> str:
    """In one line: where, until when, why."""
    return say("suspensions.line", where=where_words(one.district), until=at(app, one.until), why=one.reason)


def _row(app: "App", one: Suspension) -> list[str]:
    purposes = listed(say(f"purpose.{purpose.value}") for purpose in sorted(one.purposes))
    return [
        str(one.id), where_words(one.district), purposes, at(app, one.since), at(app, one.until), one.set_by,
        _standing(app, one), one.reason,
    ]  # fmt: skip


def _standing(app: "App", one: Suspension) -> str:
    if one.ended_at is not None:
        return say("suspensions.ended_by", by=one.ended_by or "") + bracketed(at(app, one.ended_at))
    return say("suspensions.over" if one.until <= app.clock.now() else "suspensions.in_force")
