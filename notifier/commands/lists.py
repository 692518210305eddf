"""`notifier list`: whom the office wants to call, uploaded from a spreadsheet."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.reasons import in_words
from notifier.commands.terminal import figures, listing, pairs, print_json, screen, tell
from notifier.commands.words import listed, say
from notifier.domain.list_heading import BadHeading

if TYPE_CHECKING:
    from notifier.app import App
    from notifier.engine.list_reading import ReadList
    from notifier.storage.lists import UploadedList

GROUP = "Upload, show and drop lists of whom to call."
LIST = "List the uploaded lists."
UPLOAD = (
    "Upload a list.\n\nCSV or XLSX with headings: an account or a telephone in each row, and what the words may say."
    " The same file under the same name is the same list. Bad rows are kept and told nobody."
)
SHOW = "Show a list.\n\nIts columns as templates name them, and every bad row with its line and reason."
DROP = "Drop a list.\n\nIts rows are erased for good; that there was one is kept."
SHOWN = 20  # bad rows after an upload

Name = Annotated[str, typer.Argument(metavar="NAME", help="The list's name.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier list"))
    group.command("list", help=LIST, epilog=examples("notifier list", "notifier list --json"))(list_lists)
    group.command(
        "upload",
        help=UPLOAD,
        epilog=examples(
            "notifier list upload visits.xlsx --name visits --dry-run",
            "notifier list upload visits.xlsx --name visits --district 楠梓",
        ),
    )(upload)
    group.command("show", help=SHOW, epilog=examples("notifier list show visits", "notifier list show visits --json"))(
        show
    )
    group.command("drop", help=DROP, epilog=examples("notifier list drop visits --yes"))(drop)
    app.add_typer(group, name="list")


def list_lists(
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 20, as_json: AsJson = False
) -> None:
    async def work(app: "App") -> None:
        found = await app.lists.latest(most)
        if as_json:
            print_json([_as_json(one) for one in found])
        elif not found:
            tell(say("list.none"))
        else:
            heads = [say(f"list.{name}") for name in ("name", "uploaded", "taken", "bad")]
            rows = [[one.name, at(app, one.uploaded_at), f"{one.taken:,}", f"{one.bad:,}"] for one in found]
            console = screen()
            console.print(listing(heads, rows, console.width))

    on_app(work)


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV (UTF-8 or Big5) or XLSX.")],
    name: Annotated[str, typer.Option("--name", help="What the list is called from now on.")],
    district: Annotated[
        str | None,
        typer.Option("--district", help="Whose office answers for rows that have a telephone only, for example 楠梓."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Keep nothing; show what is bad.")] = False,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> Exit:
        from notifier.storage.lists import NameTaken

        read = _read(file)
        if read.without_account and not district:
            raise Failure(Exit.USAGE, say("list.needs_district", n=read.without_account))
        made = False
        if not dry_run and read.taken:
            try:
                _, made = await app.lists.upload(_checked(name), read, district, app.clock.now())
            except NameTaken as error:
                raise Failure(Exit.USAGE, say("list.name_taken", name=name)) from error
        if as_json:
            print_json(_read_json(name, read, made))
        else:
            _tell_upload(name, read, made, dry_run)
        return Exit.DONE if read.taken else Exit.MUST_BE_MENDED

    on_app(work)


def show(
    name: Name,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = await _find(app, name)
        bad = await app.lists.bad_rows(found.id, most)
        if as_json:
            print_json({**_as_json(found), "bad_rows": [{"line": line, "reason": reason} for line, reason in bad]})
            return
        console = screen()
        console.print(pairs(_standing(app, found)))
        for reason, count in figures(await app.lists.reasons(found.id)):
            console.print(say("list.reason", n=count, why=in_words(reason)))
        _tell_bad(dict(bad), found.bad)

    on_app(work)


def drop(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    async def work(app: "App") -> None:
        found = await _find(app, name)
        campaigns = [one.name for one in app.catalogue.campaigns.values() if one.listed]
        if runs := await app.lists.runs_using(name, campaigns):
            raise Failure(Exit.UNFINISHED, say("list.in_use", name=name, run=runs[0]))
        rows = found.taken + found.bad
        if not yes and not sys.stdin.isatty():
            raise Failure(Exit.USAGE, say("list.drop_needs_yes", name=name, n=rows))
        if not yes and not typer.confirm(say("list.drop_ask", name=name, n=rows)):
            tell(say("list.kept", name=name))
            return
        await app.lists.drop(found.id, app.clock.now())
        tell(say("list.dropped", name=name, n=rows))

    on_app(work)


def _read(file: Path) -> "ReadList":
    from notifier.engine.list_file import UnreadableFile
    from notifier.engine.list_reading import read_list

    try:
        return read_list(file.read_bytes())
    except UnreadableFile as error:
        raise Failure(Exit.USAGE, say(f"list.file.{error.fault}", file=file, where=error.detail)) from error
    except BadHeading as error:
        raise Failure(Exit.USAGE, say(f"list.heading.{error.fault}", title=error.title)) from error
    except (OSError, ValueError) as error:
        raise Failure(Exit.USAGE, say("list.file.unread", file=file, why=type(error).__name__)) from error


def _checked(name: str) -> str:
    if not name.strip() or len(name) > 80:
        raise Failure(Exit.USAGE, say("list.bad_name"))
    return name.strip()


async def _find(app: "App", name: str) -> "UploadedList":
    found = await app.lists.find(name)
    if found is None:
        raise Failure(Exit.NOT_FOUND, say("list.unknown", name=name))
    return found


def _as_json(found: "UploadedList") -> dict[str, Any]:
    """Without the digest, which is nobody's business."""
    columns = list(found.columns.values())
    kept = ("name", "district", "taken", "bad", "uploaded_at")
    return {"id": found.id, **{name: getattr(found, name) for name in kept}, "columns": columns}


