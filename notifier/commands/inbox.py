"""`notifier inbox`: the answers of customers, for sections that have no case system."""

import getpass
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson, ListedByDefault
from notifier.commands.reasons import action_words
from notifier.commands.terminal import listing, pairs, print_json, screen, tell
from notifier.commands.words import bracketed, clauses, listed, say
from notifier.domain.written import mask_account
from notifier.storage.answers import Answer, AnswerState, Move, Moved

if TYPE_CHECKING:
    from notifier.app import App

GROUP = "List, claim and close the answers of customers."
LIST = "List the answers that are not closed.\n\nThe nearest deadline first."
SHOW = "Show one answer with its history."
CLAIM = "Take an answer in hand.\n\nOf two who claim at once one has it, and the other is told who. Exit 5 then."
CLOSE = "Close an answer.\n\nWhoever has it: the note says what was done."
REOPEN = "Put a claimed or closed answer back.\n\nNobody has it then."

Id = Annotated[int, typer.Argument(metavar="ID", help="The answer, as `notifier inbox` lists it.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; by default who is logged in here.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(cls=ListedByDefault, help=GROUP, epilog=examples("notifier inbox"))
    group.command("list", help=LIST, epilog=examples("notifier inbox", "notifier inbox --section 電費組 --overdue"))(
        list_answers
    )
    group.command("show", help=SHOW, epilog=examples("notifier inbox show 71"))(show)
    group.command("claim", help=CLAIM, epilog=examples('notifier inbox claim 71 --by "Ms Lin"'))(claim)
    group.command("close", help=CLOSE, epilog=examples('notifier inbox close 71 --note "called, comes on Friday"'))(
        close
    )
    group.command("reopen", help=REOPEN, epilog=examples('notifier inbox reopen 71 --note "on leave"'))(reopen)
    app.add_typer(group, name="inbox")


def list_answers(
    section: Annotated[str | None, typer.Option("--section", help="Only of this section, for example 電費組.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only what nobody has claimed.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what should have been acted on by now.")] = False,
    closed: Annotated[bool, typer.Option("--closed", help="Also what is closed.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        states = [AnswerState.OPEN] if only_open else [AnswerState.OPEN, AnswerState.CLAIMED]
        states += [AnswerState.CLOSED] if closed else []
        found = await app.answers.some(section, states, app.clock.now() if overdue else None, most)
        if as_json:
            print_json([_plain(one) for one in found])
        elif not found:
            tell(say("inbox.none"))
        else:
            heads = [say(f"inbox.{name}") for name in ("id", "due", "section", "about", "answer", "account", "state")]
            rows = [
                [str(one.id), at(app, one.due_at), one.section, listed(one.subjects), _said(one), _account(one),
                 _state(app, one)]
                for one in found
            ]  # fmt: skip
            console = screen()
            console.print(listing(heads, rows, console.width))
            if len(found) == most:
                console.print(say("inbox.more", n=most))

    on_app(work)


def show(reply: Id, as_json: AsJson = False) -> None:
    async def work(app: "App") -> None:
        answer = await _find(app, reply)
        moves = await app.answers.history(reply)
        if as_json:
            print_json({**_plain(answer), "history": moves})
        else:
            screen().print(_page(app, answer, moves))

    on_app(work)


def claim(reply: Id, by: By = None) -> None:
    async def work(app: "App") -> None:
        who = _who(by)
        if not await _move(app, reply, Move.CLAIMED, who, None):
            answer = await _find(app, reply)
            if answer.state != AnswerState.CLAIMED or answer.claimed_by != who:
                raise _as_it_stands(app, answer)
        tell(say("inbox.claim_done", id=reply, by=who))

    on_app(work)


def close(
    reply: Id, note: Annotated[str, typer.Option("--note", help="What was done; kept with the answer.")], by: By = None
) -> None:
    async def work(app: "App") -> None:
        if not note.strip():
            raise Failure(Exit.USAGE, say("inbox.needs_note"))
        if not await _move(app, reply, Move.CLOSED, _who(by), note.strip()):
            raise _as_it_stands(app, await _find(app, reply))
        tell(say("inbox.close_done", id=reply, note=note.strip()))

    on_app(work)


def reopen(
    reply: Id,
    by: By = None,
    note: Annotated[str | None, typer.Option("--note", help="Why; kept in its history.")] = None,
) -> None:
    async def work(app: "App") -> None:
        if not await _move(app, reply, Move.REOPENED, _who(by), note):
            raise _as_it_stands(app, await _find(app, reply))
        tell(say("inbox.reopen_done", id=reply))

    on_app(work)


def _who(by: str | None) -> str:
    """Whoever is named, else whoever is logged in: in a container, often nobody with a name."""
    try:
        return (by or "").strip() or getpass.getuser()
    except (KeyError, OSError) as error:
        raise Failure(Exit.USAGE, say("inbox.needs_name")) from error


async def _move(app: "App", reply: int, move: Move, by: str, note: str | None) -> bool:
    moved = await app.answers.move(reply, move, by, note, app.clock.now())
    if moved:
        await app.wake_ups.send("outbox")
    return moved


async def _find(app: "App", reply: int) -> Answer:
    answer = await app.answers.find(reply)
    if answer is None:
        raise Failure(Exit.NOT_FOUND, say("inbox.unknown", id=reply))
    return answer


def _as_it_stands(app: "App", answer: Answer) -> Failure:
    """Why it could not be moved: who has it, or had it."""
    match answer.state:
        case AnswerState.CLOSED:
            words = say("inbox.is_closed", id=answer.id, by=answer.closed_by, at=at(app, answer.closed_at))
        case AnswerState.CLAIMED:
            words = say("inbox.is_claimed", id=answer.id, by=answer.claimed_by, at=at(app, answer.claimed_at))
        case _:
            words = say("inbox.is_open", id=answer.id)
    return Failure(Exit.UNFINISHED, words)


HALF_DAYS = ("morning", "afternoon")


def _said(answer: Answer) -> str:
    words = action_words(answer.action) + (f": {_value(answer.value)}" if answer.value else "")
    return words if answer.standing == "holds" else words + bracketed(say(f"answer.{answer.standing}"))


def _value(value: str) -> str:
    return say(f"answer.{value}") if value in HALF_DAYS else value


def _state(app: "App", answer: Answer) -> str:
    match answer.state:
        case AnswerState.CLOSED:
            return say("inbox.closed", by=answer.closed_by, note=answer.note)
        case AnswerState.CLAIMED:
            words = say("inbox.claimed", by=answer.claimed_by)
        case _:
            words = say("inbox.open")
    return clauses(words, say("inbox.overdue")) if answer.due_at < app.clock.now() else words


def _account(answer: Answer) -> str:
    return mask_account(answer.account_no) if answer.account_no else ""


def _plain(answer: Answer) -> dict[str, Any]:
    return {**asdict(answer), "account_no": _account(answer) or None}


def _page(app: "App", answer: Answer, moves: list[Moved]) -> RenderableType:
    when = partial(at, app)
    lines: list[tuple[str, RenderableType]] = [
        (say("inbox.id"), Text(str(answer.id))),
        (say("inbox.answer"), Text(_said(answer))),
        (say("inbox.about"), Text(listed(answer.subjects))),
        (say("inbox.account"), Text(_account(answer))),
        (say("inbox.section"), Text(answer.section)),
        (say("inbox.district"), Text(answer.district or "")),
        (say("inbox.at"), Text(when(answer.at))),
        (say("inbox.due"), Text(when(answer.due_at))),
        (say("inbox.state"), Text(_state(app, answer))),
    ]
    if moves:
        history = [Text(clauses(f"{when(one.at)}  {say(f'move.{one.move}', by=one.by)}", *filter(None, [one.note])))
                   for one in moves]  # fmt: skip
        lines.append((say("inbox.history"), Group(*history)))
    return pairs(lines)
