"""The contract's complaints in the chosen language; storage words them in English."""

import re

from notifier.commands.words import Language, chosen
from notifier.storage.contract import Complaint

PROBLEMS: tuple[tuple[str, str], ...] = (
    (r"schema (?P<s>\S+) is missing", "缺少 schema {s}"),
    (r"view (?P<v>\S+) is missing", "缺少檢視 {v}"),
    (r"column (?P<c>\S+) is missing", "缺少欄位 {c}"),
    (r"column (?P<c>\S+) is (?P<has>.+), expected (?P<wanted>\S+)", "欄位 {c} 的型別是 {has}，應為 {wanted}"),
    (r"the role has no SELECT on (?:view|columns) (?P<what>.+)", "帳號沒有 {what} 的 SELECT 權限"),
    (r"the role has no USAGE on schema (?P<s>\S+)", "帳號沒有 schema {s} 的 USAGE 權限"),
    (r"role (?P<r>\S+) is a superuser.*", "帳號 {r} 是超級使用者，可以寫入任何資料"),
    (r"role (?P<r>\S+) may CREATE schemas in database (?P<d>\S+)", "帳號 {r} 可以在資料庫 {d} 建立 schema"),
    (r"role (?P<r>\S+) may CREATE tables in schema (?P<s>\S+)", "帳號 {r} 可以在 schema {s} 建立資料表"),
    (
        r"role (?P<r>\S+) may (?P<p>.+) on (?P<t>[^\s,]+)(?:, and write to (?P<n>\d+) more tables of schema \S+)?",
        "帳號 {r} 可以對 {t} 執行 {p}（同一 schema 另有 {n} 個資料表可寫入）",
    ),
)
REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"create it and the views of sql/source/contract\.sql.*",
        "請建立該 schema 與 sql/source/contract.sql 的檢視（做法見 sql/source/README.md）",
    ),
    (
        r"create it as sql/source/contract\.sql describes \((?P<n>\d+) columns\)",
        "請依 sql/source/contract.sql 建立（{n} 個欄位）",
    ),
    (r"add it to the view; (?P<null>null::.+) if you have no such value", "請加入檢視；沒有這項資料時寫 {null}"),
    (r"cast it in the view: (?P<cast>.+)", "請在檢視中轉型：{cast}"),
    (
        r"grant (?P<what>select|usage) on (?P<o>.+) to the role .*",
        "請授予帳號 {o} 的 {what} 權限（sql/source/reader.sql）",
    ),
    (
        r"read the source through a login that is a member of (?P<r>\S+) and of nothing else",
        "請改用只屬於 {r} 的登入帳號讀取來源資料庫",
    ),
)


def complaint_words(complaint: Complaint) -> tuple[str, str]:
    """The problem and the remedy."""
    if chosen() is not Language.ZH:
        return complaint.problem, complaint.remedy
    return _translate(PROBLEMS, complaint.problem), _translate(REMEDIES, complaint.remedy)


def _translate(table: tuple[tuple[str, str], ...], text: str) -> str:
    for pattern, wording in table:
        if match := re.fullmatch(pattern, text):
            return wording.format(**{name: value or "0" for name, value in match.groupdict().items()})
    return text