def _read_json(name: str, read: "ReadList", made: bool) -> dict[str, Any]:
    bad = [{"line": row.line, "reason": row.reason} for row in read.rows if row.reason]
    columns = [asdict(column) for column in read.columns]
    return {"name": name, "uploaded": made, "taken": read.taken, "bad": read.bad, "columns": columns, "bad_rows": bad}


def _tell_upload(name: str, read: "ReadList", made: bool, dry_run: bool) -> None:
    all_rows = len(read.rows)
    if not read.taken:
        tell(say("list.nothing_taken", all=all_rows))
    elif dry_run:
        tell(say("list.would_take", n=read.taken, all=all_rows))
    else:
        tell(say("list.taken_words" if made else "list.again", name=name, n=read.taken, all=all_rows))
    if read.columns:
        tell(say("list.columns", names=listed(column.name for column in read.columns)))
    bad = {row.line: row.reason for row in read.rows if row.reason}
    for reason, count in figures(Counter(reason.partition(": ")[0] for reason in bad.values())):
        tell(say("list.reason", n=count, why=in_words(reason)))
    _tell_bad(dict(list(bad.items())[:SHOWN]), len(bad))


def _tell_bad(shown: Mapping[int, str], all_bad: int) -> None:
    if not shown:
        return
    console = screen()
    rows = [[str(line), in_words(reason)] for line, reason in shown.items()]
    console.print(listing([say("list.line"), say("list.why")], rows, console.width))
    if len(shown) < all_bad:
        tell(say("list.more", n=all_bad - len(shown)))


def _standing(app: "App", found: "UploadedList") -> list[tuple[str, Any]]:
    columns = [
        say("list.column", name=name, title=column["title"], n=column["cells"], dates=column["dates"],
            numbers=column["numbers"])
        for name, column in found.columns.items()
    ]  # fmt: skip
    return [
        (say("list.name"), found.name),
        (say("list.uploaded"), at(app, found.uploaded_at)),
        (say("list.taken"), f"{found.taken:,}"),
        (say("list.bad"), f"{found.bad:,}"),
        (say("list.district"), found.district or say("none")),
        (say("list.variables"), "\n".join(columns) or say("none")),
    ]
