"""Gathers what the demo compares: our log, the carrier's ledger, the mailbox, and when customers paid."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiohttp
import asyncpg

from notifier.commands.demo_comparison import (
    Evidence,
    LoggedAttempt,
    Wish,
    needs_words,
    read_ledger,
    read_mailbox,
    read_recordings,
    read_wishes,
    rest_of,
)
from notifier.commands.hearing import Heard, Hearing
from notifier.domain.campaign import Campaign
from notifier.domain.states import RunState
from notifier.resources import sql_root
from notifier.sandbox.people import MessageOutcome, draw_fate
from notifier.storage.queries import Query, load_into
from notifier.storage.runs import Run

if TYPE_CHECKING:
    from notifier.app import App

LATE_WORD = timedelta(minutes=40)  # of the clock: when the network confirms a text that it would have kept silent about
TEXTS_TO_ONE = 4  # no number gets more of them in a run


@dataclass(frozen=True)
class DemoQueries:
    attempts: Query
    other_attempts: Query
    subjects: Query
    leads: Query
    phones: Query
    examples: Query
    clips: Query


@dataclass(frozen=True)
class Examples:
    """Account numbers worth a look."""

    called: str | None
    withdrawn: str | None
    excluded: str | None


class Witness:
    """Asks everybody concerned. `carrier` is the URL of the sandbox, `source` of the utility's database."""

    def __init__(self, app: "App", carrier: str, source: str, seed: int) -> None:
        self._app = app
        self._carrier = carrier
        self._source = source
        self._seed = seed
        self._q = load_into(DemoQueries, sql_root() / "demo.sql")

    async def confirm_late_texts(self, run: int) -> None:
        """Let the network confirm every text in the end, if late: what it never confirms is waited on for a day of the
        clock, and a demo has no such time."""
        rows = await self._q.phones.fetch(self._app.pool, run=run)
        silent = [row["phone"] for row in rows if self._is_silent(row["phone"])]
        late = {"outcome": "delivered", "settled_after": LATE_WORD.total_seconds()}
        script = {"messages": {phone: [late] * TEXTS_TO_ONE for phone in silent}}
        async with aiohttp.ClientSession() as session, session.post(f"{self._carrier}/people", json=script) as response:
            response.raise_for_status()

    def _is_silent(self, phone: str) -> bool:
        fates = (draw_fate(self._seed, phone, nth).outcome for nth in range(TEXTS_TO_ONE))
        return MessageOutcome.SENT in fates

    async def gather(self, run: Run, campaign: Campaign, scale: float) -> Evidence:
        attempts = await self._attempts(self._q.attempts, run.id)
        entries = await self._entries()
        others = await self._attempts(self._q.other_attempts, run.id)
        mails = read_mailbox(await self._mails(), [*attempts, *others])
        not_asked = {one.id for one in others}
        contacts = read_ledger(await self._heard(entries)) + mails
        return Evidence(
            attempts=attempts,
            contacts=[contact for contact in contacts if contact.attempt not in not_asked],
            paid=await self._paid(run.id),
            is_open=self._is_open(campaign),
            slack=timedelta(seconds=scale),
            finished=run.state is RunState.FINISHED,
            difference=(await self._app.runs.tally(run)).difference,
            recordings=read_recordings(entries, await self._clips()),
            wishes=await self._wishes(run.id, campaign),
        )

    async def examples(self, run: int) -> Examples:
        row = await self._q.examples.fetch_row(self._app.pool, run=run)
        return Examples(**dict(row)) if row else Examples(None, None, None)

    async def _attempts(self, query: Query, run: int) -> list[LoggedAttempt]:
        return [
            LoggedAttempt(
                row["id"], row["notification_id"], row["channel"], row["step"], row["tries"], row["disposition"],
                rest_of(row["message"]),
            )
            for row in await query.fetch(self._app.pool, run=run)
        ]  # fmt: skip

    async def _entries(self) -> Sequence[dict[str, Any]]:
        """Waits until the carrier has reported everything, then reads the whole ledger at once."""
        async with aiohttp.ClientSession(self._carrier) as session:
            async with session.post("/settle?timeout=10"):
                pass
            return (await _read(session, "/ledger"))["entries"]  # type: ignore[no-any-return]

    async def _heard(self, entries: Sequence[dict[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """The entries with the `lines` that were begun in the recordings they played, where it matters: read from the
        sound that is served, if it is the same that the carrier fetched."""
        played = [
            heard for entry in entries if needs_words(entry) for heard in entry["heard"] if heard["kind"] == "play"
        ]
        if played:
            rows = await self._q.clips.fetch(self._app.pool)
            hearing = Hearing({row["audio"]: row["words"] or "" for row in rows})
            known: dict[str, list[Heard]] = {}
            async with aiohttp.ClientSession() as session:
                for heard in played:
                    if heard["sha256"] not in known:
                        known[heard["sha256"]] = await _lines(session, hearing, heard)
                    lines = known[heard["sha256"]]
                    heard["lines"] = [line.words for line in lines if line.begin < heard["seconds"]]
        return entries

    async def _mails(self) -> Sequence[Mapping[str, Any]]:
        async with aiohttp.ClientSession(self._carrier) as session:
            return (await _read(session, "/mailbox"))["mails"]  # type: ignore[no-any-return]

    async def _clips(self) -> Sequence[Mapping[str, Any]]:
        async with aiohttp.ClientSession(self._carrier) as session:
            return (await _read(session, "/clips"))["clips"]  # type: ignore[no-any-return]

    async def _paid(self, run: int) -> dict[int, float]:
        """When the last bill of a notification was paid, of those that have none left unpaid."""
        bills: defaultdict[int, list[str]] = defaultdict(list)
        for row in await self._q.subjects.fetch(self._app.pool, run=run):
            bills[row["notification_id"]].append(row["subject"])
        received = await self._received([bill for some in bills.values() for bill in some])
        return {
            notification: max(received[bill] for bill in some)
            for notification, some in bills.items()
            if all(bill in received for bill in some)
        }

    async def _received(self, bills: Sequence[str]) -> dict[str, float]:
        return {row["bill_no"]: row["received"] for row in await self._ask_source("paid_in_full", bills)}

    async def _wishes(self, run: int, campaign: Campaign) -> dict[int, Wish]:
        """By which channel each is to be told first, reckoned from the source."""
        leads = {row["notification_id"]: row["subject"] for row in await self._q.leads.fetch(self._app.pool, run=run)}
        rows = await self._ask_source("wishes", list(leads.values()))
        wishes = read_wishes([step.channel for step in campaign.plan], [dict(row) for row in rows])
        return {notification: wishes[bill] for notification, bill in leads.items() if bill in wishes}

    async def _ask_source(self, name: str, bills: Sequence[str]) -> list[asyncpg.Record]:
        query = (sql_root() / "source" / "sample" / f"{name}.sql").read_text("utf-8")
        connection = await asyncpg.connect(self._source)
        try:
            return await connection.fetch(query, bills)
        finally:
            await connection.close()

    def _is_open(self, campaign: Campaign) -> Callable[[datetime], bool]:
        calendar = self._app.catalogue.calendar
        return lambda moment: calendar.closed(campaign.window, campaign.purpose, moment) is None


async def _lines(session: aiohttp.ClientSession, hearing: Hearing, heard: Mapping[str, Any]) -> list[Heard]:
    async with session.get(heard["url"]) as response:
        sound = await response.read()
    return hearing.lines(sound) if sha256(sound).hexdigest() == heard["sha256"] else []


async def _read(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with session.get(path) as response:
        response.raise_for_status()
        found: dict[str, Any] = json.loads(await response.read())
        return found
