"""Events come in a storm: doubled, malformed, shuffled between subjects, over two web processes and from the source;
and one of two workers is killed in the middle. Each subject is handled once and in order, each bad event is listed."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.event import EventState
from notifier.settings import Pace
from tests.acceptance.crowd import everyone, number, presses, rung
from tests.events.kit import ASKED, PAID, Sender, api_key, event, inbox, told
from tests.faults.events.crew import Crew, open_crew
from tests.faults.source.utility import many
from tests.house import FAST, House, open_house

BATCH = 100
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}
EACH = 4  # events about one subject
DOUBLED, MALFORMED = 0.10, 0.05
BY_SOURCE = 0.20  # of the good ones, written by the utility itself
KILLED_AFTER = 0.4  # of what the web processes take
PACE = FAST | {"voice": Pace(rate=5, burst=50, most_in_flight=200, reserved=20)}


@dataclass(frozen=True)
class Storm:
    """`bills` of which the source knows, and as many again and again of which it does not; `events` in all."""

    events: int
    bills: int

    def subjects(self, known: Sequence[str]) -> list[str]:
        count = round(self.events * (1 - DOUBLED - MALFORMED)) // EACH
        return [*known, *(f"N{n:06d}" for n in range(count - len(known)))]


def good_ones(subject: str) -> list[dict[str, Any]]:
    """The story of one subject. Nobody has paid: facts outrank the event that says so."""
    kinds = (ASKED, PAID, "bill.printed", ASKED)
    return [event(subject, f"{subject}-{turn}", kind) for turn, kind in enumerate(kinds[:EACH])]


def shuffled(dice: random.Random, stories: Sequence[list[Any]]) -> Iterator[Any]:
    """All events, those of one subject in their order."""
    turns = [place for place, story in enumerate(stories) for _ in story]
    dice.shuffle(turns)
    left = [iter(story) for story in stories]
    return (next(left[turn]) for turn in turns)


SPOILT: list[Callable[[dict[str, Any]], Any]] = [
    lambda one: {**one, "subject": None},
    lambda one: {**one, "type": 7},
    lambda one: {**one, "time": "soon"},
    lambda one: {**one, "specversion": "0.3"},
    lambda one: {name: value for name, value in one.items() if name != "id"},
    lambda one: {**one, "source": "source.case_event"},
]
REASONS = {
    "subject: missing", "type: not_text", "time: not_a_time", "specversion: not_1_0", "id: missing", "source: reserved",
}  # fmt: skip


def spoil(dice: random.Random, storm: Storm) -> list[Any]:
    return [
        SPOILT[n % len(SPOILT)](event(f"X{n}", f"X{n}", source=f"/bad/{n}"))
        for n in range(round(storm.events * MALFORMED))
    ]


def mixed(dice: random.Random, good: list[Any], bad: list[Any], doubled: int) -> list[Any]:
    """Bad ones anywhere, copies anywhere after what they are copies of."""
    sent = [(float(place), one) for place, one in enumerate(good)]
    sent += [(dice.uniform(0, len(good)), one) for one in bad]
    sent += [(dice.uniform(place, len(good)), good[place]) for place in dice.choices(range(len(good)), k=doubled)]
    return [one for _, one in sorted(sent, key=lambda pair: pair[0])]


async def send(crew: Crew, key: str, sent: Sequence[Any], then: Callable[[int], None]) -> None:
    """Batch after batch, each to the other web process. What is refused is not sent again."""
    async with Sender(crew.webs[0], key) as one, Sender(crew.webs[1], key) as other:
        for turn, start in enumerate(range(0, len(sent), BATCH)):
            batch = sent[start : start + BATCH]
            status, answer = await (one, other)[turn % 2].post(json.dumps(batch).encode(), BATCHED)
            assert status in (202, 400), answer
            then(len(batch))


async def write(house: House, stories: list[Any]) -> None:
    """As the utility writes events: one transaction after another."""
    for start in range(0, len(stories), BATCH):
        await house.source.executemany(
            "insert into billing.event (type, subject) values ($1, $2)",
            [(one["type"], one["subject"]) for one in stories[start : start + BATCH]],
        )


async def weather(
    database: str, source: str, storm: Storm, record: Callable[[str, object], None], seed: int = 1
) -> None:
    dice = random.Random(seed)
    async with (
        open_house(database, source, pace=PACE, parts=Parts()) as house,
        open_crew(house, database, source, pace=PACE) as crew,
    ):
        await everyone(house, presses("1", first=10))
        bills = await many(house, storm.bills)
        subjects = storm.subjects(bills)
        dice.shuffle(subjects)
        by_source = subjects[: round(len(subjects) * BY_SOURCE)]
        told_to_us = list(shuffled(dice, [good_ones(subject) for subject in subjects[len(by_source) :]]))
        written = list(shuffled(dice, [good_ones(subject) for subject in by_source]))
        sent = mixed(dice, told_to_us, spoil(dice, storm), round(storm.events * DOUBLED))

        began = time.monotonic()
        await _blow(house, crew, sent, written)
        taken = time.monotonic() - began
        await told(house, within=600)
        handled = time.monotonic() - began
        await _check(house, crew, storm, bills, subjects)
        record("events", len(sent) + len(written))
        record("taken in, s; and handled, s", f"{taken:.1f}, {handled:.1f}")


async def _blow(house: House, crew: Crew, sent: list[Any], written: list[Any]) -> None:
    """Everybody at once; the senders share the subjects, or what they send about one would have no order."""
    so_far, killed = 0, False

    def count(more: int) -> None:
        nonlocal so_far, killed
        so_far += more
        if not killed and so_far >= KILLED_AFTER * len(sent):
            crew.kill_a_worker()
            killed = True

    key = await api_key(house.app)
    halves: list[list[Any]] = [[], []]
    for one in sent:
        halves[hash(one.get("subject") or "") % 2].append(one)
    await asyncio.gather(*(send(crew, key, half, count) for half in halves), write(house, written))
    assert killed


async def _check(house: House, crew: Crew, storm: Storm, bills: list[str], subjects: list[str]) -> None:
    rows = await inbox(house.app)
    refused = [row for row in rows if row["state"] == EventState.REFUSED]
    assert len(refused) == round(storm.events * MALFORMED)
    assert {row["reason"] for row in refused} == REASONS
    known = set(bills)
    stories: dict[str, list[dict[str, Any]]] = {subject: [] for subject in subjects}
    for row in rows:
        if row["state"] != EventState.REFUSED:
            stories[row["subject"]].append(row)
    for subject, story in stories.items():
        _check_story(story, known=subject in known)
    assert sum(row["copies"] - 1 for row in rows) == round(storm.events * DOUBLED)
    assert rung(await house.ledger("call")) == {number(n): 1 for n in range(storm.bills)}
    outcomes: Counter[str] = Counter()
    for run in await house.app.runs.unfinished():
        tally = await house.app.runs.tally(run)
        assert tally.difference == 0
        outcomes.update(tally.outcomes)
    assert outcomes == {"acknowledged": storm.bills}
    assert "turn_failed" not in crew.logs()


def _check_story(story: list[dict[str, Any]], known: bool) -> None:
    """All of it, once, in the order in which it was sent, each part after the part before."""
    assert [row["type"] for row in story] == [ASKED, PAID, "bill.printed", ASKED]
    mattered = [row for row in story if row["type"] != "bill.printed"]
    assert all(earlier["handled_at"] < later["handled_at"] for earlier, later in pairwise(mattered))
    effects = [next(iter(row["effects"].values())) for row in mattered]
    if known:
        assert (effects[0], effects[2]) == ("opened", "already_told")
        assert effects[1] in ("still_due", "in_flight", "nothing_open")
    else:
        assert effects == ["not_selected", "nothing_open", "not_selected"]


@pytest.mark.long
async def test_a_squall(database: str, source_database: str, record_property: Callable[[str, object], None]) -> None:
    await weather(database, source_database, Storm(events=1_000, bills=20), record_property)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_storm_of_50_000(
    database: str, source_database: str, record_property: Callable[[str, object], None]
) -> None:
    await weather(database, source_database, Storm(events=50_000, bills=1_000), record_property)
