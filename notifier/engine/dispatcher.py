"""One lane per channel: claim, ask what is true now, write the attempts, send, hand the answers to the recorder.

No connection is held while a provider talks. Whatever is decided without an attempt is decided here, in one statement
per batch; whatever follows from an attempt is decided by the recorder.
"""

import asyncio
import os
import random
import time
import traceback
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from notifier.clock import Clock
from notifier.domain.attempt_id import ENTROPY_BYTES, AttemptId, make_attempt_id
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Address, Channel
from notifier.domain.errors import ChannelError, Misconfigured, Refused, Unavailable, Uncertain, Unknown
from notifier.domain.facts import Facts, HoldBack, Tell, Withdraw, too_old, weigh
from notifier.domain.follow_up import Place
from notifier.domain.message import Message, VoiceMessage, store_message
from notifier.domain.notice_code import notice_code
from notifier.domain.receipt import AttemptProgress, Receipt, ReceiptKind
from notifier.domain.speech import CARRIER
from notifier.domain.states import Outcome, RunState
from notifier.domain.watch import Limits, WithdrawalWatch
from notifier.engine.answers import answer_of_error, never_sent
from notifier.engine.backoff import Persistence, wait_for
from notifier.engine.catalogue import Catalogue
from notifier.engine.clips import Clips
from notifier.engine.recorder import Answer, Recorder
from notifier.engine.rendering import CannotRender, Rendering
from notifier.storage.attempts import AttemptFile
from notifier.storage.budgets import BudgetStore, Grant
from notifier.storage.database import LOST, Pool, WakeUps
from notifier.storage.queue import START, Claimed, Disposal, Draft, DueRun, Mark, QueueStore
from notifier.storage.runs import RunStore
from notifier.storage.source import Source, SourceBroken, SourceLost, SourceSlow

log = structlog.get_logger()

BATCH = 500
POLL = 1.0  # real seconds; covers a lost wake-up
LEASE = 10.0  # real seconds from the claim to the attempt on disk; facts that take longer than 1 s are given up
OVER = 30.0  # real seconds after which a request that was written has been made and answered, or never will be
WINDOW = 1.0  # real seconds one grant of pace covers
FRESH = 2.0  # real seconds facts may be old when the request leaves; older attempts are not sent any more
RESWEEP = 1.0  # real seconds after which a claim starts from the left again
URGENT_BELOW = 5  # priorities that may use the reserved calls in flight
UNKNOWN_WORDS = 5  # recipients who within a minute meet a word no table knows: then the channel stops
UNKNOWN_SPAN = 60.0  # seconds of the clock
AT_ONCE = timedelta(0)
BUSY_ADDRESS = timedelta(seconds=30)
NO_LINE = timedelta(seconds=2)
RECORDING = 1.0  # real seconds until a call whose clips are being made comes up again
SLOW_FACTS = timedelta(minutes=2)  # until somebody is asked about again whose facts alone took too long


