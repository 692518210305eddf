"""A town whose every telephone has a story that is known beforehand, and what the ledger must show of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from notifier.domain.disposition import Disposition
from notifier.storage.runs import Run
from tests.acceptance.crowd import (
    AGREES,
    BAD_NUMBER,
    BUSY,
    DECLINES,
    HANGS_UP,
    LISTENS,
    MACHINE,
    NO_ANSWER,
    Behaviour,
    by_number,
    number,
)
from tests.house import House

DELIVERED = {"outcome": "delivered"}
UNDELIVERED = {"outcome": "undelivered", "error_code": 30003}
NO_SUCH_NUMBER = {"outcome": "undelivered", "error_code": 30005}
WAIT = timedelta(minutes=10)  # between two rings; hours in the campaign, which no test could wait for


@dataclass(frozen=True)
class Story:
    """What one kind of customer does with each ring and text, and what comes of it in the end."""

    name: str
    calls: tuple[Behaviour, ...]
    outcome: str
    texts: tuple[Mapping[str, Any], ...] = ()
    mail: bool = False
    landline: bool = False

    @property
    def rings(self) -> int:
        return sum(call is not BAD_NUMBER for call in self.calls)


STORIES = (
    Story("agrees at the first ring", (AGREES,), "acknowledged"),
    Story("listens at the first ring", (LISTENS,), "reached"),
    Story("agrees at the second", (BUSY, AGREES), "acknowledged"),
    Story("listens at the third", (NO_ANSWER, BUSY, LISTENS), "reached"),
    Story("agrees at the third", (MACHINE, HANGS_UP, AGREES), "acknowledged"),
    Story("never answers, is texted", (NO_ANSWER, DECLINES, MACHINE), "reached", (DELIVERED,)),
    Story("never answers, is mailed", (BUSY, NO_ANSWER, BUSY), "reached", (UNDELIVERED,), mail=True),
    Story("a number that does not exist", (BAD_NUMBER,), "reached", (NO_SUCH_NUMBER,), mail=True),
    Story("a landline that never answers", (NO_ANSWER,) * 3, "reached", mail=True, landline=True),
    Story("nobody at all", (NO_ANSWER, NO_ANSWER, DECLINES), "unreached", (UNDELIVERED,)),
)


@dataclass(frozen=True)
class Customer:
    story: Story
    number: str
    account: str
    email: str | None


@dataclass(frozen=True)
class Town:
    house: House
    customers: tuple[Customer, ...]

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(Counter(customer.story.outcome for customer in self.customers))

    async def check(self, run: Run) -> None:
        """Nobody rung twice for one try, nobody lost, the sum right, and the log as the carrier's ledger has it."""
        tally = await self.house.tally(run)
        assert (tally.difference, tally.open, tally.held) == (0, 0, {})
        assert tally.outcomes == self.outcomes
        ledger = await self.house.ledger()
        calls = by_number(entry for entry in ledger if entry["kind"] == "call")
        texts = by_number(entry for entry in ledger if entry["kind"] == "message")
        mailed = Counter(mail["rcpt_tos"][0] for mail in await self.house.mailbox())
        for customer in self.customers:
            self._check_customer(customer, calls.get(customer.number, []), texts.get(customer.number, []), mailed)
        assert set(calls) | set(texts) == {customer.number for customer in self.customers}
        assert Counter(attempt_of(entry) for entry in ledger).most_common(1)[0][1] == 1
        await self._check_log(ledger)

    def _check_customer(
        self, customer: Customer, calls: list[Any], texts: list[Any], mailed: Mapping[str, int]
    ) -> None:
        story = customer.story
        rung = [call for call in calls if call["status"] != "failed"]
        seen = (story.name, len(rung), len(texts), mailed.get(customer.email or "", 0))
        assert seen == (story.name, story.rings, len(story.texts), int(story.mail)), calls
        failed = len(calls) - len(rung)
        bad = len(story.calls) - story.rings
        assert bad <= failed <= 2 * bad  # a number that may not exist is dialled once more, no phone rings

    async def _check_log(self, ledger: list[Any]) -> None:
        """Every entry has its attempt, which ended as the carrier says at last; every other attempt was free. The tries
        spent before an attempt are the rings before it."""
        placed = {attempt_of(entry): entry for entry in ledger}
        rows = await self.house.app.pool.fetch(
            "select id::text, notification_id, channel, tries, state, disposition from notifier.attempt"
            " where channel <> 'email' order by id"
        )
        asked = await self._looked_up()
        spent: Counter[tuple[int, str]] = Counter()
        for row in rows:
            at = row["notification_id"], row["channel"]
            assert (row["state"], row["tries"]) == ("ended", spent[at]), (dict(row), spent[at])
            entry = placed.pop(row["id"], None)
            if entry is None:
                assert row["disposition"] in ("not_sent", "not_created"), dict(row)
                continue
            assert row["disposition"] in endings(entry, asked=row["id"] in asked), (dict(row), entry)
            spent[at] += entry["status"] != "failed"
        assert placed == {}

    async def _looked_up(self) -> set[str]:
        """The attempts that the carrier was asked about, because its words were late or lost."""
        rows = await self.house.app.pool.fetch(
            "select distinct attempt_id::text as id from notifier.receipt where kind = 'poll'"
        )
        return {row["id"] for row in rows}


