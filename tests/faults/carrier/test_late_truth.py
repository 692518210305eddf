"""What the carrier says when something has been concluded already: it is believed, and nobody is rung twice for it."""

from collections import Counter
from dataclasses import replace

import pytest

from notifier.domain.attempt_id import read_attempt_id
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.domain.states import RunState
from tests.acceptance.crowd import AGREES, BUSY, customers, everyone, finished, number, rung
from tests.faults.carrier.town import attempt_of, when
from tests.house import House, open_house

MANY = 5
ONE_EACH = {number(n): 1 for n in range(MANY)}
NEVER = 1_000_000


async def held(house: House) -> dict[str, int]:
    rows = await house.app.pool.fetch(
        "select held, count(*) from notifier.notification where held is not null group by 1"
    )
    return {row["held"]: row["count"] for row in rows}


@pytest.mark.long
async def test_words_that_nobody_knows_hold_and_send_nothing(database: str, source_database: str) -> None:
    """Neither told nor looked up is there a word that says how it ended: a person must look."""
    async with open_house(database, source_database) as house:
        await customers(house, MANY)
        await everyone(house)
        await house.faults({"misspell": 1, "misspell_polls": 1})

        run = await house.ended(await house.launch())

        assert (run.state, await held(house)) == (RunState.WAITING, {"unknown": MANY})
        assert rung(await house.ledger()) == ONE_EACH


@pytest.mark.long
async def test_a_word_that_is_known_at_last_needs_no_person(database: str, source_database: str) -> None:
    """What was looked up made no sense, so everybody waits for a person; then the callbacks come, an hour late."""
    async with open_house(database, source_database) as house:
        await customers(house, MANY)
        await everyone(house, AGREES)
        await house.people({"calls": {number(n): [BUSY, AGREES] for n in range(MANY)}})
        await house.faults({"misspell_polls": 1, "delay": {"share": 1, "seconds": 3600}})
        run = await house.launch()
        await house.ended(run, frozenset({RunState.WAITING}))
        await house.no_more_faults()

        await finished(house, await house.run(run))

        assert await held(house) == {}
        assert rung(await house.ledger()) == dict.fromkeys(ONE_EACH, 2)


@pytest.mark.long
async def test_a_call_that_rings_after_all_is_not_made_again(database: str, source_database: str) -> None:
    """It was placed, but no list shows it and no callback comes, so it is concluded not to exist and queued again. Then
    the carrier says that it rings."""
    async with open_house(database, source_database) as house:
        await customers(house, MANY)
        await everyone(house, AGREES)
        await house.people({"calls": {number(n): [BUSY] for n in range(MANY)}})
        await house.faults({"error_after": 1, "lose": 1, "list_delay": NEVER})
        run = await house.launch()

        async def all_written() -> bool:
            return len(await house.ledger()) == MANY

        await when(all_written)
        await house.app.budgets.pause("voice", "so that what is queued stays queued")

        async def all_given_up() -> bool:
            states = await house.app.pool.fetch("select disposition from notifier.attempt")
            return [row["disposition"] for row in states] == ["not_created"] * MANY

        await when(all_given_up)
        await house.no_more_faults()
        await house.app.attempts.store([ringing(house, call) for call in await house.ledger()])
        await house.app.wake_ups.send("inbox")

        async def none_given_up() -> bool:
            return not await house.app.pool.fetch("select from notifier.attempt where disposition = 'not_created'")

        await when(none_given_up)
        await house.app.budgets.resume("voice")

        await finished(house, await house.run(run))

        assert rung(await house.ledger()) == dict.fromkeys(ONE_EACH, 2)  # once busy, once heard
        tries = await house.app.pool.fetch("select tries, disposition from notifier.attempt")
        assert Counter(map(tuple, tries)) == {(0, "busy"): MANY, (1, "answered"): MANY}


def ringing(house: House, call: dict[str, str]) -> Receipt:
    attempt = read_attempt_id(attempt_of(call))
    assert attempt is not None
    word = Receipt(attempt, ReceiptKind.CALLBACK, f"{call['sid']}:ringing:1", "ringing", house.clock.now(), sequence=1)
    return replace(word, provider_ref=call["sid"])
