"""Callbacks doubled, shuffled, late, early or lost: in the end the delivery log says what the carrier's ledger says."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.crowd import (
    AGREES,
    BAD_NUMBER,
    BUSY,
    DECLINES,
    HANGS_UP,
    LISTENS,
    MACHINE,
    NO_ANSWER,
    attempt_of,
    customers,
    everyone,
    finished,
    number,
    presses,
)
from tests.house import House, open_house

SCALE = 7200  # three hours of waiting are a second and a half
FIRST_CALL = [
    AGREES, LISTENS, HANGS_UP, MACHINE, BUSY, NO_ANSWER, DECLINES, BAD_NUMBER, presses("7"), presses("8", "8"),
]  # fmt: skip


def disposition(call: Mapping[str, Any], *, asked: bool) -> str:
    """What a call came to. `asked`: as the carrier tells it when asked, which is without the network's own code."""
    status, sip = call["status"], None if asked else call["sip_code"]
    match status, sip:
        case "busy", _:
            return "busy"
        case "no-answer", 603:
            return "declined"
        case "no-answer", _:
            return "no_answer"
        case "failed", 404:
            return "refused"
        case "failed", None:
            return "unexplained"
        case "failed", _:
            return "failed"
        case "completed", _:
            return picked_up(call)
    raise AssertionError(f"a call that ended as {status} {sip}")


def picked_up(call: Mapping[str, Any]) -> str:
    if call["answered_by"] == "machine_start":
        return "machine"
    if call["pressed"] == ["8", "8"]:
        return "wrong_person"
    return "answered" if call["pressed"] or sum(heard["seconds"] for heard in call["heard"]) > 20 else "hung_up"


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"double": 1}, id="doubled"),
        pytest.param({"shuffle": 1}, id="shuffled"),
        pytest.param({"delay": {"share": 0.7, "seconds": 240}}, id="minutes late"),
        pytest.param({"delay": {"share": 0.7, "seconds": 1200}}, id="later than we wait for"),
        pytest.param({"before_response": 1}, id="before the response"),
        pytest.param({"lose": 0.5, "double": 0.3}, id="half of them lost"),
        pytest.param({"lose": 1}, id="all of them lost"),
    ],
)
async def test_the_log_equals_the_ledger(database: str, source_database: str, faults: Mapping[str, Any]) -> None:
    async with open_house(database, source_database, scale=SCALE) as house:
        await customers(house, len(FIRST_CALL))
        await house.people({"calls": {number(n): [behaviour] for n, behaviour in enumerate(FIRST_CALL)}})
        await everyone(house)
        await house.faults(faults)

        run = await finished(house, await house.launch())
        await house.quiet()

        calls = await house.ledger("call")
        log, asked = await logged(house), await asked_about(house)
        assert set(log) == {attempt_of(call) for call in calls}
        for call in calls:
            attempt = attempt_of(call)
            possible = {disposition(call, asked=False)} | (
                {disposition(call, asked=True)} if attempt in asked else set()
            )
            assert log[attempt] in possible, (log[attempt], call)
        tally = await house.tally(run)
        assert (tally.difference, tally.open, tally.held) == (0, 0, {})


async def logged(house: House) -> dict[str, str]:
    """attempt -> disposition, of every call."""
    rows = await house.app.pool.fetch("select id, disposition from notifier.attempt where channel = 'voice'")
    return {str(row["id"]): row["disposition"] for row in rows}


async def asked_about(house: House) -> set[str]:
    """The attempts of which the keeper asked the carrier, because its words were late or lost."""
    rows = await house.app.pool.fetch("select distinct attempt_id from notifier.receipt where kind = 'poll'")
    return {str(row["attempt_id"]) for row in rows}


async def test_a_word_told_twice_is_counted_and_applied_once(house: House) -> None:
    accounts = await customers(house, 1)
    await everyone(house)
    await house.faults({"double": 1})

    await finished(house, await house.launch())
    await house.quiet()

    (attempt,) = await house.attempts(accounts[number(0)])
    receipts = await house.app.inquiries.receipts([attempt["id"]])
    told_twice = [receipt["status"] for receipt in receipts if receipt["copies"] == 2]
    assert sorted(told_twice) == ["completed", "in-progress", "initiated", "ringing"]
    assert len(await house.ledger("call")) == 1


async def test_a_forged_callback_changes_nothing(house: House) -> None:
    accounts = await customers(house, 1)
    await everyone(house, LISTENS)
    await finished(house, await house.launch())
    (attempt,) = await house.attempts(accounts[number(0)])

    forged = f"{house.app.settings.public_url}/hooks/voice/status?attempt={attempt['id']}"
    words = {"CallSid": attempt["provider_ref"], "CallStatus": "busy", "SequenceNumber": "9"}
    async with house.carrier.post(forged, data=words, headers={"X-Twilio-Signature": "made up"}) as response:
        assert response.status == 403

    (after,) = await house.attempts(accounts[number(0)])
    assert after["disposition"] == "answered"
