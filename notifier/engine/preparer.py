"""Records what the calls of a run will say, before the first of them is made.

Reads the facts of everybody in the run as the dispatcher will, words their calls, and makes the clips that are missing:
a few thousand serve any number of calls. What changes until somebody is called is recorded then; no call waits for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.channel import AddressKind, Channel
from notifier.domain.facts import Tell, weigh
from notifier.domain.message import VoiceMessage
from notifier.domain.recording import utterances
from notifier.domain.speech import Utterance
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.engine.clips import Clips
from notifier.engine.rendering import CannotRender
from notifier.engine.wording import Wording
from notifier.storage.database import LOST, WakeUps
from notifier.storage.queue import START
from notifier.storage.runs import Run, RunStore, ToTell
from notifier.storage.source import Source, SourceBroken, SourceLost, SourceSlow

log = structlog.get_logger()

POLL = 1.0  # real seconds; covers a lost wake-up
LEASE = 15.0  # real seconds; of a preparer that died
MOST = 900.0  # real seconds for all of it: a service on the internet makes 4 clips a second; what is left, on demand
HEARTBEAT = 1.0  # real seconds between two words about how far it is
BATCH = 500  # recipients whose facts are asked for at once
WORDED_AT_ONCE = 25  # calls between two turns of the event loop: about 20 ms


@dataclass
class Progress:
    """How far a preparation is, in words that a run says it waits for."""

    words: str = "its calls being worded"


@dataclass
class Preparer:
    catalogue: Catalogue
    clock: Clock
    runs: RunStore
    source: Source
    wording: Wording
    clips: Clips
    wake_ups: WakeUps

    async def run(self) -> None:
        """Prepare runs as they are planned, until cancelled."""
        woken = self.wake_ups.event("planner")
        persistence = Persistence("preparer")
        while True:
            if not await persistence.attempt(self.prepare_next):
                await wait_for(woken, POLL)

    async def prepare_next(self) -> bool:
        """Prepare one run; answers whether there is reason to look again at once."""
        if self.clock.astray:
            return False
        known = self.catalogue.campaigns.keys() - self.catalogue.stopped.keys()
        run = await self.runs.take_to_prepare(self.clips.maker, known, self.clock.now(), self._until())
        if run is None:
            return False
        progress = Progress()
        keeping = asyncio.create_task(self._keep(run, progress))
        preparing = asyncio.create_task(self._prepare(run, progress))
        try:
            await asyncio.wait((keeping, preparing), timeout=MOST, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (keeping, preparing):
                task.cancel()
            ends = await asyncio.gather(keeping, preparing, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        if await self.runs.prepared(run.id, self.clips.maker, self.clock.now()):
            log.info("run.prepared", run=run.id)
        return True

    async def _keep(self, run: Run, progress: Progress) -> None:
        """Say how far it is, and keep the run for ourselves; returns when it is not ours any more."""
        ours = True
        while ours:
            await asyncio.sleep(HEARTBEAT)
            try:
                ours = await self.runs.go_on_preparing(run.id, self.clips.maker, self._until(), progress.words)
            except LOST as error:  # the recordings can go on; whether the run is ours is seen when it is opened
                log.warning("preparer.database_lost", run=run.id, reason=str(error))

    async def _prepare(self, run: Run, progress: Progress) -> None:
        campaign = self.catalogue.campaigns.get(run.campaign)
        channel = recorded_channel(self.catalogue, campaign) if campaign is not None else None
        if campaign is None or channel is None:
            return
        campaign = campaign.told_with(run.params)
        for _ in self.clips.own_engines:  # calls that one engine turns out not to speak are worded for the next
            if await self._record(await self._collect(run, campaign, channel, progress), progress):
                return

    async def _collect(self, run: Run, campaign: Campaign, channel: Channel, progress: Progress) -> "Repertoire":
        repertoire = Repertoire(self.wording, self.clips, campaign, channel)
        every, done, last = await self.runs.how_many_to_tell(run.id, channel.name), 0, START
        while batch := await self.runs.to_tell(run.id, channel.name, last, BATCH):
            for number, (one, told) in enumerate(await self._told(campaign, batch, progress), 1):
                repertoire.add(one.locale, told)
                if number % WORDED_AT_ONCE == 0:
                    await asyncio.sleep(0)
            done, last = done + len(batch), batch[-1].mark
            progress.words = f"its calls being worded: {done} of {every}"
        return repertoire

    async def _told(self, campaign: Campaign, batch: Sequence[ToTell], progress: Progress) -> list[tuple[ToTell, Tell]]:
        """Who of these would be told now, and what. A source that is away is waited for."""
        subjects = sorted({subject for one in batch for subject in one.subjects})
        while True:
            try:
                known = await self.source.facts(campaign.name, subjects, self.clock.now())
            except (SourceSlow, SourceBroken):  # the dispatcher asks about fewer, and judges
                return []
            except SourceLost as error:
                progress.words = f"the source database: {error}"
                await asyncio.sleep(POLL)
            else:
                weighed = [(one, weigh(one.subjects, known)) for one in batch]
                return [(one, told) for one, told in weighed if isinstance(told, Tell)]

    async def _record(self, repertoire: "Repertoire", progress: Progress) -> bool:
        """Make what is missing; answers whether all of it is there."""

        def tell(done: int, every: int) -> None:
            progress.words = f"its recordings being made: {done} of {every}"

        complete = True
        for name in self.clips.own_engines:
            wanted = {self.clips.key(name, one): one for one in repertoire.said_by[name]}
            complete &= await self.clips.make(name, wanted, tell)
        return complete

    def _until(self) -> datetime:
        return self.clock.now() + timedelta(seconds=LEASE * self.clock.scale)


@dataclass
class Repertoire:
    """Everything that the calls of a campaign may say, by the engine that would say it."""

    wording: Wording
    clips: Clips
    campaign: Campaign
    channel: Channel
    calls: int = 0
    said_by: defaultdict[str, set[Utterance]] = field(default_factory=lambda: defaultdict(set))

    def add(self, locale: str, told: Tell) -> None:
        """One more call. What cannot be worded is left out: the dispatcher will hold it, and say why."""
        try:
            call = self.wording.word(self.campaign, self.channel, locale, told.facts).message
        except CannotRender:
            return
        if isinstance(call, VoiceMessage):
            self.calls += 1
            self.said_by[self.clips.speaker_of(call)] |= utterances(call)


def recorded_channel(catalogue: Catalogue, campaign: Campaign) -> Channel | None:
    """The channel on which a campaign speaks, if it has one."""
    channels = (catalogue.channels.get(step.channel) for step in campaign.plan)
    return next((one for one in channels if one is not None and one.abilities.address is AddressKind.PHONE), None)
