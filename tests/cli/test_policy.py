"""The typhoon switch and the bans as the office uses them at the command line."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notifier.commands.exits import Exit, Failure
from notifier.commands.numbers import harmless
from notifier.commands.suspensions import read_until
from tests.acceptance.crowd import customers, everyone, finished, number, presses
from tests.cli.conftest import Desk
from tests.house import DISTRICT, TAIPEI, House

HERE = datetime(2026, 9, 30, 9, 30, tzinfo=TAIPEI)


async def put_off(house: House, run: int, count: int) -> None:
    async def all_of_them() -> bool:
        return sum(one.notifications for one in (await house.app.runs.put_back(run)).values()) == count

    await house.until(all_of_them, "lanes")


@pytest.mark.parametrize(
    ("lang", "set_words", "status_words", "preflight_words"),
    [
        ("en", "楠梓 is left alone until", ["suspended: 凱米颱風", "put off"], "put off"),
        ("zh", "楠梓暫停聯絡至", ["暫停聯絡：凱米颱風", "延後"], "延後"),
    ],
)
async def test_set_seen_and_ended(
    desk: Desk, lang: str, set_words: str, status_words: list[str], preflight_words: str
) -> None:
    house = desk.house
    await customers(house, 3)
    await everyone(house)
    said = await desk("suspend", "--district", DISTRICT, "--until", "2026-12-03 18:00", "--because", "凱米颱風",
                      "--by", "王組長", "--lang", lang)  # fmt: skip
    assert said.code == Exit.DONE
    assert set_words in said.out

    before = await desk("run", "payment_deadline", "--dry-run", "--lang", lang)
    assert preflight_words in before.out
    assert "2026-12-03 18:00" in before.out
    run = await house.planned(await house.launch())
    await put_off(house, run.id, 3)
    status = await desk("status", str(run.id), "--lang", lang)
    assert [words for words in status_words if words not in status.out] == []
    told = (await desk("status", str(run.id), "--json")).json
    assert told["put_back"]["suspended: 凱米颱風"]["notifications"] == 3
    assert [one["district"] for one in told["suspensions"]] == [DISTRICT]
    who = await desk("who", number(0), "--lang", lang)
    assert status_words[0] in who.out

    listed = (await desk("suspensions", "--json")).json
    assert [(one["set_by"], one["ended_by"]) for one in listed] == [("王組長", None)]
    assert (await desk("suspensions", "end", "1", "--by", "林組長", "--lang", lang)).code == Exit.DONE
    assert (await desk("suspensions", "end", "1")).code == Exit.NOT_FOUND
    await finished(house, run)
    assert len(await house.ledger("call")) == 3
    assert "林組長" in (await desk("suspensions", "--lang", lang)).out


async def test_a_switch_that_would_leave_nobody_alone_is_refused(desk: Desk) -> None:
    given = ("suspend", "--until", "23:00", "--because", "x")
    for more, words in (
        (("--district", "南梓"), "There is no district 南梓; there are: 楠梓."),
        (("--purpose", "safety"), "safety cannot be suspended"),
    ):
        said = await desk(*given, *more)
        assert (said.code, words in said.err) == (Exit.USAGE, True), said.err
    assert (await desk("suspensions")).out == "Nobody has been left alone by a suspension.\n"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("18:00", datetime(2026, 9, 30, 18, 0, tzinfo=TAIPEI)),
        ("2026-10-01 06:00", datetime(2026, 10, 1, 6, 0, tzinfo=TAIPEI)),
        ("2026-09-30T12:00Z", datetime(2026, 9, 30, 12, 0, tzinfo=UTC)),
    ],
)
def test_a_time_as_it_is_typed(typed: str, read: datetime) -> None:
    assert read_until(HERE, typed) == read


@pytest.mark.parametrize(("typed", "why"), [
    ("", "is no time"), ("tomorrow", "is no time"), ("9:00", "is no time"), ("09:00", "passed"),
    ("2026-09-30", "passed"), ("2027-09-30 18:00", "more than 30 days"),
])  # fmt: skip
def test_a_time_that_cannot_be_meant(typed: str, why: str) -> None:
    with pytest.raises(Failure, match=why):
        read_until(HERE, typed)


async def test_a_ban_from_the_counter_bites_at_the_next_try(desk: Desk) -> None:
    house = desk.house
    account = await house.customer(mobile=number(1), email="li@customer.example")
    await house.bill(account)
    await house.people({"calls": {number(1): [{"outcome": "busy"}, {"outcome": "answers", "answer_after": 5}]}})
    run = await house.launch()

    async def rung() -> bool:
        return len(await house.ledger("call")) == 1

    await house.until(rung, "lanes", "inbox")
    said = await desk("suppressions", "add", "0912000001", "--reason", "asked at the counter", "--by", "王組長")
    assert said.code == Exit.DONE
    assert "+886*****001" in said.out
    await finished(house, run)

    assert len(await house.ledger("call")) == 1
    assert len(await house.mailbox()) == 1
    assert "set by 王組長" in (await desk("who", number(1))).out


async def test_bans_are_listed_undone_and_kept(desk: Desk) -> None:
    add = ("suppressions", "add", "li@customer.example", "--reason", "moved", "--purpose", "survey", "--by", "王組長")
    assert (await desk(*add)).code == Exit.DONE
    assert "stood already" in (await desk(*add)).out
    listed = await desk("suppressions")
    assert "l***@customer.example" in listed.out
    assert "li@customer" not in listed.out
    assert (await desk("suppressions", "list", "--purpose", "collection", "--json")).json == []

    undo = ("suppressions", "undo", "1", "--because", "was another Ms Li", "--by", "林組長")
    assert "may be contacted again" in (await desk(*undo)).out
    assert (await desk(*undo)).code == Exit.NOT_FOUND
    assert (await desk("suppressions", "--json")).json == []
    (kept,) = (await desk("suppressions", "history", "LI@customer.example", "--json")).json
    assert (kept["set_by"], kept["undone_by"], kept["undone_because"]) == ("王組長", "林組長", "was another Ms Li")
    wrong = await desk("suppressions", "history", "338-3131")
    assert (wrong.code, "no area code" in wrong.err) == (Exit.USAGE, True)


async def test_a_wrong_person_can_be_right_again(desk: Desk) -> None:
    """A ban that a customer's key set is lifted by staff, and the next run calls."""
    house = desk.house
    account = await house.customer(mobile=number(2))
    await house.bill(account)
    await house.people({"calls": {number(2): [presses("8", "8")]}})
    await finished(house, await house.launch())
    (ban,) = (await desk("suppressions", "--json")).json
    assert (ban["reason"], ban["set_by"]) == ("wrong_person", None)

    assert (
        await desk("suppressions", "undo", str(ban["id"]), "--because", "is the customer after all")
    ).code == Exit.DONE
    await house.bill(account)
    await everyone(house)
    await finished(house, await house.launch("again"))
    assert len(await house.ledger("call")) == 2


