"""`notifier who`: everything sent and not sent to one customer, with reasons."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from notifier.commands.asked import Asked, read_asked
from notifier.commands.dossier import Dossier, dossier_json, engine_of, gather, shown_address
from notifier.commands.examples import examples
from notifier.commands.exits import Exit
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson
from notifier.commands.reasons import action_words, disposition_words, in_words, outcome_words
from notifier.commands.suppressions import reason_words
from notifier.commands.terminal import channel_words, engine_words, error_screen, pairs, print_json, screen
from notifier.commands.words import bracketed, clauses, listed, say
from notifier.domain.attempt_id import attempt_time
from notifier.domain.disposition import PICKED_UP, Disposition
from notifier.domain.message import EmailMessage, SmsMessage, VoiceMessage, read_message
from notifier.domain.notice_code import notice_code
from notifier.domain.telephone import Number
from notifier.domain.written import written_account
from notifier.storage.inquiries import Row

if TYPE_CHECKING:
    from notifier.app import App

HELP = (
    "Show everything sent and not sent to one customer, with reasons.\n\nBy account, telephone as typed, e-mail"
    " address, or the code of a notice as the customer reads it out."
)


HEARD = PICKED_UP | {Disposition.MACHINE, Disposition.WRONG_PERSON}  # whoever picked up


def register(app: typer.Typer) -> None:
    app.command(
        "who",
        help=HELP,
        epilog=examples(
            "notifier who 07-10-0000-01-0", 'notifier who "0912 345 678" --verbose', "notifier who 3F7K2QP --words"
        ),
    )(who)


def who(
    asked: Annotated[
        str, typer.Argument(metavar="ACCOUNT|PHONE|EMAIL|NOTICE", help="As the customer gives it, dashes or not.")
    ],
    words: Annotated[bool, typer.Option("--words", help="Also the exact words of every attempt.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also every word of the providers.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="How many notices at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> Exit:
        dossier = await gather(app, read_asked(asked), most=most, receipts=verbose)
        if as_json:
            print_json(dossier_json(dossier, words=words))
        else:
            screen().print(_page(app, dossier, words))
            if len(dossier.notifications) == most:
                screen().print(say("who.most", n=most))
        if not dossier.empty:
            return Exit.DONE
        if not as_json:
            error_screen().print(say("who.none", asked=dossier.asked.text))
        return Exit.NOT_FOUND

    on_app(work)


def _page(app: "App", dossier: Dossier, words: bool) -> RenderableType:
    parts: list[RenderableType] = []
    if reading := _reading(dossier):
        parts.append(reading)
    parts += [_notice(app, dossier, row, words) for row in dossier.notifications]
    if dossier.excluded:
        parts += [Text(say("who.excluded"), style="bold"), *[_excluded(app, row) for row in dossier.excluded]]
    if dossier.suppressions:
        bans = [_ban(app, dossier.asked, row) for row in dossier.suppressions]
        parts += [Text(say("who.suppressions"), style="bold"), *bans]
    return Group(*parts)


def _reading(dossier: Dossier) -> Text | None:
    """How a telephone as typed is read, unless the text turned out to be something else."""
    asked = dossier.asked
    meant_otherwise = dossier.notifications and asked.address is None
    if asked.reading is None or meant_otherwise:
        return None
    if isinstance(asked.reading, Number):
        return Text(say("who.reads_as", asked=asked.text, number=asked.reading.e164))
    return Text(say("who.reads_not", asked=asked.text, why=in_words(asked.reading.reason.value)))


def _notice(app: "App", dossier: Dossier, row: Row, words: bool) -> RenderableType:
    lines: list[tuple[str, RenderableType]] = [
        (say("who.account"), Text(_account(row["account_no"]))),
        (say("who.run"), Text(f"{row['run_id']}  {row['run_key']}")),
        (say("who.subjects"), Text(listed(row["subjects"]))),
        (say("who.stands"), _stands(app, row)),
    ]
    if row["prefers"]:
        lines.append((say("who.prefers"), Text(channel_words(row["prefers"]))))
    attempts = dossier.attempts.get(row["id"], [])
    sent = [_attempt(app, dossier, row, attempt, words) for attempt in attempts]
    lines.append((say("who.attempts"), Group(*sent) if sent else Text(say("who.no_attempt"))))
    title = Text(say("who.notice", code=notice_code(row["id"])), style="bold")
    return Group(title, Padding(pairs(lines), (0, 0, 1, 2)))


def _stands(app: "App", row: Row) -> Text:
    """The outcome with its reason, or what is awaited."""
    if row["outcome"]:
        why = in_words(row["reason"])
        words = outcome_words(row["outcome"]) + (say("who.because", why=why) if why else "")
        return Text.assemble((words, "bold"), f"  {at(app, row['settled_at'])}")
    if row["held"]:
        return Text(say("standing.held") + say("who.because", why=in_words(row["held"])), style="bold yellow")
    words = say(f"standing.{row['state']}")
    if row["due_at"]:
        due = say("who.due", at=at(app, row["due_at"]), channel=channel_words(row["channel"]))
        words = clauses(words, due)
    if row["because"]:
        words = clauses(words, in_words(row["because"]))
    return Text(words)


def _attempt(app: "App", dossier: Dossier, row: Row, attempt: Row, words: bool) -> RenderableType:
    ended = attempt["disposition"]
    came_to = disposition_words(ended) if ended else say(f"attempt.{attempt['state']}")
    line = f"{at(app, attempt_time(attempt['id']))}  {channel_words(attempt['channel'])}  {came_to}"
    if ended in HEARD and (engine := engine_of(attempt)):
        line += say("who.spoken_by", engine=engine_words(engine))
    if attempt["action"]:
        line = clauses(line, _reply(app, row["campaign"], attempt["action"]))
    elif attempt["last_heard"] and ended in PICKED_UP:  # a later word may be that nobody did
        line += _last_heard(attempt["last_heard"])
    parts: list[RenderableType] = [Text(line)]
    if words:
        parts.append(Padding(Text(_words(attempt["message"]), style="italic"), (0, 0, 0, 2)))
    told = dossier.receipts.get(attempt["id"], [])
    parts += [Padding(Text(_receipt(app, receipt), style="dim"), (0, 0, 0, 2)) for receipt in told]
    return Group(*parts)


def _reply(app: "App", campaign: str, action: str) -> str:
    known = app.catalogue.campaigns.get(campaign)
    keys = [key for key, means in known.replies.items() if means == action] if known else []
    if keys:
        return say("who.pressed", key=keys[0], action=action_words(action))
    return say("who.replied", action=action_words(action))


def _last_heard(detail: Mapping[str, str]) -> str:
    """At which line of the script the call ended; within which part, where nobody knows the line."""
    locale = say(f"locale.{detail['locale']}")
    if "part" not in detail:
        return say("who.ended_at_question", locale=locale)
    part = say(f"kind.{detail['part']}")
    if "line" not in detail:
        return say("who.ended_in_part", part=part, locale=locale)
    return say("who.ended_at_line", line=detail["line"], lines=detail["lines"], part=part, locale=locale)


def _words(stored: Row | None) -> str:
    """The exact words, as they were spoken or written in the recipient's language."""
    if stored is None:
        return say("who.erased")
    match read_message(stored):
        case VoiceMessage(locale=locale, scripts=scripts):
            return "\n".join(scripts[locale].lines)
        case SmsMessage(body=body):
            return body
        case EmailMessage(subject=subject, text=text):
            return f"{subject}\n{text.rstrip()}"


