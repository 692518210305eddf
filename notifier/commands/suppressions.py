"""`notifier suppressions`: who is not to be contacted, by whose word, and lifting it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.operator import By, operator
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.reasons import BANS, disposition_words, in_words
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import bracketed, say
from notifier.domain.address import NoAddress, mask_address, read_address
from notifier.domain.purpose import Purpose
from notifier.storage.suppressions import Suppression

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "List, add and undo bans on telephones and mailboxes."
LIST = "List the bans in force, the newest first.\n\nAddresses are shown in part only."
ADD = "Ban an address.\n\nFrom the next try on nobody contacts it, in runs under way, too."
UNDO = "Lift a ban.\n\nIt stays on record, with who lifted it and why."
HISTORY = "Show every ban that an address ever had."

Address = Annotated[str, typer.Argument(metavar="PHONE|EMAIL", help="As the customer gives it, dashes or not.")]
For = Annotated[
    Purpose | None, typer.Option("--purpose", help="safety, service, collection or survey; else every purpose.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier suppressions"))
    group.command("list", help=LIST, epilog=examples("notifier suppressions list --purpose collection --json"))(
        list_them
    )
    group.command(
        "add", help=ADD, epilog=examples('notifier suppressions add 0912-345-678 --reason "asked at the counter"')
    )(add)
    group.command("undo", help=UNDO, epilog=examples('notifier suppressions undo 31 --because "has the number again"'))(
        undo
    )
    group.command("history", help=HISTORY, epilog=examples("notifier suppressions history 0912-345-678"))(history)
    app.add_typer(group, name="suppressions")


def list_them(
    purpose: For = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = await app.suppressions.standing(purpose, most=most)
        _show(app, found, as_json)
        if len(found) == most and not as_json:
            tell(say("suppressions.more", n=most))

    on_app(work)


def add(
    address: Address,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with it.")],
    purpose: For = None,
    by: By = None,
) -> None:
    async def work(app: "App") -> None:
        added, fresh = await app.suppressions.add(_read(address), purpose, reason, operator(by), app.clock.now())
        shown = {"id": added.id, "address": mask_address(added.address), "purpose": purpose_words(added.purpose)}
        tell(say("suppressions.added" if fresh else "suppressions.was_there", **shown))

    on_app(work)


def undo(
    suppression: Annotated[int, typer.Argument(metavar="ID", help="As `notifier suppressions` lists it.")],
    because: Annotated[str, typer.Option("--because", help="Why; kept with it.")],
    by: By = None,
) -> None:
    async def work(app: "App") -> None:
        undone = await app.suppressions.undo(suppression, operator(by), because, app.clock.now())
        if undone is None:
            raise Failure(Exit.NOT_FOUND, say("suppressions.unknown", id=suppression))
        shown = {"address": mask_address(undone.address), "purpose": purpose_words(undone.purpose)}
        tell(say("suppressions.undone", id=undone.id, **shown))

    on_app(work)


def history(address: Address, as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        _show(app, await app.suppressions.history(_read(address)), as_json)

    on_app(work)


def purpose_words(purpose: str | None) -> str:
    return say("who.purpose", purpose=say(f"purpose.{purpose}")) if purpose else say("who.every_purpose")


def reason_words(reason: str) -> str:
    return in_words(reason) if reason in BANS else disposition_words(reason)


def _read(address: str) -> str:
    try:
        return read_address(address)
    except NoAddress as error:
        raise Failure(Exit.USAGE, say("suppressions.no_address", text=address, why=in_words(str(error)))) from error


def _show(app: "App", found: list[Suppression], as_json: bool) -> None:
    if as_json:
        print_json([_plain(one) for one in found])
        return
    if not found:
        tell(say("suppressions.none"))
        return
    heads = [
        say(f"suppressions.{name}") for name in ("id", "address", "purpose", "since", "set_by", "why", "undone_at")
    ]
    console = screen()
    console.print(listing(heads, [_row(app, one) for one in found], console.width))


def _row(app: "App", one: Suppression) -> list[str]:
    return [
        str(one.id), mask_address(one.address), purpose_words(one.purpose), at(app, one.since),
        one.set_by or say("suppressions.customer"), reason_words(one.reason), undone_words(app, one),
    ]  # fmt: skip


def undone_words(app: "App", one: Suppression) -> str:
    if one.undone_at is None:
        return ""
    by = say("suppressions.by", by=one.undone_by, why=one.undone_because) if one.undone_by else ""
    return at(app, one.undone_at) + (bracketed(by) if by else "")


def _plain(one: Suppression) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in Suppression.__dataclass_fields__}
    return plain | {"address": mask_address(one.address)}
