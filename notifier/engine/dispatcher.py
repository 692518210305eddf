"""One lane per channel: claim, ask what is true now, write the attempts, send, hand the answers to the recorder.

No connection is held while a provider talks. Whatever is decided without an attempt is decided here, in one statement
per batch; whatever follows from an attempt is decided by the recorder.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel
from notifier.domain.states import Outcome, RunState
from notifier.domain.watch import Limits, WithdrawalWatch
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.engine.channel_health import ChannelHealth
from notifier.engine.clips import Clips
from notifier.engine.fact_finding import FactFinding
from notifier.engine.gate import Gate
from notifier.engine.recorder import Recorder
from notifier.engine.sending import WINDOW, Sending
from notifier.engine.telling import Telling
from notifier.engine.wording import Wording
from notifier.engine.write_ahead import URGENT_BELOW, WriteAhead
from notifier.storage.budgets import BudgetStore, Grant
from notifier.storage.database import LOST, Pool, WakeUps
from notifier.storage.queue import START, Claimed, Disposal, DueRun, Mark, QueueStore
from notifier.storage.runs import RunStore
from notifier.storage.source import Source

log = structlog.get_logger()

BATCH = 500
POLL = 1.0  # real seconds; covers a lost wake-up
LEASE = 10.0  # real seconds from the claim to the attempt on disk; facts that take longer than 1 s are given up
RESWEEP = 1.0  # real seconds after which a claim starts from the left again


@dataclass
class Lane:
    """The dispatcher of one channel in one process. `concurrency`: requests to the provider at the same time."""

    channel: Channel
    catalogue: Catalogue
    clock: Clock
    pool: Pool
    queue: QueueStore
    budgets: BudgetStore
    runs: RunStore
    source: Source
    wording: Wording
    clips: Clips
    recorder: Recorder
    wake_ups: WakeUps
    limits: Limits
    concurrency: int = 200
    owner: int = field(default_factory=lambda: random.getrandbits(62))

    def __post_init__(self) -> None:
        channel, catalogue, clock = self.channel, self.catalogue, self.clock
        gate = self._gate = Gate(channel.name, catalogue)
        self._facts = FactFinding(self.source, self.runs, catalogue, clock, gate)
        self._telling = Telling(channel, catalogue, clock, self.wording, self.clips, gate)
        self._ahead = WriteAhead(channel, catalogue, clock, self.pool, self.queue, self.budgets, gate, self.owner)
        self._health = ChannelHealth(channel.name, clock, self.budgets)
        self._sending = Sending(channel, clock, self.recorder, self._health, self.concurrency)
        self._woken = self.wake_ups.event("lanes")
        self._marks: dict[int, Mark] = {}
        self._swept_at = 0.0
        self._rotation = 0
        self._watches: dict[int, WithdrawalWatch] = {}
        self._idle = 0.0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Dispatch until `stop` is called; then return once everything sent has been handed to the recorder."""
        persistence = Persistence(f"lane {self.channel.name}")
        while not self._stopping.is_set():
            if not await persistence.attempt(self._turn) and await wait_for(self._woken, self._idle):
                self._marks.clear()
        await self._sending.finish()

    async def _turn(self) -> bool:
        self._idle = await self._round()
        return self._idle == 0

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()
        self._woken.set()

    async def _round(self) -> float:
        """One grant, claimed and dispatched; answers how many real seconds there is nothing to do."""
        if self.clock.astray or self.recorder.stuck:
            return POLL
        now = self.clock.now()
        due = [run for run in await self.queue.due_runs(self.channel.name, now) if await self._is_known(run)]
        if not due:
            return await self._until_due(now)
        urgent = due[0].priority < URGENT_BELOW
        room = await self._sending.room()
        span = WINDOW * self.clock.scale
        grant = await self.budgets.grant(self.channel.name, now=now, span=span, most=min(BATCH, room), urgent=urgent)
        if grant.amount == 0:
            return min(POLL, max(1 / grant.rate / self.clock.scale, 0.01))
        if grant.paused:
            self._health.troubled = True  # half open: this request finds out
        return await self._spend(due, grant)

    async def _until_due(self, now: datetime) -> float:
        due_at = await self.queue.next_due(self.channel.name)
        if due_at is None:
            return POLL
        return min(POLL, max((due_at - now).total_seconds() / self.clock.scale, 0.002))

    async def _spend(self, due: Sequence[DueRun], grant: Grant) -> float:
        """Share the grant among the most urgent runs, what is left among the next."""
        left, dispatched = grant.amount, 0
        self._rotation += 1
        for group in _by_priority(due, self._rotation):
            for position, run in enumerate(group):
                share = -(-left // (len(group) - position))
                taken = await self._dispatch(run, share, grant)
                left, dispatched = left - taken, dispatched + taken
                if left <= 0:
                    return 0.0
        return 0.0 if dispatched else 0.02

    async def _is_known(self, run: DueRun) -> bool:
        """A worker that lacks the campaign, or its words, leaves the run and the pace to those that have them."""
        if (what := self.catalogue.waits_for(run.campaign)) is None:
            return True
        await self.runs.wait_for(run.id, what)
        return False

    async def _dispatch(self, run: DueRun, most: int, grant: Grant) -> int:
        """Claim up to `most` of a run and see them off; answers how many were claimed."""
        campaign = self.catalogue.campaigns[run.campaign].told_with(run.params)
        claimed = await self._claim(run, campaign, self._facts.portion(run.id, most))
        if claimed:
            try:
                await self._see_off(run, campaign, claimed, grant)
            except LOST:  # what could not be written must not wait for its lease to run out
                with suppress(*LOST):
                    await self._give_back(claimed)
                raise
        return len(claimed)

    async def _claim(self, run: DueRun, campaign: Campaign, most: int) -> list[Claimed]:
        if time.monotonic() - self._swept_at > RESWEEP:
            self._marks.clear()
            self._swept_at = time.monotonic()
        now = self.clock.now()
        claimed = await self.queue.claim(
            channel=self.channel.name, run=run.id, owner=self.owner, now=now, until=now + self._lease(),
            mark=self._marks.get(run.id, START), purpose=campaign.purpose, most=most,
        )  # fmt: skip
        if claimed:
            self._marks[run.id] = (claimed[-1].due_at, claimed[-1].id)
        else:
            self._marks.pop(run.id, None)
        return claimed

    def _lease(self) -> timedelta:
        return timedelta(seconds=LEASE * self.clock.scale)

    async def _see_off(self, run: DueRun, campaign: Campaign, claimed: Sequence[Claimed], grant: Grant) -> None:
        now = self.clock.now()
        ready, disposals = self._gate.screen(campaign, claimed, now)
        asked_at = time.monotonic()
        known, put_off = await self._facts.ask(run, campaign, ready)
        if known is None:
            await self._dispose(put_off)
            await self._give_back(claimed)
            return
        planned, more = self._telling.plan(campaign, ready, known)
        if why := self._abnormal(run.id, ready, more):
            await self._give_back(claimed)
            await self.runs.move(run.id, RunState.PAUSED, why, now)
            log.error("run.paused_itself", run=run.id, reason=why)
            return
        speakable, unrecorded = await self._telling.recorded(planned, urgent=run.priority < URGENT_BELOW)
        attempts, postponed = await self._ahead.write(run, campaign, speakable, now, grant)
        self._sending.start(attempts, grant, asked_at)  # first: what is written must not wait for a lost database
        await self._dispose([*disposals, *more, *unrecorded, *postponed])

    def _abnormal(self, run: int, ready: Sequence[Claimed], disposals: Sequence[Disposal]) -> str | None:
        watch = self._watches.setdefault(run, WithdrawalWatch(self.limits))
        why = watch.note(
            asked=len(ready),
            withdrawn=sum(disposal.outcome == Outcome.WITHDRAWN for disposal in disposals),
            missing=sum(disposal.reason == "facts_missing" for disposal in disposals),
            held=sum(disposal.kind == "hold" and disposal.reason != "facts_missing" for disposal in disposals),
        )
        if why:
            del self._watches[run]  # whoever lets the run go on has looked: count anew
        return why

    async def _dispose(self, disposals: Sequence[Disposal]) -> None:
        if disposals:
            await self.queue.dispose(self.owner, self.clock.now(), disposals)

    async def _give_back(self, claimed: Sequence[Claimed]) -> None:
        self._marks.clear()
        await self.queue.give_back(self.owner, [one.id for one in claimed])


def _by_priority(due: Sequence[DueRun], turn: int) -> list[list[DueRun]]:
    """The runs in groups of equal priority, most urgent first, each group begun at another run every turn."""
    groups: dict[int, list[DueRun]] = {}
    for run in due:
        groups.setdefault(run.priority, []).append(run)
    return [group[turn % len(group) :] + group[: turn % len(group)] for _, group in sorted(groups.items())]
