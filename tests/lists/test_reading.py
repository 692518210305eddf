"""From a spreadsheet to rows: nothing is lost, and what cannot be used says why."""

import io
import struct
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.list_cell import ListCell, read_date, read_number
from notifier.domain.list_heading import BadHeading, read_headings
from notifier.domain.list_row import CellError, ListRow, read_row
from notifier.engine.list_file import MOST_UNFOLDED, UnreadableFile, read_lines
from notifier.engine.list_reading import ReadList, read_list
from tests.lists.files import as_csv, as_xlsx

ACCOUNT = "07130012340"


def row(cell: object, heading: str = "電號", *more: object) -> ListRow:
    headings = read_headings([heading, "手機", "備註"])
    return read_row(headings, 2, [cell, *more])  # type: ignore[list-item]


# -- cells


@pytest.mark.parametrize(
    ("cell", "account"),
    [
        ("07130012340", ACCOUNT),
        (" 07-13-0012-34-0 ", ACCOUNT),
        ("０７１３００１２３４０", ACCOUNT),
        ("07130012340\u3000", ACCOUNT),
        (Decimal(7130012340), ACCOUNT),  # the zero that a spreadsheet dropped
        (Decimal(17130012340), "17130012340"),
    ],
)
def test_an_account_however_it_is_written(cell: object, account: str) -> None:
    assert (row(cell).account_no, row(cell).reason) == (account, None)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("7130012340", "account_has_10_digits"),  # of a text nobody knows which digit is missing
        (Decimal(713001234), "account_not_11_digits"),
        ("071300123401", "account_not_11_digits"),
        ("S202600001", "account_not_11_digits"),
        ("7.13E+09", "account_not_11_digits"),
        (Decimal("7130012340.5"), "account_not_11_digits"),
        (CellError(), "cell_is_an_error: 電號"),
        (None, "no_account_or_telephone"),
        ("", "no_account_or_telephone"),
        ("王\ufffd明", "cell_unreadable: 電號"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(cell: object, reason: str) -> None:
    found = row(cell)
    assert (found.reason, found.account_no, found.telephone) == (reason, None, None)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0912-345-678", "+886912345678"),
        ("０９１２　３４５　６７８", "+886912345678"),
        (Decimal(912345678), "+886912345678"),
        ("公司 07-338-3131；手機 0912345678", "+88673383131"),
    ],
)
def test_a_telephone_however_it_is_written(cell: object, number: str) -> None:
    assert row("", "電號", cell).telephone == number


def test_a_telephone_beside_an_account_is_the_sources_business() -> None:
    found = row(ACCOUNT, "電號", "0912345678")
    assert (found.account_no, found.telephone) == (ACCOUNT, None)


def test_a_telephone_that_cannot_be_dialled() -> None:
    assert row("", "電號", "0800-000-000").reason == "no_number: toll_free"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("請至 bit.ly/abc", "forbidden_link: 備註"),
        ("請匯款", "forbidden_remit: 備註"),
        ("請備身分證", "forbidden_identity: 備註"),
        ("為您轉接專人", "forbidden_transfer_call: 備註"),
        ("收款帳戶 004-123456789", "forbidden_payee_account: 備註"),
        ("字" * 201, "cell_too_long: 備註"),
    ],
)
def test_a_cell_may_not_say_what_no_template_may(text: str, reason: str) -> None:
    assert row(ACCOUNT, "電號", None, text).reason == reason


def test_a_bad_row_keeps_what_stood_in_it() -> None:
    assert row("0713", "電號", None, "請帶印章").cells == {"1": {"text": "0713"}, "3": {"text": "請帶印章"}}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-05", date(2026, 12, 5)),
        ("2026/12/5", date(2026, 12, 5)),
        ("115/12/05", date(2026, 12, 5)),
        ("民國115年12月5日", date(2026, 12, 5)),
        ("２０２６.１２.５", date(2026, 12, 5)),
        ("26/12/5", None),
        ("2026-02-30", None),
        ("12月5日", None),
        ("下週二", None),
    ],
)
def test_dates(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234", Decimal(1234)), ("1,234", Decimal(1234)), ("NT$1,234.5", Decimal("1234.5")), ("0", Decimal(0)),
        ("３元", Decimal(3)), ("007", None), ("1,23", None), ("-5", None), ("3樓", None),
    ],
)  # fmt: skip
def test_numbers(text: str, number: Decimal | None) -> None:
    assert read_number(text) == number


def test_a_cell_is_what_its_reader_takes_it_for() -> None:
    cell = ListCell({"text": "115/12/5", "date": "2026-12-05"})

    assert cell == "115/12/5"
    assert cell.read_by("spoken_date") == date(2026, 12, 5)
    assert cell.read_by("spoken_digits") == "115/12/5"
    with pytest.raises(ValueError, match="no number"):
        cell.read_by("spoken_amount")


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30), st.decimals(allow_nan=False, allow_infinity=False))))
def test_no_cell_makes_a_row_raise(cells: list[object]) -> None:
    found = read_row(read_headings(["電號", "電話", "備註"]), 7, cells)  # type: ignore[arg-type]
    assert found.line == 7
    assert (found.reason is None) == (found.key is not None)


# -- headings


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["電號", "姓名", "日期"], ["", "name", "day"]),
        (["Account No.", "Visit place", "Note (2)"], ["", "visit_place", "note_2"]),
        (["聯絡電話", "手機", "活動名稱"], ["", "", "活動名稱"]),
    ],
)
def test_headings_in_both_languages(titles: list[str], names: list[str]) -> None:
    assert [heading.name for heading in read_headings(titles)] == names


