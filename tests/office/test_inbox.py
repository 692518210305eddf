"""What a section does with answers: claimed by one, closed with a note, put back; and whoever listens is told."""

import asyncio
import json
from datetime import timedelta

import asyncpg
import pytest

from notifier.commands.exits import Exit
from notifier.storage.answers import Move
from tests.cli.conftest import Desk, notifier
from tests.office.kit import SECTION, answered, outbox


async def test_of_many_who_claim_at_once_one_has_it(desk: Desk) -> None:
    app = desk.house.app
    reply = await answered(app)
    names = [f"clerk {number}" for number in range(20)]
    claims = [app.answers.move(reply, Move.CLAIMED, name, None, app.clock.now()) for name in names]
    won = await asyncio.gather(*claims)

    assert sum(won) == 1
    answer = await app.answers.find(reply)
    assert answer is not None
    assert answer.claimed_by == names[won.index(True)]
    assert [row["type"] for row in await outbox(app)] == ["reply.claimed"]
    assert [moved.by for moved in await app.answers.history(reply)] == [answer.claimed_by]


async def test_the_second_is_told_who_has_it(desk: Desk) -> None:
    reply = await answered(desk.house.app)

    both = await asyncio.gather(
        *(notifier("inbox", "claim", str(reply), "--by", name, env=desk.env) for name in ("Ms Lin", "Mr Chen"))
    )
    lost, won = sorted(both, key=lambda said: said.code, reverse=True)
    assert (won.code, lost.code) == (Exit.DONE, Exit.UNFINISHED)
    name = "Ms Lin" if "Ms Lin" in won.out else "Mr Chen"
    assert f"{name} has answer {reply} since" in lost.err
    again = await desk("inbox", "claim", str(reply), "--by", name)
    assert again.code == Exit.DONE, "whoever has it may ask again"


async def test_from_open_to_closed_and_back(desk: Desk) -> None:
    reply = await answered(desk.house.app, action="wrong_person", subjects=["B1", "B2"])

    (before,) = (await desk("inbox", "--json")).json
    assert (before["state"], before["account_no"]) == ("open", "07-**-****-**-0")
    assert (await desk("inbox", "claim", str(reply))).code == Exit.DONE
    empty = await desk("inbox", "close", str(reply), "--note", "  ")
    assert empty.code == Exit.USAGE
    closed = await desk("inbox", "close", str(reply), "--note", "another number on record", "--by", "Ms Lin")
    assert "another number on record" in closed.out
    assert "No such answer." in (await desk("inbox")).out
    twice = await desk("inbox", "close", str(reply), "--note", "x")
    assert (twice.code, "closed by Ms Lin" in twice.err) == (Exit.UNFINISHED, True)
    assert (await desk("inbox", "claim", str(reply))).code == Exit.UNFINISHED
    (listed,) = (await desk("inbox", "--closed", "--json")).json
    assert (listed["closed_by"], listed["note"]) == ("Ms Lin", "another number on record")

    assert (await desk("inbox", "reopen", str(reply), "--note", "it rings nobody")).code == Exit.DONE
    assert (await desk("inbox", "reopen", str(reply))).code == Exit.UNFINISHED
    shown = (await desk("inbox", "show", str(reply), "--json")).json
    assert (shown["state"], shown["claimed_by"], shown["note"]) == ("open", None, None)
    assert [(one["move"], one["note"]) for one in shown["history"]] == [
        ("claimed", None), ("closed", "another number on record"), ("reopened", "it rings nobody"),
    ]  # fmt: skip
    page = (await desk("inbox", "show", str(reply))).out
    assert "closed by Ms Lin" in page
    assert "07100000010" not in page

    events = await outbox(desk.house.app)
    assert [event["type"] for event in events] == ["reply.claimed", "reply.closed", "reply.reopened"]
    assert {event["subject"] for event in events} == {"B1"}
    for event in events:
        told = json.loads(event["data"]) if isinstance(event["data"], str) else event["data"]
        assert told["reply"] == reply
        assert "Ms Lin" not in str(told)
        assert "another number" not in str(told)


async def test_who_it_is_where_nobody_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = [await answered(desk.house.app) for _ in range(2)]
    monkeypatch.setattr("getpass.getuser", lambda: "lin")
    assert "is yours, lin" in (await desk("inbox", "claim", str(first))).out

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr("getpass.getuser", nobody)
    refused = await desk("inbox", "claim", str(second))
    assert (refused.code, "Give --by" in refused.err) == (Exit.USAGE, True)
    assert (await desk("inbox", "claim", str(second), "--by", "Ms Lin")).code == Exit.DONE


async def test_what_is_not_committed_is_not_told(desk: Desk, database: str) -> None:
    """The row, its history and the event are one statement: nobody is told of a claim that did not happen."""
    reply = await answered(desk.house.app)
    connection = await asyncpg.connect(database)
    await connection.execute("alter table notifier.reply_move add constraint full_disk check (by <> 'unlucky')")
    await connection.close()
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.house.app.answers.move(reply, Move.CLAIMED, "unlucky", None, desk.house.clock.now())

    answer = await desk.house.app.answers.find(reply)
    assert answer is not None
    assert answer.claimed_by is None
    assert await outbox(desk.house.app) == []


async def test_filters_show_what_they_say(desk: Desk) -> None:
    app, day = desk.house.app, timedelta(days=1)
    late = await answered(app, due_in=-day)
    later = await answered(app, due_in=-2 * day)
    fresh = await answered(app)
    elsewhere = await answered(app, section="設計組", due_in=2 * day)
    await desk("inbox", "claim", str(late), "--by", "Ms Lin")

    async def ids(*options: str) -> list[int]:
        return [one["id"] for one in (await desk("inbox", "list", "--json", *options)).json]

    assert await ids() == [later, late, fresh, elsewhere]
    assert await ids("--section", SECTION) == [later, late, fresh]
    assert await ids("--overdue") == [later, late]
    assert await ids("--open", "--overdue") == [later]
    assert await ids("--most", "1") == [later]
    text = (await desk("inbox")).out
    assert "Ms Lin has it; OVERDUE" in text
    assert "已繳費" in (await desk("inbox", "--lang", "zh")).out


@pytest.mark.parametrize("line", ["inbox claim 99", "inbox close 99 --note x", "inbox reopen 99", "inbox show 99"])
async def test_what_is_not_there(desk: Desk, line: str) -> None:
    said = await desk(*line.split())
    assert (said.code, "There is no answer 99" in said.err) == (Exit.NOT_FOUND, True)


async def test_the_case_system_reads_the_view_and_nothing_else(desk: Desk, database: str) -> None:
    await answered(desk.house.app, account_no="07100000010")
    connection = await asyncpg.connect(database)
    await connection.execute("set role notifier_case_reader")
    (row,) = await connection.fetch("select * from notifier.answer")
    assert (row["account_no"], row["state"], row["action"]) == ("07100000010", "open", "already_paid")
    tables = await connection.fetch(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = 'notifier' and c.relkind in ('r', 'p', 'v') and has_table_privilege(c.oid, 'select')"
    )
    assert [one["relname"] for one in tables] == ["answer"]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("update notifier.answer set note = 'x'")
    await connection.close()
