"""Rule 1: an attempt is on disk, with all that will be said, before its request leaves."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from notifier.clock import Clock
from notifier.domain.attempt_id import ENTROPY_BYTES, AttemptId, make_attempt_id
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel
from notifier.domain.message import store_message
from notifier.domain.receipt import AttemptProgress
from notifier.engine.catalogue import Catalogue
from notifier.engine.gate import Gate
from notifier.engine.telling import Planned
from notifier.storage.attempts import AttemptFile
from notifier.storage.budgets import BudgetStore, Grant
from notifier.storage.database import Pool
from notifier.storage.queue import Disposal, Draft, DueRun, QueueStore, WrittenAhead

OVER = 30.0  # real seconds after which a request that was written has been made and answered, or never will be
URGENT_BELOW = 5  # priorities that may use the reserved calls in flight

Written = list[tuple[AttemptFile, Planned]]


@dataclass(frozen=True, slots=True)
class WriteAhead:
    """Of one lane. `owner`: whose leases its claims are."""

    channel: Channel
    catalogue: Catalogue
    clock: Clock
    pool: Pool
    queue: QueueStore
    budgets: BudgetStore
    gate: Gate
    owner: int

    async def write(
        self, run: DueRun, campaign: Campaign, planned: Sequence[Planned], now: datetime, grant: Grant
    ) -> tuple[Written, list[Disposal]]:
        """The attempts, committed; and who has to wait."""
        if not planned:
            return [], []
        drafts = {make_attempt_id(now, os.urandom(ENTROPY_BYTES)): plan for plan in planned}
        verdicts = await self._commit(run, campaign, drafts, now, grant)
        written, postponed, lost = [], [], []
        for attempt, plan in drafts.items():
            ahead = verdicts[attempt]
            if ahead.verdict == "written":
                written.append((self._file(run, attempt, plan), plan))
            elif ahead.verdict == "lost":
                lost.append(plan.claimed.id)
            else:
                postponed.append(self.gate.postpone(campaign, plan.claimed, ahead, now))
        if lost:  # paused, cancelled or suspended since the claim: what is still ours must not wait for its lease
            await self.queue.give_back(self.owner, lost)
        return written, postponed

    async def _commit(
        self, run: DueRun, campaign: Campaign, drafts: Mapping[AttemptId, Planned], now: datetime, grant: Grant
    ) -> dict[AttemptId, WrittenAhead]:
        day = self.catalogue.calendar.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
        write = partial(
            self.queue.write_ahead,
            owner=self.owner,
            channel=self.channel.name,
            purpose=campaign.purpose,
            now=now,
            look_at=now + max(self.channel.abilities.silent_after, timedelta(seconds=OVER * self.clock.scale)),
            day_start=day,
            cap=campaign.rings_per_day,
            household=self.catalogue.cap(campaign),
            drafts=[
                Draft(attempt, plan.claimed.id, plan.address, plan.template, store_message(plan.message), plan.offered)
                for attempt, plan in drafts.items()
            ],
        )
        if not grant.limited:
            return await write(self.pool, lines=len(drafts))
        async with self.pool.acquire() as connection, connection.transaction():
            urgent = run.priority < URGENT_BELOW
            lines = await self.budgets.lines(connection, self.channel.name, urgent=urgent, most=len(drafts))
            return await write(connection, lines=lines)

    def _file(self, run: DueRun, attempt: AttemptId, plan: Planned) -> AttemptFile:
        one = plan.claimed
        return AttemptFile(
            attempt, one.id, run.id, run.campaign, self.channel.name, one.place, plan.address, AttemptProgress(), 0,
            one.phone, one.email, None, prefers=one.prefers,
        )  # fmt: skip
