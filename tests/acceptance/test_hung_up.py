"""Somebody hangs up in the middle: the attempt shows which line was being said.

The ledger knows the second at which they left; the line at that second is read from the sound that was played, not from
the words nor from the way they were laid together.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from notifier.domain.message import LOCALES
from tests.acceptance.crowd import LISTENS, Behaviour, attempt_of, by_number, number, presses
from tests.cli.conftest import environment, notifier
from tests.house import House, open_house

SCALE = 8
LATE = 1.2  # seconds of this clock, 150 ms of real time, that callbacks may take; with its pause no line is so short
WHOLE = 1.0  # the carrier counts whole seconds


def leaves(after: float, *keys: str, first: float = 20) -> Behaviour:
    return presses(*keys, first=first) | {"hang_up_after": after}


@pytest.fixture
async def recorded(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, scale=SCALE, speech_engines=["espeak", "carrier"]) as house:
        yield house


async def calls_made(house: House, behaviours: list[Behaviour], locale: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Each account with its call's entry in the ledger, once all of them are over and judged."""
    accounts = []
    for n in range(len(behaviours)):
        accounts.append(await house.customer(mobile=number(n), locale=locale))
        await house.bill(accounts[-1])
    await house.people({"calls": {number(n): [one] for n, one in enumerate(behaviours)}})
    await house.launch()

    async def judged() -> bool:
        ended = await house.app.pool.fetchval("select count(*) from notifier.attempt where state = 'ended'")
        return bool(ended >= len(behaviours))

    await house.until(judged, "inbox", "lanes", within=40)
    calls = by_number(await house.ledger("call"))
    return [(account, calls[number(n)][0]) for n, account in enumerate(accounts)]


async def lines_begun(house: House, call: Mapping[str, Any], before: int = 0) -> set[str]:
    """The line of the recording that was cut short when they hung up, by its sound; and the one before or after it, if
    that was all but over or about to begin."""
    cut = call["heard"][-1]
    assert cut["seconds"] < cut["of"]
    begins = [line.begin for line in await house.recording(cut)]
    left = cut["seconds"]
    return {
        str(before + max(1, sum(begin <= second for begin in begins)))
        for second in (left - WHOLE - LATE, left, left + LATE)
    }


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_line_that_was_being_said(recorded: House, locale: str) -> None:
    behaviours = [leaves(seconds) for seconds in (0.6, 3, 6, 9, 12, 16, 33, 38)]
    parts = set()
    for account, call in await calls_made(recorded, behaviours, locale):
        (attempt,) = await recorded.attempts(account)
        kept = attempt["last_heard"]
        part = call["heard"][-1]["url"].split("/")[-2]
        parts.add(part)
        essential, lines = await script_of(recorded, call)
        expected = await lines_begun(recorded, call, essential if part == "rest" else 0)
        assert kept.pop("line") in expected, call["heard"]
        assert kept == {"locale": locale, "part": part, "lines": str(lines)}
        assert attempt["disposition"] == ("answered" if part == "rest" else "hung_up")
    assert parts == {"essential", "rest"}


async def script_of(house: House, call: Mapping[str, Any]) -> tuple[int, int]:
    """How many lines must be heard, and how many there are."""
    message = await house.app.pool.fetchval(
        "select message from notifier.attempt where id = $1::text::uuid", attempt_of(call)
    )
    script = message["scripts"][message["locale"]]
    return script["essential"], len(script["marked"])


async def test_what_was_heard_after_a_key_counts_from_the_key(recorded: House) -> None:
    behaviours = [
        leaves(16, "*", first=6),  # 10 s into the slower telling
        leaves(16, "0", first=6),  # 10 s into the English one
        leaves(16, "5", first=6),  # "that key is not in use", and again from the first line
        leaves(9, "8", first=6),  # while asked whether it is the wrong person
        LISTENS,  # to the goodbye
        leaves(60, "1", first=20),  # answered
    ]
    made = await calls_made(recorded, behaviours, "zh-TW")
    kept = [(await recorded.attempts(account))[0]["last_heard"] for account, _ in made]

    slower, english, again, asked, heard_out, answered = kept
    for detail, (_, call) in zip((slower, english, again), made, strict=False):
        assert detail["line"] in await lines_begun(recorded, call), (detail, call["heard"])
    assert (slower["pace"], slower["locale"]) == ("slow", "zh-TW")
    assert (english["locale"], english.get("pace")) == ("en", None)
    assert again["sentence"] == "unknown_key"
    assert (asked["sentence"], "part" in asked, "line" in asked) == ("ask_confirm_wrong_person", False, False)
    assert heard_out is answered is None


async def test_of_the_carriers_own_voice_only_the_half_is_said(database: str, source_database: str) -> None:
    async with open_house(database, source_database, scale=SCALE, speech_engines=["carrier"]) as house:
        ((account, _),) = await calls_made(house, [leaves(6)], "zh-TW")
        (attempt,) = await house.attempts(account)
        assert attempt["last_heard"] == {"locale": "zh-TW", "part": "essential", "lines": "19"}


async def test_it_is_kept_when_the_words_are_erased_and_shown_in_both_languages(recorded: House) -> None:
    made = await calls_made(recorded, [leaves(6), leaves(9, "8", first=6)], "zh-TW")
    await recorded.app.pool.execute("update notifier.attempt set message = null")
    env = environment(recorded.app.settings)
    (middle, _), (asked, _) = made

    english, chinese, question = await asyncio.gather(
        notifier("who", middle, env=env),
        notifier("who", middle, "--lang", "zh", env=env),
        notifier("who", asked, env=env),
    )

    (attempt,) = await recorded.attempts(middle)
    line = attempt["last_heard"]["line"]
    assert f"the call ended at line {line} of 19 (what must be heard, Mandarin)" in english.out
    assert f"通話於第 {line} 句結束，共 19 句（必須聽到的內容，國語）" in chinese.out
    assert "the call ended when a key was to be pressed again (Mandarin)" in question.out
