"""Uploaded lists: taken once, kept with what is bad in them, and erased when they are dropped."""

import csv
import io
import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

import asyncpg

from notifier.domain.list_cell import ListCell
from notifier.domain.list_row import ListRow
from notifier.resources import sql_root
from notifier.storage.database import Pool, to_json
from notifier.storage.queries import Connection, Query, load_into

COPIED_AT_ONCE = 5_000  # rows
COPYING = 300.0  # real seconds
ROW_COLUMNS = ("list_id", "line", "account_no", "telephone", "locale", "cells", "reason")
_SUBJECT = re.compile(r"L([0-9]{1,18})-([0-9]{1,9})")


class NameTaken(Exception):
    """There is a list of this name, and it holds something else."""


class NoSuchList(Exception):
    """No list has this name, or none any more."""


@dataclass(frozen=True)
class ListQueries:
    take_turns: Query
    by_name: Query
    latest: Query
    insert_list: Query
    bad_rows: Query
    reasons: Query
    accounts: Query
    rows_of: Query
    runs_using: Query
    drop_list: Query


class NewList(Protocol):
    """What was read from a file."""

    @property
    def digest(self) -> bytes: ...
    @property
    def columns(self) -> Sequence[Any]: ...
    @property
    def rows(self) -> Sequence[ListRow]: ...
    @property
    def taken(self) -> int: ...
    @property
    def bad(self) -> int: ...


@dataclass(frozen=True, slots=True)
class UploadedList:
    """`columns` by name: the title, and how many cells there are, how many of them dates and numbers."""

    id: int
    name: str
    digest: bytes
    columns: Mapping[str, Mapping[str, Any]]
    district: str | None
    taken: int
    bad: int
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a list says of one subject: the account, if it gives one, the district whose office answers, and the values
    of its columns."""

    account_no: str | None
    district: str | None
    values: Mapping[str, ListCell | None]


class ListStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(ListQueries, sql_root() / "list.sql")

    async def upload(self, name: str, read: NewList, district: str | None, now: datetime) -> tuple[UploadedList, bool]:
        """The list of this name, and whether this call made it. Raises NameTaken."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._q.take_turns.fetch(connection, name=name)
            if (known := await self.find(name, connection)) is not None:
                if known.digest != read.digest or known.district != district:
                    raise NameTaken(name)
                return known, False
            row = await self._q.insert_list.fetch_row(
                connection, name=name, digest=read.digest, columns=[asdict(column) for column in read.columns],
                district=district, taken=read.taken, bad=read.bad, now=now,
            )  # fmt: skip
            assert row is not None
            await connection.copy_to_table(
                "list_row", schema_name="notifier", columns=ROW_COLUMNS, format="csv", timeout=COPYING,
                source=_as_csv(row["id"], read.rows),
            )  # fmt: skip
            return _list(row), True

    async def find(self, name: str, connection: "Connection | None" = None) -> UploadedList | None:
        row = await self._q.by_name.fetch_row(connection or self.pool, name=name)
        return _list(row) if row else None

    async def named(self, name: str, connection: "Connection | None" = None) -> UploadedList:
        """Raises NoSuchList."""
        found = await self.find(name, connection)
        if found is None:
            raise NoSuchList(name)
        return found

    async def latest(self, most: int) -> list[UploadedList]:
        return [_list(row) for row in await self._q.latest.fetch(self.pool, most=most)]

    async def bad_rows(self, list_id: int, most: int) -> list[tuple[int, str]]:
        """Lines that are told nobody, each with the reason."""
        rows = await self._q.bad_rows.fetch(self.pool, list=list_id, most=most)
        return [(row["line"], row["reason"]) for row in rows]

    async def reasons(self, list_id: int) -> dict[str, int]:
        return {row["reason"]: row["rows"] for row in await self._q.reasons.fetch(self.pool, list=list_id)}

    async def accounts(self, connection: Connection, list_id: int) -> list[str]:
        found: list[str] = await self._q.accounts.fetch_value(connection, list=list_id)
        return found

    async def told_of(self, subjects: Sequence[str]) -> dict[str, Told]:
        """What lists say of these subjects; nothing of one whose list was dropped."""
        places = [(int(match[1]), int(match[2])) for one in subjects if (match := _SUBJECT.fullmatch(one))]
        rows = await self._q.rows_of.fetch(
            self.pool, lists=[list_id for list_id, _ in places], lines=[line for _, line in places]
        )
        return {f"L{row['list_id']}-{row['line']}": _told(row) for row in rows}

    async def runs_using(self, name: str, campaigns: Collection[str]) -> list[int]:
        rows = await self._q.runs_using.fetch(self.pool, campaigns=list(campaigns), name=name)
        return [row["id"] for row in rows]

    async def drop(self, list_id: int, now: datetime) -> bool:
        """Erase its rows; answers whether it was there."""
        return bool(await self._q.drop_list.execute(self.pool, list=list_id, now=now))


def _list(row: asyncpg.Record) -> UploadedList:
    values = {name: row[name] for name in UploadedList.__dataclass_fields__}
    return UploadedList(**values | {"columns": {column["name"]: column for column in row["columns"]}})


def _told(row: asyncpg.Record) -> Told:
    cells = row["cells"]
    names = (column["name"] for column in row["columns"])
    values = {name: ListCell(cells[name]) if name in cells else None for name in names}
    return Told(row["account_no"], row["district"], values)


async def _as_csv(list_id: int, rows: Iterable[ListRow]) -> AsyncIterator[bytes]:
    """As COPY takes it; what is None is an empty field."""
    left = iter(rows)
    while some := list(islice(left, COPIED_AT_ONCE)):
        written = io.StringIO()
        csv.writer(written).writerows(
            (list_id, row.line, row.account_no, row.telephone, row.locale, to_json(row.cells), row.reason)
            for row in some
        )
        yield written.getvalue().encode()
