"""Writes down what became of attempts, many in one commit, and is the only part that does."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from notifier.clock import Clock
from notifier.domain.receipt import COMPLAINED, FOLLOWS, UNKNOWN_WORD, Receipt
from notifier.engine.backoff import Persistence
from notifier.engine.catalogue import Catalogue
from notifier.engine.hang_ups import HangUps
from notifier.engine.judgement import Judge, bans
from notifier.engine.replying import Replying
from notifier.storage.attempts import AttemptFile, AttemptStore, Ban, Verdict
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import LOST, Pool, WakeUps

log = structlog.get_logger()

MISCONFIGURED = "misconfigured"  # a receipt's detail "follows", when the provider blames our configuration
GATHER = 0.003  # seconds a group waits for company
GROUP = 500
STUCK = 1.0  # real seconds a group takes longer than, when something is wrong; it takes milliseconds
MOST_WAITING = 4 * GROUP  # answers not yet on disk; above this nobody sends


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said to a request, with the attempt as it was written. `after`: its wish for the next try."""

    file: AttemptFile
    receipt: Receipt
    after: timedelta | None = None


class Recorder:
    def __init__(
        self,
        pool: Pool,
        attempts: AttemptStore,
        budgets: BudgetStore,
        catalogue: Catalogue,
        clock: Clock,
        wake_ups: WakeUps,
        replying: Replying,
        hang_ups: HangUps,
    ) -> None:
        self._pool = pool
        self._attempts = attempts
        self._budgets = budgets
        self._judge = Judge(catalogue)
        self._catalogue = catalogue
        self._clock = clock
        self._wake_ups = wake_ups
        self._replying = replying
        self._hang_ups = hang_ups
        self._waiting: asyncio.Queue[Answer] = asyncio.Queue(MOST_WAITING)
        self._began: float | None = None

    @property
    def stuck(self) -> bool:
        """What the provider says cannot be kept just now: nothing more may be asked of it."""
        return self._began is not None and time.monotonic() - self._began > STUCK

    async def put(self, answer: Answer) -> None:
        """Take an answer; waits while too many are not on disk yet."""
        await self._waiting.put(answer)

    async def run(self) -> None:
        """Record until cancelled. Nothing taken is dropped: while the database is away, it is held."""
        persistence = Persistence("recorder")
        while True:
            group = await self._gather()
            self._began = time.monotonic()

            async def record(group: Sequence[Answer] = group) -> bool:
                await self._record(group)
                return False

            while await persistence.attempt(record):
                pass
            self._began = None
            for _ in group:
                self._waiting.task_done()

    async def flush(self) -> None:
        """Until everything taken is on disk."""
        await self._waiting.join()

    async def _gather(self) -> list[Answer]:
        group = [await self._waiting.get()]
        if self._waiting.empty():
            await asyncio.sleep(GATHER)
        while len(group) < GROUP and not self._waiting.empty():
            group.append(self._waiting.get_nowait())
        return group

    async def _record(self, group: Sequence[Answer]) -> None:
        """An answer that cannot be written must not keep the others from it: it is left for the keeper to look up."""
        try:
            await self._record_answers(group)
        except LOST:
            raise
        except Exception:
            if len(group) == 1:
                log.exception("recorder.answer_left_out", attempt=str(group[0].receipt.attempt))
                return
            for answer in group:
                await self._record([answer])

    async def _record_answers(self, group: Sequence[Answer]) -> None:
        """One statement for the whole group. An attempt that a callback has moved meanwhile keeps its answer as a
        stored receipt, for the inbox to judge."""
        now = self._clock.now()
        verdicts = [self._judge.verdict(a.file, [a.receipt], now, a.after) for a in group]
        channelled = [self._with_channel(a.file, verdict) for a, verdict in zip(group, verdicts, strict=True)]
        pairs = [(a.file, verdict) for a, verdict in zip(group, channelled, strict=True)]
        receipts = [a.receipt for a in group]
        if self._needs_more(pairs):
            async with self._pool.acquire() as connection, connection.transaction():
                moved = await self._attempts.apply(now, channelled, receipts, connection)
                await self._carry_out(connection, pairs)
        else:
            moved = await self._attempts.apply(now, channelled, receipts)
        if overtaken := [a.receipt for a in group if a.receipt.attempt not in moved]:
            await self._attempts.store(overtaken)
            await self._wake_ups.send("inbox")

    async def apply_news(self, most: int = GROUP) -> int:
        """Judge the attempts that have receipts nobody has applied; answers how many there were."""
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            news = await self._attempts.with_news(connection, most)
            if not news:
                return 0
            pairs = [
                (file, self._with_channel(file, self._judge.verdict(file, receipts, now))) for file, receipts in news
            ]
            heard = [receipt for _, receipts in news for receipt in receipts]
            heard += await self._hang_ups.last_heard(connection, pairs, now)
            await self._attempts.apply(now, [verdict for _, verdict in pairs], heard, connection)
            await self._carry_out(connection, pairs)
            await self._replying.carry_out(connection, heard, now)
            if complaints := self._complaints(news):
                await self._attempts.suppress(connection, now, complaints)
        _say_what_is_unknown(news)
        await self._stop_misconfigured(news)
        return len(news)

    async def _stop_misconfigured(self, news: Sequence[tuple[AttemptFile, Sequence[Receipt]]]) -> None:
        """A callback may say that the fault is ours, too: then the channel stops until a person has looked."""
        for file, receipts in news:
            for receipt in receipts:
                if receipt.detail.get(FOLLOWS) == MISCONFIGURED:
                    reason = f"misconfigured: the provider reported code {receipt.detail.get('error', receipt.status)}"
                    await self._budgets.pause(file.channel, reason)

    def _with_channel(self, file: AttemptFile, verdict: Verdict) -> Verdict:
        if verdict.due_at is None:
            return verdict
        step = self._catalogue.campaign(file.campaign).plan[verdict.place.step]
        return Verdict(**{name: getattr(verdict, name) for name in VERDICT_FIELDS} | {"channel": step.channel})

    def _needs_more(self, pairs: Sequence[tuple[AttemptFile, Verdict]]) -> bool:
        return any(self._bans(file, verdict) for file, verdict in pairs)

    def _bans(self, file: AttemptFile, verdict: Verdict) -> list[Ban]:
        campaign = self._catalogue.campaigns.get(file.campaign)
        if campaign is None:
            return []
        return [Ban(*ban, file.id) for ban in bans(file, verdict.progress, campaign.purpose)]

    def _complaints(self, news: Sequence[tuple[AttemptFile, Sequence[Receipt]]]) -> list[Ban]:
        """Only for a complaint that is new: a person may have lifted the ban since the last one."""
        return [
            Ban(file.address, self._catalogue.campaigns[file.campaign].purpose, COMPLAINED, file.id)
            for file, receipts in news
            if file.address is not None and file.campaign in self._catalogue.campaigns
            if any(receipt.detail.get(FOLLOWS) == COMPLAINED for receipt in receipts)
        ]

    async def _carry_out(self, connection: Any, pairs: Sequence[tuple[AttemptFile, Verdict]]) -> None:
        """What an attempt's end makes us do, in the transaction that records it."""
        asked = [ban for file, verdict in pairs for ban in self._bans(file, verdict)]
        if asked:
            await self._attempts.suppress(connection, self._clock.now(), asked)


def _say_what_is_unknown(news: Sequence[tuple[AttemptFile, Sequence[Receipt]]]) -> None:
    for file, receipts in news:
        for receipt in receipts:
            if UNKNOWN_WORD in receipt.detail:
                log.error("receipt.unknown_word", channel=file.channel, attempt=str(file.id), status=receipt.status)


VERDICT_FIELDS = tuple(Verdict.__dataclass_fields__)