async def populate(house: House, count: int, first: int = 0) -> Town:
    """So many customers, every story equally often, each with a bill; and a campaign that has not three hours' time."""
    hurry(house)
    customers = [await _settle(house, STORIES[n % len(STORIES)], n) for n in range(first, first + count)]
    await house.people(
        {
            "calls": {one.number: _calls(one.story) for one in customers},
            "messages": {one.number: list(one.story.texts) for one in customers},
            "everyone": {"calls": AGREES, "messages": DELIVERED},  # a ring too many is heard, and told in the sum
        }
    )
    return Town(house, tuple(customers))


def hurry(house: House) -> None:
    """Minutes in place of hours between two rings."""
    campaigns: Any = house.app.catalogue.campaigns
    campaign = campaigns["payment_deadline"]
    voice, *others = campaign.plan
    patient = replace(voice, wait=dict.fromkeys(voice.wait, WAIT))
    campaigns["payment_deadline"] = replace(campaign, plan=(patient, *others))


async def when(holds: Callable[[], Awaitable[bool]], within: float = 20) -> None:
    """Until the condition holds, of which no wake-up tells."""
    async with asyncio.timeout(within):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def _settle(house: House, story: Story, n: int) -> Customer:
    telephone = f"+8867{3_000_000 + n}" if story.landline else number(n)
    email = f"c{n}@customer.example" if story.mail else None
    cells = {"phone": f"07-{3_000_000 + n}", "mobile": None} if story.landline else {"mobile": telephone}
    account = await house.customer(**cells, email=email)
    await house.bill(account)
    return Customer(story, telephone, account, email)


def _calls(story: Story) -> list[Behaviour]:
    bad = [BAD_NUMBER] if BAD_NUMBER in story.calls else []
    return [*story.calls, *bad]


def attempt_of(entry: Mapping[str, Any]) -> str:
    query: str = entry["status_callback"].partition("attempt=")[2]
    return query.partition("#")[0].partition("&")[0]


def endings(entry: Mapping[str, Any], *, asked: bool) -> set[str]:
    """What the log may say of an entry. `asked`: also as the carrier tells it when asked, without the SIP code."""
    if entry["kind"] == "message":
        return {_text_ending(entry)}
    told = {_call_ending(entry, entry["sip_code"])}
    return told | ({_call_ending(entry, None)} if asked else set())


def _text_ending(text: Mapping[str, Any]) -> Disposition:
    if "delivered" in text["finals"]:  # words about texts have no number: what was delivered is not taken back
        return Disposition.DELIVERED
    return Disposition.REFUSED if text["error_code"] == 30005 else Disposition.UNDELIVERED


def _call_ending(call: Mapping[str, Any], sip: int | None) -> Disposition:
    match call["status"], sip:
        case "busy", _:
            return Disposition.BUSY
        case "no-answer", 603:
            return Disposition.DECLINED
        case "no-answer", _:
            return Disposition.NO_ANSWER
        case "failed", 404:
            return Disposition.REFUSED
        case "failed", None:
            return Disposition.UNEXPLAINED
        case "completed", _:
            return _picked_up(call)
    raise AssertionError(f"a call that ended as {call['status']} {sip}")


def _picked_up(call: Mapping[str, Any]) -> Disposition:
    if call["answered_by"] == "machine_start":
        return Disposition.MACHINE
    heard_all = call["pressed"] or sum(heard["seconds"] for heard in call["heard"]) > 20
    return Disposition.ANSWERED if heard_all else Disposition.HUNG_UP
