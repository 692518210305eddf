"""Lists of calls and messages: the filters of the query string, newest first, in pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from multidict import MultiMapping

from notifier.sandbox.orders import RejectedError
from notifier.sandbox.records import Call, Message

Record = TypeVar("Record", Call, Message)
Filter = Callable[[Record], bool]
PAGE_SIZE = 50
LARGEST_PAGE = 1000
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page stands. `before` is the number of the record that the page before ended with."""

    number: int
    size: int
    before: int | None


def page_asked(query: MultiMapping[str]) -> Page:
    token = query.get("PageToken", "").removeprefix("PA")
    return Page(
        number=_whole(query.get("Page", "0")),
        size=min(max(_whole(query.get("PageSize", str(PAGE_SIZE))), 1), LARGEST_PAGE),
        before=_whole(token) if token else None,
    )


def select(
    records: Sequence[Record], filters: Sequence[Filter[Record]], page: Page, latest: datetime
) -> tuple[list[Record], bool]:
    """The records of the page, newest first, and whether more follow; none created after `latest`."""
    chosen: list[Record] = []
    for record in reversed(records):
        if record.created_at > latest or (page.before is not None and record.n >= page.before):
            continue
        if not all(keeps(record) for keeps in filters):
            continue
        if len(chosen) == page.size:
            return chosen, True
        chosen.append(record)
    return chosen, False


def call_filters(query: MultiMapping[str]) -> list[Filter[Call]]:
    """To, From, Status, StartTime and EndTime. A call that was not dialled yet has no start time and matches none."""
    filters: list[Filter[Call]] = []
    if to := query.get("To"):
        filters.append(lambda call: call.order.to == to)
    if from_ := query.get("From"):
        filters.append(lambda call: call.order.from_ == from_)
    if status := query.get("Status"):
        filters.append(lambda call: call.status == status)
    return filters + _times(query, "StartTime", _dialled_at) + _times(query, "EndTime", _ended_at)


def message_filters(query: MultiMapping[str]) -> list[Filter[Message]]:
    """To, From and DateSent."""
    filters: list[Filter[Message]] = []
    if to := query.get("To"):
        filters.append(lambda message: message.order.to == to)
    if from_ := query.get("From"):
        filters.append(lambda message: message.order.from_ == from_)
    return filters + _times(query, "DateSent", _sent_at)


def page_json(path: str, query: MultiMapping[str], page: Page, last: int | None, count: int) -> dict[str, object]:
    """The frame of a list; `last` is the number of the page's last record when more follow."""
    start = page.number * page.size
    return {
        "page": page.number,
        "page_size": page.size,
        "start": start,
        "end": start + max(count - 1, 0),
        "uri": _uri(path, query, page.number, page.size, page.before),
        "first_page_uri": _uri(path, query, 0, page.size, None),
        "previous_page_uri": None,
        "next_page_uri": None if last is None else _uri(path, query, page.number + 1, page.size, last),
    }


def _uri(path: str, query: MultiMapping[str], number: int, size: int, before: int | None) -> str:
    kept = [(name, value) for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")]
    kept += [("PageSize", str(size)), ("Page", str(number))]
    if before is not None:
        kept.append(("PageToken", f"PA{before}"))
    return f"{path}?{urlencode(kept)}"


def _times(query: MultiMapping[str], name: str, of: Callable[[Record], datetime | None]) -> list[Filter[Record]]:
    """`Name` means that day, `Name>` from the moment on, `Name<` up to and with it (a bare date: to its end)."""
    filters: list[Filter[Record]] = []
    if text := query.get(name):
        day = _moment(text).replace(hour=0, minute=0, second=0)
        filters.append(_between(of, day, day + timedelta(days=1)))
    if text := query.get(f"{name}>"):
        filters.append(_between(of, _moment(text), _END_OF_TIME))
    if text := query.get(f"{name}<"):
        span = timedelta(days=1) if len(text) == len("2026-01-31") else timedelta(seconds=1)
        filters.append(_between(of, _BEGINNING, _moment(text) + span))
    return filters


def _between(of: Callable[[Record], datetime | None], lower: datetime, upper: datetime) -> Filter[Record]:
    def keeps(record: Record) -> bool:
        moment = of(record)
        return moment is not None and lower <= moment < upper

    return keeps


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RejectedError(20001, detail=f"date {text}") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _dialled_at(call: Call) -> datetime | None:
    return call.dialled_at


def _ended_at(call: Call) -> datetime | None:
    return call.ended_at


def _sent_at(message: Message) -> datetime | None:
    return message.sent_at


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise RejectedError(20001, detail=f"{text}: expected a whole number")
    return int(text)
