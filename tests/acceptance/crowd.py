"""The people of the stories, and how the ledger is read about them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from notifier.domain.states import RunState
from notifier.storage.runs import Run
from tests.house import ENDED, TAIPEI, House

Behaviour = dict[str, Any]
Entry = Mapping[str, Any]


def number(n: int) -> str:
    """The n-th made-up mobile."""
    return f"+8869{12_000_000 + n}"


def presses(*keys: str, first: float = 20, between: float = 10) -> Behaviour:
    """Answers and presses these keys."""
    pressed = [{"after": first + between * turn, "digit": key} for turn, key in enumerate(keys)]
    return {"outcome": "answers", "answer_after": 5, "keys": pressed}


AGREES = presses("1")
LISTENS: Behaviour = {"outcome": "answers", "answer_after": 5}
HANGS_UP: Behaviour = {"outcome": "answers", "answer_after": 5, "hang_up_after": 5}
MACHINE: Behaviour = {"outcome": "machine", "answer_after": 8, "hang_up_after": 90}
BUSY: Behaviour = {"outcome": "busy"}
NO_ANSWER: Behaviour = {"outcome": "no_answer"}
DECLINES: Behaviour = {"outcome": "declined", "answer_after": 4}
BAD_NUMBER: Behaviour = {"outcome": "bad_number"}


async def everyone(house: House, behaviour: Behaviour = AGREES) -> None:
    """How whoever has no script of their own behaves on the telephone; text messages are delivered."""
    await house.people({"everyone": {"calls": behaviour, "messages": {"outcome": "delivered"}}})


async def customers(house: House, count: int, start: int = 0, **cells: Any) -> dict[str, str]:
    """So many customers with a telephone and a bill each: number -> account."""
    made = {}
    for n in range(start, start + count):
        made[number(n)] = await house.customer(mobile=number(n), **cells)
        await house.bill(made[number(n)])
    return made


async def finished(house: House, run: Run, within: float = 30) -> Run:
    """The run, finished and added up. A run that waits for a person is waited for until somebody has decided."""
    states = ENDED - {run.state}
    ended = await house.ended(run, states=states, within=within)
    assert ended.state is RunState.FINISHED, (ended.state, ended.reason, ended.waiting_for)
    assert (await house.tally(ended)).difference == 0
    return ended


def by_number(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The ledger's entries of each number, in the order they were placed."""
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry["to"]].append(entry)
    return dict(found)


def rung(entries: Iterable[Entry]) -> Counter[str]:
    return Counter(entry["to"] for entry in entries)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(TAIPEI)


def placed_at(entry: Entry) -> datetime:
    return moment(entry["created_at"])


def gaps(entries: Iterable[Entry]) -> list[timedelta]:
    """From the end of one call to the beginning of the next."""
    return [placed_at(later) - moment(sooner["ended_at"]) for sooner, later in pairwise(entries)]


def attempt_of(entry: Entry) -> str:
    """The id of the attempt, as we gave it to the carrier."""
    query: str = entry["status_callback"].partition("attempt=")[2]
    return query.partition("#")[0].partition("&")[0]
