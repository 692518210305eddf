"""The office's own care calls: a list goes in, everybody on it is told in words that fit, or it is said why not."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from notifier.domain.states import RunState
from notifier.engine.list_reading import read_list
from notifier.storage.runs import Run
from tests.acceptance.crowd import AGREES, BUSY, LISTENS, by_number, everyone, finished, number
from tests.house import DISTRICT, House, open_house
from tests.lists.files import as_csv

HEAD = ["電號", "手機", "語言", "日期", "地點", "備註"]
DAY = "2026-12-08"


@pytest.fixture
async def house(database: str, source_database: str) -> AsyncIterator[House]:
    """The carrier speaks: of what our own engines record for one customer no words are kept to be read here."""
    async with open_house(database, source_database, speech_engines=["carrier"]) as opened:
        yield opened


@pytest.fixture(autouse=True)
async def office(source_database: str) -> None:
    source = await asyncpg.connect(source_database)
    await source.execute(
        "insert into billing.office (district, section, phone) values ($1, '業務組', '07-300-0102')", DISTRICT
    )
    await source.close()


async def upload(house: House, *rows: Sequence[Any], name: str = "visits") -> None:
    await house.app.lists.upload(name, read_list(as_csv([HEAD, *rows])), DISTRICT, house.clock.now())


async def launch(house: House, template: str = "visit", key: str = "test", name: str = "visits") -> Run:
    return await house.launch(key, "customer_care", list=name, template=template)


async def reasons(house: House, run: Run) -> dict[str, str]:
    rows = await house.app.pool.fetch("select subject, reason from notifier.audience where run_id = $1", run.id)
    return {re.sub(r"^L\d+-", "", row["subject"]): row["reason"] for row in rows if row["reason"]}


async def test_who_is_called_where_and_with_which_words(house: House) -> None:
    """An account is called where the source says, a telephone where the list says, each in its language."""
    account = await house.customer(mobile=number(1))
    await upload(
        house,
        [account, "0900000000", "", "115/12/8", "楠梓區公所", "請帶印章"],
        ["", "0" + number(2)[4:], "en", DAY, "楠梓站", ""],
    )
    await everyone(house, LISTENS)

    run = await finished(house, await launch(house))

    calls = by_number(await house.ledger("call"))
    assert calls.keys() == {number(1), number(2)}
    chinese, english = ["".join(await house.heard(calls[number(n)][0])) for n in (1, 2)]
    assert "我們的同仁會去拜訪您" in chinese
    assert chinese.count("十二月八日") == 2
    assert chinese.count("楠梓區公所") == 2
    assert "請帶印章" in chinese
    assert english.count("December eighth") == 2
    assert english.count("楠梓站") == 2
    assert "請帶印章" not in english
    assert (await house.tally(run)).outcomes == {"reached": 2}
    assert (await house.notification(account))["outcome"] == "reached"


async def test_whoever_does_not_answer_gets_the_same_by_sms_and_mail(house: House) -> None:
    account = await house.customer(mobile=None, phone=None, email="wang@customer.example")
    await upload(house, [account, "", "", DAY, "楠梓區公所", ""], ["", "0" + number(2)[4:], "", DAY, "楠梓站", ""])
    await everyone(house, BUSY)

    await finished(house, await launch(house))

    (text,) = await house.ledger("message")
    assert "12月8日拜訪，地點楠梓站" in text["body"]
    assert "1911" in text["body"]
    (mail,) = await house.mailbox()
    assert mail["rcpt_tos"] == ["wang@customer.example"]


async def test_an_account_is_told_as_its_customer_prefers(house: House) -> None:
    """What the list itself says of a telephone is a wish to be called there."""
    account = await house.customer(mobile=number(1), prefers="sms")
    await upload(house, [account, "", "", DAY, "楠梓區公所", ""], ["", "0" + number(2)[4:], "", DAY, "楠梓站", ""])
    await everyone(house, AGREES)

    await finished(house, await launch(house))

    assert by_number(await house.ledger("message")).keys() == {number(1)}
    assert by_number(await house.ledger("call")).keys() == {number(2)}


async def test_rows_that_cannot_be_told_are_left_out_with_the_reason(house: House) -> None:
    known = await house.customer(mobile=number(1))
    await upload(
        house,
        ["09999999999", "", "", DAY, "楠梓區公所", ""],
        ["", "0" + number(2)[4:], "", "下週二", "楠梓區公所", ""],
        ["", "0" + number(3)[4:], "", DAY, "", ""],
        [known, "", "", DAY, "楠梓區公所", ""],
    )
    await everyone(house, AGREES)

    run = await finished(house, await launch(house))

    assert await reasons(house, run) == {
        "2": "unknown_account", "3": "not_a_date: day", "4": "missing_value: place",
    }  # fmt: skip
    tally = await house.tally(run)
    assert (tally.selected, sum(tally.excluded.values()), tally.outcomes) == (4, 3, {"acknowledged": 1})


async def test_the_same_row_is_told_once_in_the_same_words(house: House) -> None:
    account = await house.customer(mobile=number(1))
    await upload(house, [account, "", "", DAY, "楠梓區公所", ""])
    await everyone(house, AGREES)

    await finished(house, await launch(house, key="one"))
    again = await finished(house, await launch(house, key="two"))
    other = await finished(house, await launch(house, "greeting", key="three"))

    assert (await house.tally(again)).already_told == 1
    assert (await house.tally(other)).outcomes == {"acknowledged": 1}
    assert len(await house.ledger("call")) == 2


async def test_a_household_hears_the_same_thing_once_and_other_things_apart(house: House) -> None:
    first, second, third = [await house.customer(mobile=number(1)) for _ in range(3)]
    await upload(
        house,
        [first, "", "", DAY, "楠梓區公所", ""],
        [second, "", "", DAY, "楠梓區公所", ""],
        [third, "", "", DAY, "岡山站", ""],
    )
    await everyone(house, AGREES)

    run = await finished(house, await launch(house))

    assert (await house.tally(run)).merged == 1
    heard = ["".join(await house.heard(call)) for call in await house.ledger("call")]
    assert sorted("岡山站" in words for words in heard) == [False, True]


async def test_what_a_cell_and_the_words_come_to_together_is_looked_at(house: House) -> None:
    """Neither half is a mark of fraud; side by side in the message they are one."""
    await upload(house, ["", "0" + number(1)[4:], "", DAY, "楠梓站", "請將電費匯"], name="odd")
    await house.app.pool.execute(  # as if the office's rules had been others on the day of the upload
        "update notifier.list_row set cells = jsonb_set(cells, '{note,text}', '\"請匯款\"')"
    )
    await everyone(house, AGREES)

    run = await launch(house, name="odd")
    ended = await house.ended(run, frozenset({RunState.WAITING, RunState.PAUSED, RunState.FINISHED}))

    assert ended.state in (RunState.WAITING, RunState.PAUSED)
    (held,) = await house.app.runs.held(run.id)
    assert "forbidden_remit" in held.reason
    assert await house.ledger() == []


async def test_nobody_is_told_of_a_list_that_is_gone(house: House) -> None:
    """Between opening and drawing the list is dropped: the run fails and says so."""
    await upload(house, ["", "0" + number(1)[4:], "", DAY, "楠梓站", ""])
    found = await house.app.lists.named("visits")
    await house.app.lists.drop(found.id, house.clock.now())

    ended = await house.ended(await launch(house))

    assert (ended.state, ended.reason) == (RunState.FAILED, "no list is named visits")
    assert await house.ledger() == []


async def test_what_is_dropped_is_erased(house: House) -> None:
    await upload(house, ["", "0" + number(1)[4:], "", DAY, "楠梓站", "請帶印章"])
    await everyone(house, LISTENS)
    await finished(house, await launch(house))
    found = await house.app.lists.named("visits")

    await house.app.lists.drop(found.id, house.clock.now())

    for table in ("list", "list_row", "number_book"):
        rows = await house.app.pool.fetch(f"select t::text from notifier.{table} t")
        assert not [row for row in rows if "請帶印章" in row[0] or number(1)[4:] in row[0]], table


async def test_an_account_that_the_source_loses_is_held(house: House) -> None:
    account = await house.customer(mobile=number(1))
    await upload(house, [account, "", "", DAY, "楠梓區公所", ""])
    await everyone(house, BUSY)
    run = await launch(house)

    async def tried() -> bool:
        return len(await house.ledger("call")) == 1

    await house.until_soon(tried)
    await house.source.execute("delete from billing.contact where account_no = $1", account)
    await house.source.execute("delete from billing.account where account_no = $1", account)

    ended = await house.ended(run, frozenset({RunState.WAITING, RunState.PAUSED, RunState.FINISHED}))

    assert ended.state is not RunState.FINISHED
    assert [one.reason for one in await house.app.runs.held(run.id)] in ([], ["facts_missing"])
    assert len(await house.ledger("call")) == 1


async def test_our_own_engine_says_a_chinese_name_in_an_english_call(database: str, source_database: str) -> None:
    async with open_house(database, source_database) as own:
        await upload(own, ["", "0" + number(1)[4:], "en", DAY, "楠梓站", ""])
        await everyone(own, LISTENS)

        await finished(own, await launch(own))

        (call,) = await own.ledger("call")
        assert {heard["kind"] for heard in call["heard"]} == {"play"}
        assert "December eighth" in "".join(await own.heard(call))
        assert call["errors"] == []
