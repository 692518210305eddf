"""What is true now of those about to be contacted. Whoever cannot be asked about is not told anything.

A source that is away, behind or against its contract stops its run, which says so. One that is slow is asked about
fewer recipients at a time: nobody is told what is over a second old, and a few whose facts are slow must not keep all
the others waiting.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.facts import Facts, too_old
from notifier.domain.states import RunState
from notifier.engine.catalogue import Catalogue
from notifier.engine.gate import Gate
from notifier.storage.queue import Claimed, Disposal, DueRun
from notifier.storage.runs import RunStore
from notifier.storage.source import Source, SourceBroken, SourceLost, SourceSlow

log = structlog.get_logger()

IN_TIME = 1.0  # real seconds facts may take; as much again may pass until the request leaves
SLOW_FACTS = timedelta(minutes=2)  # until somebody is asked about again whose facts alone took too long
MOST_AT_ONCE = 500


def _before_its_event(ready: Sequence[Claimed], known: Mapping[str, Facts]) -> datetime | None:
    """The moment facts are true for that cannot know yet of the event somebody is told upon."""
    told = [(one.triggered_at, known[subject].as_of) for one in ready for subject in one.subjects if subject in known]
    return min((as_of for triggered_at, as_of in told if triggered_at and as_of < triggered_at), default=None)


@dataclass
class FactFinding:
    """The questions of one lane to the source."""

    source: Source
    runs: RunStore
    catalogue: Catalogue
    clock: Clock
    gate: Gate
    _portions: dict[int, int] = field(default_factory=dict)  # how many of a run are asked about, while it is slow

    def portion(self, run: int, most: int) -> int:
        """How many of the run to ask about at once, `most` if it can."""
        return min(most, self._portions.get(run, most))

    async def ask(
        self, run: DueRun, campaign: Campaign, ready: Sequence[Claimed]
    ) -> tuple[dict[str, Facts] | None, list[Disposal]]:
        """What is true now; or None when nobody can say, and who is to be asked about later than the rest."""
        if not ready:
            return {}, []
        subjects = sorted({subject for one in ready for subject in one.subjects})
        now, asked_at = self.clock.now(), time.monotonic()
        try:
            known = await self.source.facts(campaign.name, subjects, now)
        except SourceSlow:
            return None, await self._ask_fewer(run, campaign, ready)
        except SourceLost as error:
            await self._wait(run.id, f"the source database: {error}")
            return None, []
        except SourceBroken as error:
            await self.runs.move(run.id, RunState.PAUSED, f"the source does not hold its contract: {error}", now)
            return None, []
        if lagging := too_old(known.values(), self.clock.real_now()) or _before_its_event(ready, known):
            await self._wait(run.id, f"a source that is up to date: its last word is of {lagging:%H:%M:%S} UTC")
            return None, []
        if time.monotonic() - asked_at > IN_TIME:
            return None, await self._ask_fewer(run, campaign, ready)
        await self._answered(run.id)
        return known, []

    async def _answered(self, run: int) -> None:
        if (portion := self._portions.pop(run, MOST_AT_ONCE)) < MOST_AT_ONCE:
            self._portions[run] = portion * 4
        await self.runs.wait_for(run, None)

    async def _ask_fewer(self, run: DueRun, campaign: Campaign, ready: Sequence[Claimed]) -> list[Disposal]:
        await self._wait(run.id, "a source that answers within a second, so that facts are fresh when told")
        self._portions[run.id] = max(1, len(ready) // 4)
        if len(ready) > 1:
            return []
        return [self.gate.put_back(ready[0], self.catalogue.opening(campaign)(self.clock.now() + SLOW_FACTS))]

    async def _wait(self, run: int, what: str) -> None:
        await self.runs.wait_for(run, what)
        log.warning("run.waiting", run=run, waiting_for=what)
        await asyncio.sleep(random.uniform(0.25, 0.75))  # noqa: S311 - jitter
