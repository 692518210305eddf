"""The headings of an uploaded list: which column says whom to tell, and by which names the words know the others."""

import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_COLUMNS = 50


class Role(StrEnum):
    """What a column says of the customer. Without one it is a variable for the words."""

    ACCOUNT = "account"
    TELEPHONE = "telephone"
    MOBILE = "mobile"
    LOCALE = "locale"
    NAME = "name"


_TITLES: Mapping[Role, str] = {
    Role.ACCOUNT: "電號 用電電號 用戶電號 account account_no account_number electricity_account",
    Role.TELEPHONE: "電話 聯絡電話 電話號碼 市話 住家電話 telephone telephone_number phone phone_number tel",
    Role.MOBILE: "手機 手機號碼 行動電話 行動電話號碼 mobile mobile_phone mobile_number cell cell_phone",
    Role.LOCALE: "語言 語系 locale language lang",
    Role.NAME: "姓名 用戶姓名 客戶姓名 用戶名稱 戶名 name customer customer_name full_name",
}
ROLES = {title: role for role, titles in _TITLES.items() for title in titles.split()}
# What every message is given anyway, what the source says of the account, and the words of the template language.
RESERVED = frozenset(
    {
        "caller", "notice_code", "optout_email", "today",
        "account_no", "customer_name", "district", "section", "section_phone",
        "loop", "self", "super", "varargs", "kwargs", "true", "false", "none", "range", "dict", "lipsum", "cycler",
        "joiner", "namespace",
    }
)  # fmt: skip
# What a heading in Chinese is called by the words of both languages.
NAMES = {"日期": "day", "時間": "time", "地點": "place", "備註": "note", "說明": "note"}
_UNFIT = re.compile(r"[^\w]+")


class BadHeading(Exception):
    """Why a list cannot be read at all. `fault` is stable; `title` is the heading it concerns, if any.

    empty          there is no line of headings
    no_rows        nothing stands below the headings
    no_key         no column holds an account or a telephone
    too_many       more columns than MOST_COLUMNS
    reserved       a heading that every message has a meaning of its own for
    twice          two columns that the words could not tell apart
    no_name        a heading that the words could not name
    """

    def __init__(self, fault: str, title: str = "") -> None:
        super().__init__(f"{fault}: {title}" if title else fault)
        self.fault = fault
        self.title = title


@dataclass(frozen=True, slots=True)
class Heading:
    """One column: its title in the file; its role, or the variable's `name`; neither where it has no title."""

    title: str
    role: Role | None = None
    name: str = ""


def read_headings(titles: Sequence[str]) -> tuple[Heading, ...]:
    """What each column is. Raises BadHeading."""
    if not any(title.strip() for title in titles):
        raise BadHeading("empty")
    if len(titles) > MOST_COLUMNS:
        raise BadHeading("too_many")
    headings = tuple(_read_heading(title) for title in titles)
    if not any(heading.role in (Role.ACCOUNT, Role.TELEPHONE, Role.MOBILE) for heading in headings):
        raise BadHeading("no_key")
    _refuse_twins(headings)
    return headings


def variable_name(title: str) -> str:
    """The heading as a template names it: letters of any script, digits and underscores, in small letters."""
    name = _UNFIT.sub("_", unicodedata.normalize("NFKC", title).casefold()).strip("_")
    return NAMES.get(name, name)


def _read_heading(title: str) -> Heading:
    shown, name = title.strip(), variable_name(title)
    if not shown:
        return Heading("")
    if (role := ROLES.get(name)) is not None:
        return Heading(shown, role, "name" if role is Role.NAME else "")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise BadHeading("no_name", shown)
    if name in RESERVED:
        raise BadHeading("reserved", shown)
    return Heading(shown, None, name)


def _refuse_twins(headings: Sequence[Heading]) -> None:
    seen: set[str] = set()
    for heading in headings:
        key = heading.name or (heading.role if heading.role in (Role.ACCOUNT, Role.LOCALE) else "")
        if key and key in seen:
            raise BadHeading("twice", heading.title)
        seen.add(key)
