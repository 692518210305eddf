"""Real-world forms of telephone cells; every number is made up."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.domain.telephone import NoNumber, Number, NumberKind, NumberReason, read_cell

DIALLED = [
    # fixed lines
    ("07-338-3131", "+88673383131", "fixed"),
    ("(07)338-3131", "+88673383131", "fixed"),
    ("（０７）３３８－３１３１", "+88673383131", "fixed"),
    ("(07) 338 3131", "+88673383131", "fixed"),
    ("07 338 0131", "+88673380131", "fixed"),
    ("07/338-3131", "+88673383131", "fixed"),
    ("07/338/3131", "+88673383131", "fixed"),
    ("07.338.3131", "+88673383131", "fixed"),
    ("07─338─3131", "+88673383131", "fixed"),
    ("07–338—3131", "+88673383131", "fixed"),
    ("0 7 3 3 8 3 1 3 1", "+88673383131", "fixed"),
    ("02 2345 0678", "+886223450678", "fixed"),
    ("+886 2 2345 0678", "+886223450678", "fixed"),
    ("223450678", "+886223450678", "fixed"),  # a spreadsheet dropped the 0
    ("037-123456", "+88637123456", "fixed"),
    ("049-2123456", "+886492123456", "fixed"),
    ("089 123 456", "+88689123456", "fixed"),
    ("08-7654321", "+88687654321", "fixed"),
    ("0836-22123", "+88683622123", "fixed"),
    ("公司07-3383131", "+88673383131", "fixed"),
    ("07-3383131(公司)", "+88673383131", "fixed"),
    ("(公司)07-3383131", "+88673383131", "fixed"),
    ("家：07-3383131", "+88673383131", "fixed"),
    ("TEL: 07-3383131", "+88673383131", "fixed"),
    ("07-3383131 王小姐", "+88673383131", "fixed"),
    ("07-3383131#", "+88673383131", "fixed"),
    ("07-3383131~3", "+88673383131", "fixed"),  # three lines in a row: the first
    ("07-3383131 轉語音信箱", "+88673383131", "fixed"),
    ("02-412-8888", "+88624128888", "fixed"),
    # mobiles
    ("0912345678", "+886912345678", "mobile"),
    ("0912-345-678", "+886912345678", "mobile"),
    ("0912 345 678", "+886912345678", "mobile"),
    ("0912 345 078", "+886912345078", "mobile"),
    ("0912/345/678", "+886912345678", "mobile"),
    ("0912/345/078", "+886912345078", "mobile"),
    ("０９１２３４５６７８", "+886912345678", "mobile"),
    ("٠٩١٢٣٤٥٦٧٨", "+886912345678", "mobile"),
    ("912345678", "+886912345678", "mobile"),
    ("912345678.0", "+886912345678", "mobile"),
    ("手機 0912-345-678", "+886912345678", "mobile"),
    ("手機:0912345678", "+886912345678", "mobile"),
    ("'0912345678", "+886912345678", "mobile"),
    ('="0912345678"', "+886912345678", "mobile"),
    ("0912\u200b345\u200d678", "+886912345678", "mobile"),
    ("\ufeff0912345678", "+886912345678", "mobile"),
    ("\u202a0912345678\u202c", "+886912345678", "mobile"),
    ("0912\x00345\x07678", "+886912345678", "mobile"),
    ("0912\u3000345\u00a0678", "+886912345678", "mobile"),
    ("\t0912345678\r\n", "+886912345678", "mobile"),
    ("+886912345678", "+886912345678", "mobile"),
    ("+886 912 345 678", "+886912345678", "mobile"),
    ("+886 912 345 078", "+886912345078", "mobile"),
    ("+886-0912-345-678", "+886912345678", "mobile"),
    ("+886(0)912345678", "+886912345678", "mobile"),
    ("(+886)912-345-678", "+886912345678", "mobile"),
    ("＋886 912345678", "+886912345678", "mobile"),
    ("886912345678", "+886912345678", "mobile"),
    ("8860912345678", "+886912345678", "mobile"),
    ("00886912345678", "+886912345678", "mobile"),
    ("002886912345678", "+886912345678", "mobile"),
    ("002-886-912-345-678", "+886912345678", "mobile"),
    ("009886912345678", "+886912345678", "mobile"),
    ("0912345678 (先生)", "+886912345678", "mobile"),
    # VoIP
    ("070-1012-3456", "+8867010123456", "voip"),
    ("07010123456", "+8867010123456", "voip"),
    ("+886 70 1012 3456", "+8867010123456", "voip"),
    # several in one cell: the first that can be dialled
    ("0912345678、07-3383131", "+886912345678", "mobile"),
    ("07-3383131;0912345678", "+88673383131", "fixed"),
    ("07-3383131/0912345678", "+88673383131", "fixed"),
    ("07-3383131 / 0912-345-678", "+88673383131", "fixed"),
    ("07-3383131/2", "+88673383131", "fixed"),
    ("07-3383131 - 0912345678", "+88673383131", "fixed"),
    ("07 338 3131 0912 345 678", "+88673383131", "fixed"),
    ("0912345678 0987654321", "+886912345678", "mobile"),
    ("0912345678+886987654321", "+886912345678", "mobile"),
    ("0912345678\n0987654321", "+886912345678", "mobile"),
    ("07-3383131轉12 手機0912345678", "+886912345678", "mobile"),
    ("07-338-3131 轉 12 或 0912-345-678", "+886912345678", "mobile"),
    ("07-338-3131 #12 0912345678", "+886912345678", "mobile"),
    ("07-338-3131分機12/0912345678", "+886912345678", "mobile"),
    ("3383131 / 0912345678", "+886912345678", "mobile"),
    ("3383131 0912345678", "+886912345678", "mobile"),
    ("0800-000-123，0912345678", "+886912345678", "mobile"),
    ("傳真07-3383132 電話07-3383131", "+88673383131", "fixed"),
    ("07-3383132(傳真)07-3383131", "+88673383131", "fixed"),
    ("FAX:07-3383132,0912345678", "+886912345678", "mobile"),
    ("0912345 / 0987654321", "+886987654321", "mobile"),
]

REFUSED = [
    (None, "empty"),
    ("", "empty"),
    ("   ", "empty"),
    ("\u3000\u200b", "empty"),
    ("-", "empty"),
    ("--", "empty"),
    ("/", "empty"),
    ("無", "not_a_number"),
    ("N/A", "not_a_number"),
    ("NULL", "not_a_number"),
    ("未提供", "not_a_number"),
    ("零九一二三四五六七八", "not_a_number"),
    ("9.12E+08", "not_a_number"),
    ("9.12345678E+8", "not_a_number"),
    ("0912345", "too_short"),
    ("091234567", "too_short"),
    ("0912-345-xxx", "too_short"),
    ("0912xxx678", "too_short"),
    ("07-338", "too_short"),
    ("+88691234", "too_short"),
    ("12", "too_short"),
    ("0", "too_short"),
    ("09123456789012", "too_long"),
    ("3383131", "no_area_code"),
    ("338-3131", "no_area_code"),
    ("23456789", "no_area_code"),
    ("37123456", "no_area_code"),  # a Taipei number, or Miaoli's with its 0 dropped
    ("412-8888", "no_area_code"),
    ("07-338-3131 轉 12", "extension"),
    ("07-338-3131轉12", "extension"),
    ("07-3383131分機12", "extension"),
    ("07-3383131轉分機12", "extension"),
    ("07-3383131#12", "extension"),
    ("07-3383131＃12", "extension"),
    ("07-3383131 ext. 3", "extension"),
    ("07-3383131 Ext:3", "extension"),
    ("07-3383131 EXT3", "extension"),
    ("07-3383131 extension 3", "extension"),
    ("07-3383131x3", "extension"),
    ("07-3383131*12", "extension"),
    ("07-3383131 轉 12 或 13", "extension"),
    ("傳真07-3383132", "fax"),
    ("(傳真)07-3383132", "fax"),
    ("07-3383132(傳真)", "fax"),
    ("07-3383132 FAX", "fax"),
    ("FAX: (07)338-3132", "fax"),
    ("FAX:(+886)7-338-3132", "fax"),
    ("FAX:+886 7 338 3132", "fax"),
    ("0201234567", "premium"),
    ("0203-123-456", "premium"),
    ("0800-000-123", "toll_free"),
    ("0809012345", "toll_free"),
    ("0990123456", "personal"),
    ("0500123456", "shared_cost"),
    ("110", "short_number"),
    ("119", "short_number"),
    ("165", "short_number"),
    ("1911", "short_number"),
    ("+1 415 555 0100", "foreign"),
    ("+852 2345 6789", "foreign"),
    ("00852-23456789", "foreign"),
    ("002-1-415-555-0100", "foreign"),
    ("+86 138 1234 5678", "foreign"),
    ("13812345678", "too_long"),
    ("0000000000", "invalid"),
    ("07-338+3131", "too_short"),
    ("0112345678", "invalid"),
    ("07-3383131-12", "invalid"),
    ("07-3383131 12", "invalid"),
    ("04-12-3456-78-9", "invalid"),  # an account number in the wrong column
]


@pytest.mark.parametrize(("cell", "e164", "kind"), DIALLED)
def test_a_cell_that_holds_a_number(cell: str, e164: str, kind: str) -> None:
    assert read_cell(cell) == Number(e164, NumberKind(kind))


@pytest.mark.parametrize(("cell", "reason"), REFUSED)
def test_a_cell_that_holds_none(cell: str | None, reason: str) -> None:
    assert read_cell(cell) == NoNumber(NumberReason(reason))


def test_only_the_beginning_of_an_endless_cell_is_read() -> None:
    assert read_cell("無" * 500 + "0912345678") == NoNumber(NumberReason.NOT_A_NUMBER)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("0123456789+-()#轉/ .;x*eE\u200b\n傳真faxext", max_size=40))
@example("07-338+3131")
@example("0+0")
@example("²³")
@example("\ud800")
def test_no_text_at_all_makes_it_raise(cell: str) -> None:
    answer = read_cell(cell)
    assert isinstance(answer, NoNumber) or answer.e164.startswith("+886")


@settings(deadline=None)
@given(st.integers(0, 99_999_999), st.sampled_from(["", " ", "-", ".", "\u3000", "\u200b"]))
def test_a_mobile_is_found_however_it_is_written(subscriber: int, sign: str) -> None:
    digits = f"09{subscriber % 90_000_000:08d}"
    written = sign.join([digits[:4], digits[4:7], digits[7:]])
    assert read_cell(written) == Number(f"+886{digits[1:]}", NumberKind.MOBILE)
