"""Which calls are looked at before anybody is rung: real ones, worded as they would be made now."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from notifier.clock import Clock
from notifier.domain.campaign import Campaign, read_parameters
from notifier.domain.channel import AddressKind, Channel
from notifier.domain.facts import Facts, Tell, weigh
from notifier.domain.message import LOCALES, VoiceMessage
from notifier.engine.catalogue import Catalogue
from notifier.engine.planner import Planner
from notifier.engine.rendering import CannotRender
from notifier.engine.wording import Wording, why_held
from notifier.storage.audiences import AudienceStore
from notifier.storage.queries import Connection
from notifier.storage.source import Source

DRAWN = 200  # recipients to choose from: each number of subjects comes first in each language, the largest before all
SPARE = 5  # of each number of subjects: some have paid since
Params = Mapping[str, object]
MOST_CALLS = 3  # a reviewer listens to four recordings of each, in two languages


class NoCall(Exception):
    """Why there is no call to look at.

    NoCall
      MakesNoCalls      the plan of this campaign has no telephone channel that is configured
      UnknownSubject    the source does not know this subject
      NotCalled         nobody would be called, for this reason as the log keeps it
      NobodyToCall      the audience is empty
    """


class MakesNoCalls(NoCall): ...


class UnknownSubject(NoCall): ...


class NotCalled(NoCall): ...


class NobodyToCall(NoCall): ...


class CallingParts(Protocol):
    """The parts of an application that wording a call needs."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def source(self) -> Source: ...
    @property
    def audiences(self) -> AudienceStore: ...
    @property
    def wording(self) -> Wording: ...
    def planner(self) -> Planner: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it would be made now, about those of the subjects that are still to be told."""

    subjects: tuple[str, ...]
    message: VoiceMessage


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a run would not make this call about these subjects. `reason` as the log keeps it, or one that it never needs
    to keep: not selected, told before, another channel preferred, no telephone, not told together."""

    subjects: tuple[str, ...]
    reason: str


async def doubts(
    app: CallingParts, campaign: Campaign, subjects: Sequence[str], params: Params | None = None
) -> list[Doubt]:
    """What keeps a run opened now, with its parameters as given or left as they are, from making one call about these.
    Nothing is kept of the drawing. Raises SourceLost, SourceBroken."""
    telephone = _telephone(app.catalogue, campaign)
    async with _drawn(app, campaign, params) as connection:
        fates = {row["subject"]: row for row in await app.audiences.fates(connection, subjects)}
    left_out = {subject: _left_out(campaign, telephone, fates.get(subject)) for subject in subjects}
    found = [Doubt((subject,), why) for subject, why in left_out.items() if why]
    together = {row["household"] for row in fates.values() if row["household"]}
    return found or ([Doubt(tuple(subjects), "not told together")] if len(together) > 1 else [])


def _left_out(campaign: Campaign, telephone: Channel, fate: Mapping[str, Any] | None) -> str | None:
    if fate is None:
        return "not selected by a run now"
    if fate["already_told"]:
        return "told before"
    if why := fate["out_because"] or fate["hold"]:
        return str(why)
    first = campaign.plan[fate["first_step"]].channel
    if first == telephone.name:
        return None
    return "the customer prefers another channel" if fate["prefers"] == first else "no telephone to call"


async def word_call(app: CallingParts, campaign: Campaign, subjects: Sequence[str]) -> Call:
    """One call about all of these subjects, as of a household. Raises NoCall, SourceLost, SourceBroken."""
    telephone = _telephone(app.catalogue, campaign)
    subjects = list(dict.fromkeys(subjects))  # a bill named twice is one bill
    known = await app.source.facts(campaign.name, subjects, app.clock.now())
    if unknown := [subject for subject in subjects if subject not in known]:
        raise UnknownSubject(unknown[0])
    return _word(app, campaign, telephone, subjects, known)


async def sample_calls(app: CallingParts, campaign: Campaign, params: Params | None = None) -> list[Call]:
    """Calls that differ in the number of their subjects, of real people who would be called today. Nothing is kept of
    the drawing. Raises NoCall, SourceLost, SourceBroken."""
    telephone = _telephone(app.catalogue, campaign)
    async with _drawn(app, campaign, params) as connection:
        rows = _candidates(await app.audiences.samples(connection, DRAWN))
    subjects = sorted({subject for row in rows for subject in row["subjects"]})
    known = await app.source.facts(campaign.name, subjects, app.clock.now()) if subjects else {}
    calls: dict[int, Call] = {}
    why: NoCall = NobodyToCall()
    for row in rows:
        try:
            call = _word(app, campaign, telephone, row["subjects"], known)
        except NotCalled as error:
            why = error
        else:
            calls.setdefault(len(call.subjects), call)
    if not calls:
        raise why
    return [calls[count] for count in _differing(calls)]


def _candidates(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    by_count: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_count.setdefault(len(row["subjects"]), []).append(row)
    return [row for count in _differing(by_count) for row in by_count[count][:SPARE]]


def _differing(counts: Iterable[int]) -> list[int]:
    """The smallest, and the largest of all."""
    ordered = sorted(counts)
    return ordered if len(ordered) <= MOST_CALLS else [*ordered[: MOST_CALLS - 1], ordered[-1]]


@asynccontextmanager
async def _drawn(app: CallingParts, campaign: Campaign, params: Params | None) -> AsyncIterator[Connection]:
    """The audience of a run opened now, for as long as it is looked at."""
    async with app.audiences.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await app.planner().draw(connection, campaign, read_parameters(campaign, {}) if params is None else params)
            yield connection
        finally:
            await transaction.rollback()


def _telephone(catalogue: Catalogue, campaign: Campaign) -> Channel:
    for step in campaign.plan:
        channel = catalogue.channels.get(step.channel)
        if channel is not None and channel.abilities.address is AddressKind.PHONE:
            return channel
    raise MakesNoCalls(campaign.name)


def _word(
    app: CallingParts, campaign: Campaign, telephone: Channel, subjects: Sequence[str], known: Mapping[str, Facts]
) -> Call:
    told = weigh(subjects, known)
    if not isinstance(told, Tell):
        raise NotCalled(told.reason)
    try:
        message = app.wording.word(campaign, telephone, LOCALES[0], told.facts).message
    except CannotRender as error:
        raise NotCalled(why_held(error)) from error
    assert isinstance(message, VoiceMessage)
    return Call(tuple(fact.subject for fact in told.facts), message)
