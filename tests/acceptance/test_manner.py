"""How a call is held, by the second: measured on what the carrier played to people who listened."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from notifier.domain.message import LOCALES
from notifier.domain.reading import spoken_amount, spoken_date
from tests.acceptance.crowd import LISTENS, by_number, customers, everyone, finished, number, presses
from tests.house import House, open_house

CALLERS = {"zh-TW": "台灣電力公司", "en": "Taiwan Power Company"}
BILLS = {"one bill": [1234], "three bills": [1234, 20_500, 99]}
DUE_IN = 2
AGAIN = (5.5, 8.5)  # seconds after which who is calling is said again: about 7
LEAST_TO_PRESS = 5.0


@dataclass(frozen=True)
class Said:
    """A line, and when it began and was over: seconds after they picked up."""

    words: str
    begin: float
    until: float


@pytest.fixture
async def recorded(database: str, source_database: str) -> AsyncIterator[House]:
    async with open_house(database, source_database, scale=60, speech_engines=["espeak", "carrier"]) as house:
        yield house


async def said(house: House, call: Mapping[str, Any]) -> list[Said]:
    return [
        Said(line.words, heard["at"] + line.begin, heard["at"] + line.until)
        for heard in call["heard"]
        for line in await house.recording(heard)
    ]


async def listened(house: House) -> dict[tuple[str, str], list[Said]]:
    """What people with one bill and with several have heard in both languages, to the end."""
    cases = [(locale, bills) for locale in LOCALES for bills in BILLS]
    for n, (locale, bills) in enumerate(cases):
        account = await house.customer(mobile=number(n), locale=locale)
        for amount in BILLS[bills]:
            await house.bill(account, amount=amount, due_in=DUE_IN)
    await everyone(house, LISTENS)
    await finished(house, await house.launch(), within=60)
    calls = by_number(await house.ledger("call"))
    return {case: await said(house, calls[number(n)][0]) for n, case in enumerate(cases)}


async def test_who_is_calling_what_and_until_when(
    recorded: House, record_property: Callable[[str, object], None]
) -> None:
    today = recorded.today
    due = today.replace(day=today.day + DUE_IN)
    for (locale, bills), lines in (await listened(recorded)).items():
        told = f"{locale}, {bills}"
        first, again = (line for line in lines if CALLERS[locale] in line.words)
        assert first is lines[0]
        assert first.words.startswith(CALLERS[locale]), told
        assert first.begin < 0.5, told
        assert AGAIN[0] <= again.begin <= AGAIN[1], (told, again)
        record_property(f"seconds until the caller is named again: {told}", round(again.begin, 1))
        amount = spoken_amount(Decimal(sum(BILLS[bills])), locale)
        for fact in (amount, spoken_date(due, locale, today)):
            assert [fact in line.words for line in lines].count(True) == 2, (told, fact, lines)
        *_, menu, goodbye = lines
        assert goodbye.begin - menu.until >= LEAST_TO_PRESS, told
        record_property(f"seconds until the goodbye: {told}", round(goodbye.begin, 1))


async def test_star_is_spoken_slower(recorded: House, record_property: Callable[[str, object], None]) -> None:
    await customers(recorded, 1)
    await everyone(recorded, presses("*", first=1))
    await finished(recorded, await recorded.launch(), within=60)

    (call,) = await recorded.ledger("call")
    lines = await said(recorded, call)
    halves = [heard for heard in call["heard"] if "/essential/" in heard["url"] or "/rest/" in heard["url"]]
    assert [heard["url"].split("/")[-2:] for heard in halves] == [
        ["essential", "plain.wav"], ["essential", "slow.wav"], ["rest", "slow.wav"],
    ]  # fmt: skip
    plain, slow = halves[0]["of"], halves[1]["of"]
    assert slow > plain * 1.15
    record_property("seconds of what must be heard, and slower", f"{plain:.1f}, {slow:.1f}")
    assert "".join(await recorded.heard(call)).count("新臺幣一千兩百三十四元") == 2
    assert lines[-1].words == "謝謝您，再見。"
    assert not await recorded.app.pool.fetchval(
        "select count(*) from notifier.clip s join notifier.clip p on p.audio = s.audio where s.slow and not p.slow"
    ), "spoken anew by the engine"