@pytest.mark.parametrize(
    ("titles", "fault"),
    [
        (["姓名", "日期"], "no_key"), ([], "empty"), (["", " "], "empty"), (["電號", "caller"], "reserved"),
        (["電號", "地點", "place"], "twice"), (["電號", "account"], "twice"), (["電號", "3"], "no_name"),
        (["電號", "class"], "no_name"), (["電號", *map(str, range(60))], "too_many"),
    ],
)  # fmt: skip
def test_headings_that_cannot_be_used(titles: list[str], fault: str) -> None:
    with pytest.raises(BadHeading) as raised:
        read_headings(titles)
    assert raised.value.fault == fault


# -- files

ROWS = [
    ["電號", "手機", "日期", "備註"],
    [ACCOUNT, "", "2026/12/5", "許功蓋"],  # whose second bytes in Big5 are backslashes
    ["", "0912345678", "2026/12/6", ""],
    ["", "", "", ""],
    ["07130012341", "", "", "含\n換行"],
    ["0713", "", "", ""],
    [ACCOUNT, "", "", ""],
]


def told(read: ReadList) -> list[tuple[int, str | None, str | None]]:
    return [(one.line, one.key, one.reason) for one in read.rows]


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-8", ";"), ("cp950", ","), ("utf-16", "\t"), ("cp950", "\t")]
)
def test_a_csv_in_every_encoding(encoding: str, delimiter: str) -> None:
    read = read_list(as_csv(ROWS, encoding, delimiter))

    assert told(read) == [
        (2, ACCOUNT, None), (3, "+886912345678", None), (5, "07130012341", None), (7, None, "account_not_11_digits"),
        (8, ACCOUNT, "same_as_line: 2"),
    ]  # fmt: skip
    assert (read.taken, read.bad, read.without_account) == (3, 2, 1)
    assert read.rows[0].cells["note"] == {"text": "許功蓋"}
    assert read.rows[2].cells["note"] == {"text": "含 換行"}
    assert [(column.name, column.cells, column.dates) for column in read.columns] == [("day", 2, 2), ("note", 2, 0)]


def test_an_xlsx_with_types_of_its_own() -> None:
    rows = [
        ["電號", "手機", "日期", "備註", None],
        [7130012340, None, date(2026, 12, 5), 3.5],
        [None, 912345678, datetime(2026, 12, 5, 9, 30), "=1/0"],
        [],
        ["07130012341", None, "#N/A", None],
        ["07130012342", None, None, None, "無標題"],
    ]
    read = read_list(as_xlsx(rows, hidden_first=True))

    assert told(read) == [
        (2, ACCOUNT, None), (3, "+886912345678", None), (5, None, "cell_is_an_error: 日期"),
        (6, None, "cell_without_heading"),
    ]  # fmt: skip
    assert read.rows[0].cells == {"day": {"text": "2026-12-05", "date": "2026-12-05"},
                                  "note": {"text": "3.5", "number": "3.5"}}  # fmt: skip
    assert read.rows[1].cells == {"day": {"text": "2026-12-05 09:30"}}, "a formula that was never computed is empty"


def test_one_character_of_nobodys_spoils_its_row_alone() -> None:
    content = as_csv(ROWS, "cp950").replace("許功蓋".encode("cp950"), b"\xfe\xfe")
    assert told(read_list(content))[0] == (2, None, "cell_unreadable: 備註")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"PK\x03\x04 and nothing more", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel"),
        (b"\xff\xfea\x00,\x00\x00", "encoding"),
        (b'account\n"07130012340\n', "not_a_table"),
        (b"account\n07130012340\x00\n", "not_a_table"),
        (b"\xff\xff\xff\n" * 20, "encoding"),
    ],
)
def test_what_is_no_list(content: bytes, fault: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        list(read_lines(content))
    assert raised.value.fault == fault


def _unfolding_to(size: int) -> bytes:
    """An XLSX whose directory says that its sheet is so large."""
    content = bytearray(as_xlsx(ROWS))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        name = b"xl/worksheets/sheet1.xml"
        assert name.decode() in parts.namelist()
    entry = content.rindex(name) - 46
    assert content[entry : entry + 4] == b"PK\x01\x02"
    struct.pack_into("<L", content, entry + 24, size)
    return bytes(content)


@pytest.mark.parametrize(("size", "fault"), [(MOST_UNFOLDED + 1, "a_bomb"), (100, "not_a_table")])
def test_a_bomb_is_not_unfolded_whatever_it_says_of_itself(size: int, fault: str) -> None:
    with pytest.raises(UnreadableFile) as raised:
        list(read_lines(_unfolding_to(size)))
    assert raised.value.fault == fault


def test_an_entity_bomb_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(ROWS))) as parts, zipfile.ZipFile(content, "w") as bomb:
        for part in parts.infolist():
            data = parts.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                data = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + data
            bomb.writestr(part, data)
    with pytest.raises(UnreadableFile):
        list(read_lines(content.getvalue()))


def test_a_cell_at_the_far_end_costs_nothing() -> None:
    sparse = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(ROWS))) as parts, zipfile.ZipFile(sparse, "w") as written:
        for part in parts.infolist():
            data = parts.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
                data = data.replace(b"</sheetData>", far)
            written.writestr(part, data)
    assert told(read_list(sparse.getvalue()))[-1] == (1_048_576, None, "cell_without_heading")
