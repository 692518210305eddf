"""The office's side: upload, show, drop, and what is said before anything is opened."""

import asyncio
import json
from pathlib import Path

import pytest

from notifier.commands.exits import Exit
from notifier.domain.states import RunState
from notifier.engine.list_reading import read_list
from notifier.storage.lists import NameTaken
from tests.acceptance.crowd import everyone, number
from tests.cli.conftest import Desk
from tests.house import DISTRICT, House
from tests.lists.files import as_csv, as_xlsx

HEAD = ["電號", "姓名", "手機", "日期", "地點"]
ROWS = [
    ["07000000001", "王示範", "", "2026-12-08", "楠梓區公所"],
    ["", "林樣本", "0912-000-002", "2026-12-08", "楠梓區公所"],
    ["0713", "陳測試", "", "2026-12-08", "楠梓區公所"],
    ["", "李範例", "0800-000-000", "2026-12-08", "楠梓區公所"],
]


@pytest.fixture
def sheet(folder: Path) -> Path:
    return save(folder / "visits.xlsx", as_xlsx([HEAD, *ROWS]))


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def rows_kept(house: House) -> int:
    count: int = await house.app.pool.fetchval("select count(*) from notifier.list_row")
    return count


async def test_a_list_from_upload_to_drop(desk: Desk, sheet: Path) -> None:
    upload = ("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)

    tried = await desk(*upload, "--dry-run")
    assert (tried.code, await rows_kept(desk.house)) == (Exit.DONE, 0)
    assert "Nothing is kept. 2 of 4 rows would be taken." in tried.out

    said = await desk(*upload)
    assert (said.code, await rows_kept(desk.house)) == (Exit.DONE, 4), "the bad ones are kept, too"
    assert "List visits is there: 2 of 4 rows taken." in said.out
    assert "the account number does not have 11 digits" in said.out
    assert "Templates name its columns: name, day, place." in said.out

    again = await desk(*upload)
    assert (again.code, await rows_kept(desk.house)) == (Exit.DONE, 4)
    assert "was there already" in again.out

    shown = await desk("list", "show", "visits", "--json")
    assert [(row["line"], row["reason"]) for row in shown.json["bad_rows"]] == [
        (4, "account_not_11_digits"), (5, "no_number: toll_free"),
    ]  # fmt: skip
    assert (shown.json["taken"], shown.json["bad"]) == (2, 2)
    assert "電號不是 11 碼" in (await desk("--lang", "zh", "list", "show", "visits")).out

    for asked in (await desk("list"), await desk("list", "show", "visits"), said, again):
        assert "0912" not in asked.out + asked.err, "no telephone is shown"
        assert "王示範" not in asked.out + asked.err, "nor a name"

    assert (await desk("list", "drop", "visits")).code == Exit.USAGE
    dropped = await desk("list", "drop", "visits", "--yes")
    assert (dropped.code, await rows_kept(desk.house)) == (Exit.DONE, 0)
    assert (await desk("list", "show", "visits")).code == Exit.NOT_FOUND
    assert await desk.house.app.pool.fetchval("select columns::text from notifier.list") == "[]"


async def test_a_name_belongs_to_one_file(desk: Desk, sheet: Path) -> None:
    await desk("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)
    save(sheet, as_csv([HEAD, ["07000000009", "", "", "2026-12-09", "岡山"]]))

    said = await desk("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)

    assert said.code == Exit.USAGE
    assert "holds something else" in said.err


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (as_csv([["姓名"], ["王示範"]]), Exit.USAGE, "No column is headed account or telephone"),
        (as_csv([HEAD]), Exit.USAGE, "Nothing stands below the headings"),
        (as_csv([HEAD, ["", "", "0912000001", "", ""]]), Exit.USAGE, "say with --district"),
        (b"PK\x03\x04", Exit.USAGE, "neither CSV nor XLSX"),
        (as_csv([HEAD, ["12", "", "", "", ""]]), Exit.MUST_BE_MENDED, "None of the 1 rows can be used"),
    ],
)
async def test_what_cannot_be_a_list(
    content: bytes,
    code: Exit,
    words: str,
    desk: Desk,
    folder: Path,
) -> None:
    save(folder / "list.csv", content)

    said = await desk("list", "upload", str(folder / "list.csv"), "--name", "x")

    assert (said.code, await rows_kept(desk.house)) == (code, 0)
    assert words in said.out + said.err


async def test_what_does_not_fit_is_said_before_anything_is_opened(desk: Desk, folder: Path) -> None:
    save(folder / "list.csv", as_csv([["電號", "日期"], ["07000000001", "2026-12-08"]]))
    await desk("list", "upload", str(folder / "list.csv"), "--name", "calls")

    for given, words in (
        (("list=calls", "template=visit"), "the list calls lacks columns that visit uses: place"),
        (("list=calls", "template=party"), "no template is named party; there are: greeting, visit"),
        (("list=nobody", "template=visit"), "no list is named nobody"),
        (("template=visit",), "list is not set"),
    ):
        for how in ((), ("--dry-run",)):
            said = await desk("run", "customer_care", *(part for one in given for part in ("--set", one)), *how)
            assert said.code == Exit.USAGE, said
            assert words in said.err
    assert await desk.house.app.pool.fetchval("select count(*) from notifier.run") == 0


async def test_a_list_in_use_is_not_dropped(desk: Desk, sheet: Path) -> None:
    await everyone(desk.house, {"outcome": "busy"})
    await desk("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)
    run = await desk.house.launch("k", "customer_care", list="visits", template="visit")
    await desk.house.planned(run)

    assert (await desk("list", "drop", "visits", "--yes")).code == Exit.UNFINISHED

    await desk.house.move(run, RunState.CANCELLED)
    assert (await desk("list", "drop", "visits", "--yes")).code == Exit.DONE
    assert await rows_kept(desk.house) == 0


async def test_a_test_call_says_made_up_things_only(desk: Desk, sheet: Path) -> None:
    await desk("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)

    said = await desk(
        "run", "customer_care", "--set", "list=visits", "--set", "template=visit", "--test-to", number(7), "--json"
    )

    assert said.code == Exit.DONE, said
    assert "範例" in json.dumps(said.json, ensure_ascii=False)
    assert "王示範" not in said.out


async def test_two_at_once_make_one_list(house: House) -> None:
    read, lists, now = read_list(as_csv([HEAD, *ROWS])), house.app.lists, house.clock.now()

    made = await asyncio.gather(*(lists.upload("visits", read, DISTRICT, now) for _ in range(4)))

    assert sorted(new for _, new in made) == [False, False, False, True]
    assert len({one.id for one, _ in made}) == 1
    assert await rows_kept(house) == 4
    with pytest.raises(NameTaken):
        await lists.upload("visits", read, "岡山", now)


async def test_the_calls_of_a_list_can_be_looked_at_and_heard(desk: Desk, sheet: Path, folder: Path) -> None:
    await desk("list", "upload", str(sheet), "--name", "visits", "--district", DISTRICT)
    await desk.house.source.execute(
        "insert into billing.office (district, section, phone) values ($1, '業務組', '07-300-0102')", DISTRICT
    )
    chosen = ("customer_care", "--set", "list=visits", "--set", "template=visit")
    number_of = await desk.house.app.pool.fetchval("select id from notifier.list")

    explained = await desk("voice", "explain", *chosen, "--subject", f"L{number_of}-3", "--json")
    recorded = await desk("voice", "audition", *chosen, "--locale", "zh-TW", "--output", str(folder / "review"))

    assert (explained.code, explained.json["doubts"]) == (Exit.DONE, [])
    assert "地點是楠梓區公所。" in [line["words"] for line in explained.json["lines"]]
    assert recorded.code == Exit.DONE, recorded.err
    assert sorted(path.suffix for path in (folder / "review").glob("contact*")) == [".html"]
    assert (await desk("voice", "audition", "customer_care")).code == Exit.USAGE
