"""What the clock brings: silent attempts looked up, time that has passed, runs that are done or look wrong."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.channel import Address, Pollable, Probing
from notifier.domain.disposition import Disposition
from notifier.domain.errors import ChannelError, Uncertain
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

    async def look_after_silent(self) -> int:
        """Ask the providers about attempts without a final word; answers how many were looked at."""
        now = self.clock.now()
        silences = await self.attempts.take_silent(now, now + BETWEEN_LOOKS)
        found = [receipt for silence in silences if (receipt := await self._look(silence)) is not None]
        if found:
            await self.attempts.store(found)
            await self.wake_ups.send("inbox")
        return len(silences)

    async def _look(self, silence: Silence) -> Receipt | None:
        """What the provider, or our own reasoning, has to say about a silent attempt."""
        channel = self.catalogue.channels.get(silence.channel)
        if channel is None:
            return None
        if not isinstance(channel, Pollable):
            known = Disposition.NOT_CREATED if channel.abilities.repeatable else Disposition.UNCERTAIN
            return self._conclude(silence, known)
        try:
            receipt = await channel.look_up(
                silence.attempt, Address(silence.address), silence.since, silence.provider_ref
            )
        except Uncertain:
            return await self._missed(silence, MOST_DOUBTS, Disposition.UNCERTAIN)
        except ChannelError as error:
            log.warning(
                "keeper.look_up_failed", channel=silence.channel, attempt=str(silence.attempt), error=str(error)
            )
            return None
        if receipt is None:
            taken = silence.state is AttemptState.IN_FLIGHT  # the provider had it once: that it is gone proves nothing
            proof = Disposition.UNCERTAIN if taken else Disposition.NOT_CREATED
            return await self._missed(silence, LOOKS_THAT_PROVE, proof)
        if await self._is_anothers(silence, receipt):
            return await self._missed(silence, MOST_DOUBTS, Disposition.UNCERTAIN)
        aged = self.clock.now() - silence.since > channel.abilities.unconfirmed_after
        if receipt.ended is None and aged:
            return self._conclude(silence, Disposition.SENT)
        return receipt

    async def _missed(self, silence: Silence, most: int, then: Disposition) -> Receipt | None:
        """Count a look-up that told nothing; what is concluded after `most` of them."""
        misses = await self.attempts.note_miss(silence.attempt, silence.misses, self.clock.now() + BETWEEN_LOOKS)
        return self._conclude(silence, then) if misses >= most else None

    async def _is_anothers(self, silence: Silence, found: Receipt) -> bool:
        """Whether what was found by its numbers is known to belong to an earlier attempt."""
        if silence.provider_ref is not None or found.provider_ref is None:
            return False
        return await self.attempts.is_bound(silence.address, found.provider_ref, silence.attempt)

    def _conclude(self, silence: Silence, disposition: Disposition) -> Receipt:
        key = f"concluded:{disposition.value}"
        now = self.clock.now()
        return Receipt(silence.attempt, ReceiptKind.VERDICT, key, disposition.value, now, ended=disposition)

    async def sweep(self) -> int:
        """Settle what is queued of cancelled runs and what has expired; answers how many."""
        total = 0
        for run in await self.queue.to_sweep(self.clock.now()):
            while swept := await self.queue.sweep(run, self.clock.now()):
                total += swept
            await self.queue.note_expiry(run)
        return total

    async def close_runs(self) -> None:
        """Runs with nothing left: finished when they add up, waiting for a person while they do not."""
        await self.runs.reopen_released()
        for run_id, state, held in await self.runs.drained():
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