@dataclass(frozen=True, slots=True)
class Planned:
    """A message ready to go to one recipient."""

    claimed: Claimed
    address: str
    message: Message
    template: str


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
    rendering: Rendering
    recorder: Recorder
    wake_ups: WakeUps
    limits: Limits
    clips: Clips | None = None
    concurrency: int = 200
    owner: int = field(default_factory=lambda: random.getrandbits(62))

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event("lanes")
        if (connections := self.channel.abilities.connections) is not None:
            self.concurrency = min(self.concurrency, connections)
        self._room = asyncio.Semaphore(self.concurrency)
        self._sending: set[asyncio.Task[None]] = set()
        self._marks: dict[int, Mark] = {}
        self._swept_at = 0.0
        self._rotation = 0
        self._troubled = False
        self._watches: dict[int, WithdrawalWatch] = {}
        self._portions: dict[int, int] = {}  # how many of a run are asked about at once, while its facts are slow
        self._idle = 0.0
        self._unknown: deque[float] = deque(maxlen=UNKNOWN_WORDS)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Dispatch until `stop` is called; then return once everything sent has been handed to the recorder."""
        persistence = Persistence(f"lane {self.channel.name}")
        while not self._stopping.is_set():
            if not await persistence.attempt(self._turn) and await wait_for(self._woken, self._idle):
                self._marks.clear()
        if self._sending:
            await asyncio.wait(self._sending)

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
        room = await self._free_room()
        span = WINDOW * self.clock.scale
        grant = await self.budgets.grant(self.channel.name, now=now, span=span, most=min(BATCH, room), urgent=urgent)
        if grant.amount == 0:
            return min(POLL, max(1 / grant.rate / self.clock.scale, 0.01))
        if grant.paused:
            self._troubled = True  # half open: this request finds out
        return await self._spend(due, grant)

    async def _free_room(self) -> int:
        """How many more requests may be open; waits until there is room for one."""
        async with self._room:
            return max(1, self.concurrency - len(self._sending))

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
        """A worker that lacks the campaign leaves the run, and the pace, to those that have it."""
        if run.campaign in self.catalogue.campaigns:
            return True
        await self.runs.wait_for(run.id, f"a worker that knows the campaign {run.campaign}")
        return False

    async def _dispatch(self, run: DueRun, most: int, grant: Grant) -> int:
        """Claim up to `most` of a run and see them off; answers how many were claimed."""
        campaign = self.catalogue.campaigns[run.campaign]
        claimed = await self._claim(run, campaign, min(most, self._portions.get(run.id, most)))
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
        ready, disposals = self._screen(campaign, claimed, now)
        asked_at = time.monotonic()
        known = await self._facts(run, campaign, ready, now) if ready else {}
        if known is None:
            await self._give_back(claimed)
            return
        planned, more = self._plan(campaign, ready, known, now)
        if why := self._abnormal(run.id, ready, more):
            await self._give_back(claimed)
            await self.runs.move(run.id, RunState.PAUSED, why, now)
            log.error("run.paused_itself", run=run.id, reason=why)
            return
        speakable, unrecorded = await self._recorded(planned, now)
        attempts, postponed = await self._write(run, campaign, speakable, now, grant)
        self._start(attempts, grant, asked_at)  # first: what is written must not wait for a lost database
        await self._dispose([*disposals, *more, *unrecorded, *postponed])

    def _screen(
        self, campaign: Campaign, claimed: Sequence[Claimed], now: datetime
    ) -> tuple[list[Claimed], list[Disposal]]:
        """Who may be contacted at this moment, before asking what is true; and what becomes of the others."""
        ready, disposals = [], []
        opens = self.catalogue.opening(campaign)(now)
        for one in claimed:
            disposal = self._obstacle(campaign, one, now, opens)
            if disposal is None:
                ready.append(one)
            else:
                disposals.append(disposal)
        return ready, disposals

    def _obstacle(self, campaign: Campaign, one: Claimed, now: datetime, opens: datetime) -> Disposal | None:
        if one.settled:  # by a later truth, while it was queued again
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "already settled")
        if max(opens, now) >= one.expires_at:
            return Disposal(one.id, "settle", Outcome.EXPIRED, "its time had passed")
        if opens > now:
            return self._put_back(one, opens)
        address = self.catalogue.address(self.channel.name, one.phone, one.email)
        if address is not None and address not in one.suppressed:
            return None
        route = self.catalogue.route(campaign, one.phone, one.email, one.suppressed)
        step = route.after(one.place.step)
        if step is None:
            return Disposal(one.id, "settle", Outcome.SUPPRESSED, "no address left that may be used")
        return Disposal(one.id, "put_back", due_at=now, channel=campaign.plan[step].channel, place=Place(step))

    def _put_back(self, one: Claimed, due_at: datetime) -> Disposal:
        return Disposal(one.id, "put_back", due_at=due_at, channel=self.channel.name, place=one.place)

    async def _facts(
        self, run: DueRun, campaign: Campaign, ready: Sequence[Claimed], now: datetime
    ) -> dict[str, Facts] | None:
        """What is true now, or None when nobody can say: then nothing is sent, and the run says what it waits for."""
        subjects = sorted({subject for one in ready for subject in one.subjects})
        asked_at = time.monotonic()
        try:
            known = await self.source.facts(campaign.name, subjects, now)
        except SourceSlow:
            await self._ask_fewer(run, campaign, ready)
            return None
        except SourceLost as error:
            await self._wait_for_source(run.id, f"the source database: {error}")
            return None
        except SourceBroken as error:
            await self.runs.move(run.id, RunState.PAUSED, f"the source does not hold its contract: {error}", now)
            return None
        if lagging := too_old(known.values(), self.clock.real_now()):
            await self._wait_for_source(
                run.id, f"a source that is up to date: its last word is of {lagging:%H:%M:%S} UTC"
            )
            return None
        if time.monotonic() - asked_at > FRESH / 2:
            await self._ask_fewer(run, campaign, ready)
            return None
        if portion := self._portions.pop(run.id, None):
            self._portions |= {run.id: portion * 4} if portion < BATCH else {}
        await self.runs.wait_for(run.id, None)
        return known

    async def _ask_fewer(self, run: DueRun, campaign: Campaign, ready: Sequence[Claimed]) -> None:
        """Nobody is told what is over a second old. Whoever's facts are slow must not keep all others waiting, so they
        are found by asking about fewer at a time, and come up again later."""
        await self._wait_for_source(run.id, "a source that answers within a second, so that facts are fresh when told")
        self._portions[run.id] = max(1, len(ready) // 4)
        if len(ready) == 1:
            later = self.catalogue.opening(campaign)(self.clock.now() + SLOW_FACTS)
            await self._dispose([self._put_back(ready[0], later)])

    async def _wait_for_source(self, run: int, what: str) -> None:
        await self.runs.wait_for(run, what)
        log.warning("run.waiting", run=run, waiting_for=what)
        await asyncio.sleep(random.uniform(0.25, 0.75))  # noqa: S311 - jitter

    def _plan(
        self, campaign: Campaign, ready: Sequence[Claimed], known: Mapping[str, Facts], now: datetime
    ) -> tuple[list[Planned], list[Disposal]]:
        planned, disposals = [], []
        for one in ready:
            match weigh(one.subjects, known):
                case Withdraw(reason):
                    disposals.append(Disposal(one.id, "settle", Outcome.WITHDRAWN, reason))
                case HoldBack(reason):
                    disposals.append(Disposal(one.id, "hold", reason=reason))
                case Tell(facts):
                    ready_or_held = self._render(campaign, one, facts, now)
                    if isinstance(ready_or_held, Planned):
                        planned.append(ready_or_held)
                    else:
                        disposals.append(ready_or_held)
        return planned, disposals

    def _render(self, campaign: Campaign, one: Claimed, facts: Sequence[Facts], now: datetime) -> Planned | Disposal:
        address = self.catalogue.address(self.channel.name, one.phone, one.email)
        try:
            words = campaign.compose(facts)
            rendered = self.rendering.render(
                campaign, self.channel, one.locale, words,
                code=notice_code(one.id),
                reference=f"{one.id}.{one.place.step}.{one.place.tries}",
                today=self.catalogue.calendar.local(now).date(),
            )  # fmt: skip
        except CannotRender as error:
            return Disposal(one.id, "hold", reason=f"cannot be worded: {error}")
        except Exception as error:  # one customer's odd facts must not stop the others
            log.error("lane.facts_cannot_be_told", campaign=campaign.name, error=_where(error))
            return Disposal(one.id, "hold", reason=f"facts cannot be told: {type(error).__name__}")
        return Planned(one, str(address), rendered.message, rendered.template)

    async def _recorded(self, planned: Sequence[Planned], now: datetime) -> tuple[list[Planned], list[Disposal]]:
        """Messages every word of which can be spoken, each with its engine; and calls that come up again when their
        clips are made: none waits for a voice while somebody listens."""
        calls = [plan.message for plan in planned if isinstance(plan.message, VoiceMessage)]
        if self.clips is None or not calls:
            return list(planned), []
        engines = iter(await self.clips.choose(calls))
        ready, waiting = [], []
        for plan in planned:
            engine = next(engines) if isinstance(plan.message, VoiceMessage) else CARRIER
            if engine is None:
                waiting.append(self._put_back(plan.claimed, now + timedelta(seconds=RECORDING * self.clock.scale)))
            elif isinstance(plan.message, VoiceMessage):
                ready.append(replace(plan, message=replace(plan.message, engine=engine)))
            else:
                ready.append(plan)
        return ready, waiting

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

    async def _write(
        self, run: DueRun, campaign: Campaign, planned: Sequence[Planned], now: datetime, grant: Grant
    ) -> tuple[list[tuple[AttemptFile, Planned]], list[Disposal]]:
        """Rule 1: the attempts are committed before anything leaves. Answers them, and who has to wait."""
        if not planned:
            return [], []
        drafts = {make_attempt_id(now, os.urandom(ENTROPY_BYTES)): plan for plan in planned}
        verdicts = await self._commit(run, campaign, drafts, now, grant)
        written, postponed, lost = [], [], []
        for attempt, plan in drafts.items():
            verdict = verdicts[attempt]
            if verdict == "written":
                written.append((self._file(run, attempt, plan), plan))
            elif verdict == "lost":
                lost.append(plan.claimed.id)
            else:
                postponed.append(self._put_back(plan.claimed, self._later(campaign, verdict, now)))
        if (
            lost
        ):  # the run was paused or cancelled since the claim: what is still ours must not wait for the lease's end
            await self.queue.give_back(self.owner, lost)
        return written, postponed

    async def _commit(
        self, run: DueRun, campaign: Campaign, drafts: Mapping[AttemptId, Planned], now: datetime, grant: Grant
    ) -> dict[AttemptId, str]:
        day = self.catalogue.calendar.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
        write = partial(
            self.queue.write_ahead,
            owner=self.owner,
            channel=self.channel.name,
            now=now,
            look_at=now + max(self.channel.abilities.silent_after, timedelta(seconds=OVER * self.clock.scale)),
            day_start=day,
            cap=campaign.rings_per_day,
            drafts=[
                Draft(attempt, plan.claimed.id, plan.address, plan.template, store_message(plan.message))
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
            one.phone, one.email, None,
        )  # fmt: skip

    def _later(self, campaign: Campaign, verdict: str, now: datetime) -> datetime:
        """When somebody who had to wait comes up again."""
        opening = self.catalogue.opening(campaign)
        if verdict == "capped":
            tomorrow = self.catalogue.calendar.local(now).replace(hour=0, minute=0, second=0) + timedelta(days=1)
            return opening(tomorrow)
        return opening(now + (BUSY_ADDRESS if verdict == "address_busy" else NO_LINE))

    def _start(self, attempts: Sequence[tuple[AttemptFile, Planned]], grant: Grant, asked_at: float) -> None:
        """One task per request, spaced by the pace; a burst is spread over its window, or the last would grow stale."""
        gap = min(1 / grant.rate, WINDOW * self.clock.scale / max(1, len(attempts)))
        for number, (file, plan) in enumerate(attempts):
            task = asyncio.create_task(self._send(file, plan, number * gap, asked_at))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, file: AttemptFile, plan: Planned, delay: float, asked_at: float) -> None:
        async with self._room:
            if delay:
                await self.clock.sleep(delay)
            answer = await self._ask(file, plan, asked_at)
        await self.recorder.put(answer)

    async def _ask(self, file: AttemptFile, plan: Planned, asked_at: float) -> Answer:
        """The request itself. Everything that can come of it is an answer."""
        if time.monotonic() - asked_at > FRESH:
            return Answer(file, never_sent(file.id, "facts_went_stale", self.clock.now()), AT_ONCE)
        try:
            receipt = await self.channel.send(plan.message, Address(plan.address), file.id)
        except ChannelError as error:
            outage = await self._note(error)
            after = error.after if isinstance(error, Unavailable) else None
            return Answer(file, answer_of_error(file.id, error, self.clock.now(), outage=outage), after)
        except Exception as error:  # a fault of ours between row and answer: the request may have left
            log.exception("lane.send_failed", channel=self.channel.name, attempt=str(file.id))
            return Answer(file, _uncertain(file.id, error, self.clock.now()))
        await self._forgive()
        return Answer(file, receipt)

    async def _note(self, error: ChannelError) -> bool:
        """Trouble that concerns the channel and not this one recipient; answers whether the breaker is open now."""
        try:
            if isinstance(error, Misconfigured):
                if await self.budgets.pause(self.channel.name, f"misconfigured: {error}"):
                    log.error("channel.paused", channel=self.channel.name, reason=str(error))
            elif isinstance(error, Unknown):
                await self._note_unknown(error)
            elif isinstance(error, Refused) or (isinstance(error, Unavailable) and error.about_one):
                await self._forgive()  # a word about this one recipient: the provider works
            elif isinstance(error, Unavailable | Uncertain):
                self._troubled = True
                reason = f"unavailable: {error}"
                if await self.budgets.note_trouble(self.channel.name, reason, self.clock.now()):
                    log.warning("channel.breaker_open", channel=self.channel.name, reason=str(error))
                    return True
        except LOST:
            log.warning("lane.database_lost", channel=self.channel.name)
        return False

    async def _note_unknown(self, error: Unknown) -> None:
        self._unknown.append(self.clock.now().timestamp())
        if len(self._unknown) == UNKNOWN_WORDS and self._unknown[-1] - self._unknown[0] < UNKNOWN_SPAN:
            reason = f"{UNKNOWN_WORDS} recipients within a minute met an answer nobody knows: {error}"
            if await self.budgets.pause(self.channel.name, reason):
                log.error("channel.paused", channel=self.channel.name, reason=reason)

    async def _forgive(self) -> None:
        """The provider answered: whatever trouble it gave is over."""
        if not self._troubled:
            return
        self._troubled = False
        try:
            await self.budgets.note_success(self.channel.name)
        except LOST:
            self._troubled = True

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


def _where(error: Exception) -> str:
    """The kind of an error and where it was raised: its words may quote what a cell held."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {os.path.basename(frame.filename)}:{frame.lineno}"


def _uncertain(attempt: AttemptId, error: Exception, now: datetime) -> Receipt:
    return Receipt(attempt, ReceiptKind.ANSWER, "answer", type(error).__name__, now, uncertain=True)