def _receipt(app: "App", receipt: Row) -> str:
    line = say(
        "who.receipt", at=at(app, receipt["at"]), kind=say(f"receipt.{receipt['kind']}"), status=receipt["status"]
    )
    details = receipt["body"].get("detail") or {}
    line += "".join(f"  {name}={value}" for name, value in details.items())
    return line + bracketed(say("who.times", n=receipt["copies"])) if receipt["copies"] > 1 else line


def _excluded(app: "App", row: Row) -> RenderableType:
    opened = at(app, row["opened_at"])
    line = say("who.excluded_line", run=row["run_id"], at=opened, subject=row["subject"], why=in_words(row["reason"]))
    return Padding(Text(line), (0, 0, 0, 2))


def _ban(app: "App", asked: Asked, row: Row) -> RenderableType:
    purpose = row["purpose"]
    whole = say("who.purpose", purpose=say(f"purpose.{purpose}")) if purpose else say("who.every_purpose")
    shown = shown_address(asked, row["address"])
    why = reason_words(row["reason"])
    line = say("who.ban", address=shown, purpose=whole, at=at(app, row["since"]), why=why)
    if row["set_by"]:
        line += bracketed(say("who.ban_set_by", by=row["set_by"]))
    if row["undone_by"]:
        undone = {"at": at(app, row["undone_at"]), "by": row["undone_by"], "why": row["undone_because"]}
        line += bracketed(say("who.ban_undone_by", **undone))
    elif row["undone_at"]:
        line += bracketed(say("who.ban_undone", at=at(app, row["undone_at"])))
    return Padding(Text(line), (0, 0, 0, 2))


def _account(account: str) -> str:
    try:
        return written_account(account)
    except ValueError:
        return account