async def test_the_list_of_telephones_to_mend(desk: Desk, folder: Path) -> None:
    house = desk.house
    account = await house.customer(mobile="=HYPERLINK(1)", phone="07-338-3131 轉 12", name="甲")
    await house.bill(account)
    wrong = await house.customer(mobile="0912-000-003 公司")
    await house.bill(wrong)
    await house.people({"calls": {number(3): [presses("8", "8")]}})
    await finished(house, await house.launch())
    later = house.clock.now() + timedelta(hours=2)

    async def learnt() -> bool:
        if house.clock.now() > later:
            await house.app.learning().learn()
        return bool(await house.app.pool.fetchval("select count(*) from notifier.number_memory"))

    await house.until_soon(learnt)
    file = folder / "repair.csv"
    said = await desk("numbers", "repair", "--output", str(file), "--lang", "zh")

    assert said.code == Exit.DONE, said.err
    assert "共 2 筆" in said.out
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert file.stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert [(row["登記內容"], row["判讀號碼"], row["問題"]) for row in rows] == [
        ("", "", "沒有聯絡方式：號碼太短"),
        ("0912-000-003 公司", "'+886912000003", "接聽者不是本人"),
    ]
    assert (await desk("numbers", "repair", "--output", str(file))).code == Exit.USAGE


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begins: str) -> None:
    assert harmless(f"{begins}1+1") == f"'{begins}1+1"
    assert harmless(f"1{begins}1") == f"1{begins}1"
