"""Of which calls it is kept where they ended, judged from receipts as the carrier's callbacks leave them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from notifier.app import Parts
from notifier.domain.attempt_id import AttemptId, read_attempt_id
from notifier.domain.disposition import Disposition
from notifier.domain.last_heard import LAST_HEARD, Passage
from notifier.domain.message import Action, store_message
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.domain.recording import Part
from tests.channels.channel_kit import VOICE
from tests.house import House, open_house
from tests.storage import seeds

MENU = Passage("zh-TW", Part.REST).detail()
ESSENTIAL = {"locale": "zh-TW", "part": "essential", "lines": "3"}


@dataclass(frozen=True)
class Word:
    """A word of the carrier, some seconds after the answer."""

    after: float
    status: str
    given: dict[str, Any] = field(default_factory=dict)


ANSWER = Word(0, "in-progress", {"sequence": 2})
END = Word(9, "completed", {"sequence": 3, "ended": Disposition.ANSWERED, "detail": {"seconds": "9"}})
LOOKED_UP = Word(
    300, "completed", {"kind": ReceiptKind.POLL, "ended": Disposition.ANSWERED, "detail": {"seconds": "9"}}
)
HEARD = Word(5, "heard", {"heard": True, "detail": MENU})
PRESSED = Word(7, "key", {"action": Action.ACKNOWLEDGE, "detail": Passage("zh-TW").detail()})
MACHINE = Word(4, "machine", {"machine": True})
FALLBACK = Word(1, "fallback")
BUSY = Word(2, "busy", {"sequence": 3, "ended": Disposition.BUSY})


@pytest.fixture
async def office(database: str, source_database: str) -> AsyncIterator[House]:
    """Only the web part runs: what is judged is judged by the test."""
    async with open_house(database, source_database, parts=Parts(web=True)) as house:
        yield house


async def attempt_of(house: House) -> AttemptId:
    run = await seeds.run(house.app.pool)
    await seeds.notifications(house.app.pool, run, 1)
    (written,) = await seeds.write(house.app.queue, house.app.pool, await seeds.claim(house.app.queue, run))
    await house.app.pool.execute("update notifier.attempt set message = $1", store_message(VOICE))
    attempt = read_attempt_id(str(written))
    assert attempt is not None
    return attempt


async def judge(house: House, attempt: AttemptId, words: Sequence[Word]) -> list[dict[str, str]]:
    """What is kept of where the call ended, once these words are judged, each as it comes and all of them again."""
    for word in [*words, *words]:
        key = f"CA1:{word.status}:{word.after}"
        at = seeds.NOW + timedelta(seconds=word.after)
        given = {"kind": ReceiptKind.CALLBACK, "provider_ref": "CA1"} | word.given
        await house.app.attempts.store([Receipt(attempt, key=key, status=word.status, at=at, **given)])
        await house.app.recorder().apply_news()
    rows = await house.app.pool.fetch("select body from notifier.receipt where key = $1", LAST_HEARD)
    return [row["body"]["detail"] for row in rows]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ([ANSWER, END], [ESSENTIAL]),
        ([END, ANSWER], [ESSENTIAL]),
        ([ANSWER, LOOKED_UP], [ESSENTIAL]),
        ([ANSWER, HEARD, END], [MENU | {"lines": "3"}]),
        ([ANSWER, HEARD, PRESSED, END], []),
        ([ANSWER, MACHINE, END], []),
        ([ANSWER, FALLBACK, END], []),
        ([BUSY], []),
    ],
    ids=["in the middle", "out of order", "looked up", "in the menu", "answered", "machine", "fallback", "busy"],
)
async def test_where_a_call_ended(office: House, words: list[Word], kept: list[dict[str, str]]) -> None:
    assert await judge(office, await attempt_of(office), words) == kept


async def test_words_that_cannot_be_read_stop_no_judgement(office: House) -> None:
    attempt = await attempt_of(office)
    await office.app.pool.execute("update notifier.attempt set message = jsonb_build_object('kind', 'VoiceMessage')")
    assert await judge(office, attempt, [ANSWER, END]) == []
    assert await office.app.pool.fetchval("select disposition from notifier.attempt") == "hung_up"
