"""What the clock brings: silent attempts looked up, time that has passed, runs that are done or look wrong."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.cap import WEEK
from notifier.domain.channel import Address, Pollable, Probing
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Misconfigured, Unavailable, Uncertain
from notifier.domain.message import Message, read_message
from notifier.domain.receipt import Receipt, ReceiptKind
from notifier.domain.states import AttemptState, RunState
from notifier.domain.watch import Limits, abnormal_attempts
from notifier.engine.catalogue import Catalogue
from notifier.storage.attempts import AttemptStore, Silence
from notifier.storage.budgets import BudgetStore
from notifier.storage.database import Pool, WakeUps, database_queries
from notifier.storage.queue import QueueStore
from notifier.storage.runs import RunStore

log = structlog.get_logger()

BETWEEN_LOOKS = timedelta(minutes=1)
LOOKS_AT_ONCE = 10  # a hundred that take their whole 10 s then take 100 s, and not a quarter of an hour
LOOKS_THAT_PROVE = 2  # look-ups a minute apart that found nothing
MOST_DOUBTS = 10  # look-ups that could not tell, before a person must
WATCH_SPAN = timedelta(minutes=30)
PROBE = "probe: "  # begins the reason of a pause that the next good probe lifts


@dataclass
class Keeper:
    catalogue: Catalogue
    clock: Clock
    pool: Pool
    attempts: AttemptStore
    queue: QueueStore
    runs: RunStore
    budgets: BudgetStore
    wake_ups: WakeUps
    limits: Limits
    _deaf_until: dict[str, datetime] = field(default_factory=dict)  # channels whose provider gave no answer

    async def look_after_silent(self) -> int:
        """Ask the providers about attempts without a final word; answers how many were looked at."""
        now = self.clock.now()
        silences = await self.attempts.take_silent(now, now + BETWEEN_LOOKS)
        if not silences:
            return 0
        broken = {budget.channel for budget in await self.budgets.all() if budget.breaker_open}
        asked: dict[str, list[Silence]] = {}
        for silence in silences:
            if self._deaf_until.get(silence.channel, now) <= now:
                asked.setdefault(silence.channel, []).append(silence)
        looks = [self._look_through(some, now, outage=channel in broken) for channel, some in asked.items()]
        if found := [receipt for receipts in await asyncio.gather(*looks) for receipt in receipts]:
            await self.attempts.store(found)
            await self.wake_ups.send("inbox")
        return len(silences)

    async def _look_through(self, silences: Sequence[Silence], now: datetime, *, outage: bool) -> list[Receipt]:
        """What there is to say of the silent attempts of one channel. One of them is asked about alone: a provider that
        is down for two hours is asked once a minute, and not once for each of hundreds."""
        first, *others = random.sample(silences, len(silences))  # not always the same one: it may be the odd one
        room = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def look(silence: Silence) -> Receipt | None:
            async with room:
                return await self._look_guarded(silence, now, outage=outage)

        answers = [await look(first), *await asyncio.gather(*[look(silence) for silence in others])]
        return [receipt for receipt in answers if receipt is not None]

    async def _look_guarded(self, silence: Silence, now: datetime, *, outage: bool) -> Receipt | None:
        """One odd row, or a provider without an answer, must not discard what is found out about the others."""
        if self._deaf_until.get(silence.channel, now) > now:
            return None
        try:
            return await self._look(silence, outage=outage)
        except ChannelError as error:
            if isinstance(error, Unavailable | Misconfigured):
                self._deaf_until[silence.channel] = now + BETWEEN_LOOKS
            log.warning(
                "keeper.look_up_failed", channel=silence.channel, attempt=str(silence.attempt), error=str(error)
            )
        except Exception:
            log.exception("keeper.look_up_broke", channel=silence.channel, attempt=str(silence.attempt))
        return None

    async def _look(self, silence: Silence, *, outage: bool) -> Receipt | None:
        """What the provider, or our own reasoning, has to say about a silent attempt."""
        channel = self.catalogue.channels.get(silence.channel)
        if channel is None:
            return None
        if not isinstance(channel, Pollable):
            known = Disposition.NOT_CREATED if channel.abilities.repeatable else Disposition.UNCERTAIN
            return self._conclude(silence, known, outage=outage)
        try:
            receipt = await self._ask(channel, silence)
        except Uncertain:
            return await self._missed(silence, MOST_DOUBTS, Disposition.UNCERTAIN)
        if receipt is None:
            taken = silence.state is AttemptState.IN_FLIGHT  # the provider had it once: that it is gone proves nothing
            proof = Disposition.UNCERTAIN if taken else Disposition.NOT_CREATED
            return await self._missed(silence, LOOKS_THAT_PROVE, proof, outage=outage)
        aged = self.clock.now() - silence.since > channel.abilities.unconfirmed_after
        if receipt.ended is None and aged:
            return self._conclude(silence, Disposition.SENT)
        return receipt

    async def _ask(self, channel: Pollable, silence: Silence) -> Receipt | None:
        address, others = Address(silence.address), frozenset[str]()
        if silence.provider_ref is None:  # it is found by its numbers, and must not be taken for an earlier one
            others = await self.attempts.bound_elsewhere(silence.address, silence.attempt)
        return await channel.look_up(
            silence.attempt, address, silence.since, silence.provider_ref, others=others, message=_message(silence)
        )

    async def _missed(self, silence: Silence, most: int, then: Disposition, *, outage: bool = False) -> Receipt | None:
        """Count a look-up that told nothing; what is concluded after `most` of them."""
        misses = await self.attempts.note_miss(silence.attempt, silence.misses, self.clock.now() + BETWEEN_LOOKS)
        return self._conclude(silence, then, outage=outage) if misses >= most else None

    def _conclude(self, silence: Silence, disposition: Disposition, *, outage: bool = False) -> Receipt:
        """`outage`: the provider fails for everybody, so that another try is nobody's fault."""
        return Receipt(
            silence.attempt, ReceiptKind.VERDICT, f"concluded:{disposition.value}", disposition.value,
            self.clock.now(), ended=disposition, blameless=outage,
        )  # fmt: skip

    async def sweep(self) -> int:
        """Settle what is queued of cancelled runs and what has expired; answers how many."""
        total = 0
        for run in await self.queue.to_sweep(self.clock.now()):
            while swept := await self.queue.sweep(run, self.clock.now()):
                total += swept
            await self.queue.note_expiry(run)
        return total

    async def forget_households(self) -> None:
        """Those whose last contact counts towards no cap any more."""
        before = self.clock.now() - WEEK
        while await self.queue.forget_households(before):
            pass

    async def close_runs(self) -> None:
        """Runs with nothing left: finished when they add up, waiting for a person while they do not."""
        await self.runs.reopen_released()
        for run_id, state, held in await self.runs.drained(self.clock.now()):
            if held:
                if state is RunState.OPEN:
                    await self.runs.move(
                        run_id, RunState.WAITING, "some notifications wait for a person", self.clock.now()
                    )
                continue
            await self._finish(run_id)

    async def _finish(self, run_id: int) -> None:
        run = await self.runs.by_id(run_id)
        if run is None:
            return
        tally = await self.runs.tally(run)
        if tally.open or tally.held:
            return  # something moved between the two looks
        if tally.difference:
            why = f"does not add up: {tally.difference} of {tally.selected} selected are unaccounted for"
            await self.runs.move(run_id, RunState.WAITING, why, self.clock.now())
            log.error("run.does_not_add_up", run=run_id, difference=tally.difference)
        elif await self.runs.move(run_id, RunState.FINISHED, None, self.clock.now()):
            log.info("run.finished", run=run_id)

    async def watch_runs(self) -> None:
        """Pause a run whose recent attempts look abnormal."""
        now = self.clock.now()
        for run in await self.runs.unfinished():
            if run.state is not RunState.OPEN:
                continue
            since = max(now - WATCH_SPAN, run.opened_at)
            why = abnormal_attempts(await self.runs.recent_dispositions(run.id, since), self.limits)
            if why and await self.runs.move(run.id, RunState.PAUSED, f"{why}; paused by itself", now):
                log.error("run.paused_itself", run=run.id, reason=why)

    async def probe_channels(self) -> None:
        """Stop a channel whose callbacks would not reach us; let it go on when they do again."""
        for channel in self.catalogue.channels.values():
            if not isinstance(channel, Probing):
                continue
            try:
                await channel.probe()
            except ChannelError as error:
                if await self.budgets.pause_by_probe(channel.name, f"{PROBE}{error}"):
                    log.error("channel.paused", channel=channel.name, reason=str(error))
                continue
            await self._lift(channel.name)

    async def _lift(self, channel: str) -> None:
        if await self.budgets.lift_probe(channel):
            log.info("channel.resumed", channel=channel)
            await self.wake_ups.send("lanes")

    async def ensure_partitions(self) -> None:
        await database_queries().ensure_partitions.fetch(self.pool, moment=self.clock.now())


def _message(silence: Silence) -> Message | None:
    """What was to be said, where that is kept and can be read: it only helps to find the attempt."""
    with suppress(ValueError, TypeError, KeyError):
        return read_message(silence.message) if silence.message else None
    return None
