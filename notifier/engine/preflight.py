"""Before a run is opened: who is in, who is out and why, what it takes, what it costs, and how it sounds.

The audience is drawn as the planner draws it, in a transaction that is rolled back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Any, Protocol

from notifier.domain.campaign import Campaign
from notifier.domain.disposition import Disposition
from notifier.domain.facts import Facts, HoldBack, Tell, Withdraw, weigh
from notifier.domain.forecast import LanePace, Left, Prospect, Shares, expected_attempts, forecast
from notifier.domain.message import EmailMessage, Message, SmsMessage, VoiceMessage
from notifier.domain.recording import utterances
from notifier.domain.speech import CARRIER, Utterance
from notifier.domain.watch import has_shrunk
from notifier.engine.audition_calls import Call
from notifier.engine.clips import Clips
from notifier.engine.explanation import explain_call
from notifier.engine.outlook import SECONDS_IN_FLIGHT, Surroundings, lane_paces, open_hours, refused_steps, rounded
from notifier.engine.planner import Drawn, Planner
from notifier.engine.preparer import recorded_channel
from notifier.engine.rendering import CannotRender
from notifier.engine.wording import Wording, why_held
from notifier.storage.audiences import AudienceStore
from notifier.storage.source import Source
from notifier.storage.suspensions import SuspensionStore

# A connected call is billed: by whom it was picked up does not matter.
CONNECTED = frozenset({Disposition.ANSWERED, Disposition.HUNG_UP, Disposition.MACHINE, Disposition.WRONG_PERSON})
LOOKED_AT = 1000  # notifications, for the recordings of those that are calls; wording them takes a second
CALLS_TIMED = 20  # the samples differ in language and household before they repeat themselves
FACTS_AT_ONCE = 500
LIKELY_SEGMENTS = 2  # of an SMS that no sample shows: a Chinese reminder is 79 characters

Groups = Sequence[Mapping[str, Any]]  # of notifications: the step they start at, what is preferred, how many


@dataclass(frozen=True, slots=True)
class Tariff:
    """What the carrier charges, in NT$: of the order of Taiwanese list prices, for an estimate and no more."""

    call_minute: Decimal = Decimal("3.0")  # a minute begun of a call that was picked up
    sms_segment: Decimal = Decimal("1.0")
    minutes_of_a_call: int = 2  # begun, where no recording tells: a reminder plays 62 to 68 s


TARIFF = Tariff()


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """A step of the plan: who starts there, how many of them by preference, the attempts expected, or why it is left
    out."""

    channel: str
    tries: int
    starting: int
    preferred: int
    attempts: int
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One message as it would go out now. `problem` says why there is none: paid meanwhile, cannot be worded."""

    channel: str
    locale: str
    subjects: int
    text: str
    segments: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Recordings:
    """What must be recorded before the first call: for the `calls` that were looked at, of `all_calls`."""

    calls: int
    all_calls: int
    engine: str  # that most of them are spoken by
    needed: int  # clips
    made: int  # ... of which there are
    seconds: float  # until the others are made


@dataclass(frozen=True, slots=True)
class Estimate:
    calls: int
    line_minutes: int  # ringing included
    billed_minutes: int  # begun, of those that are picked up
    sms: int
    sms_segments: int
    emails: int
    cost: Decimal  # NT$: the billed minutes and the segments at the tariff's prices


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """How many a suspension would put off, until when they could be contacted, and why (as the log keeps it)."""

    district: str | None
    notifications: int
    opens: datetime
    because: str


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """What a run opened now would do. Reasons are the log's own codes."""

    campaign: str
    title: str
    title_zh: str
    params: Mapping[str, object]
    at: datetime
    zone: str
    staged: int
    already_told: int
    tellable_before: int | None  # by the last run of this kind: of how many subjects it was known whom to tell
    selected: int
    excluded: Mapping[str, int]
    merged: int
    held: Mapping[str, int]
    notifications: int
    locales: Mapping[str, int]
    steps: Sequence[StepEstimate]
    estimate: Estimate
    tariff: Tariff
    call_seconds: float | None  # that the longest call plays, where the recordings are there
    starts_at: datetime
    suspended: Sequence[LeftAlone]
    finish: datetime | None
    limit: str | None
    recordings: Recordings | None  # None when the carrier's own voice speaks, or nobody is called
    samples: Sequence[Sample]

    @property
    def has_shrunk(self) -> bool:
        """Whether so many fewer would be told than last time that the source may have lost rows."""
        return has_shrunk(self.tellable, self.tellable_before)

    @property
    def tellable(self) -> int:
        return self.staged - sum(self.excluded.values())

    @property
    def difference(self) -> int:
        """0 when everybody selected is accounted for."""
        return self.selected - sum(self.excluded.values()) - self.merged - self.notifications

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = _plain(asdict(self))
        return found | {"difference": self.difference, "has_shrunk": self.has_shrunk}


class PreflightParts(Surroundings, Protocol):
    """The parts of an application that a preflight needs."""

    @property
    def audiences(self) -> AudienceStore: ...
    @property
    def source(self) -> Source: ...
    @property
    def suspensions(self) -> SuspensionStore: ...
    @property
    def wording(self) -> Wording: ...
    @property
    def clips(self) -> Clips: ...
    def planner(self) -> Planner: ...


async def preflight(
    app: PreflightParts, campaign: Campaign, params: Mapping[str, Any], samples: int = 5, tariff: Tariff = TARIFF
) -> PreflightReport:
    """Draw the audience and keep nothing of it. Raises SourceLost, SourceBroken, NeverOpen."""
    campaign, now = campaign.told_with(params), app.clock.now()
    drawn, view, rows = await _draw(app, campaign, params, max(samples, LOOKED_AT))
    told = await _read_facts(app, campaign, rows)
    shown = _Samples(app, campaign).render(rows, told, samples)
    lanes = await lane_paces(app, campaign, paused_too=True)
    having = _having(view)
    prospect = Prospect(campaign.plan, lanes, having=having)
    starting = _starting(view["first_steps"])
    suspended = await _left_alone(app, drawn, view["suspended"], now)
    starts_at = _starts_at(drawn, suspended, sum(starting.values()))
    left = [
        Left(group["step"], 0, group["notifications"], starts_at, starts_at, prefers=group["prefers"])
        for group in view["first_steps"]
    ]
    attempts = expected_attempts(prospect, left)
    found = forecast(prospect, left, open_hours(app.catalogue, campaign), now)
    by_voice = _by_voice(app, campaign, rows)
    calls = list(_calls(app, campaign, by_voice, told))
    plays = await _longest(app, calls[:CALLS_TIMED])
    estimate = _estimate(campaign, prospect.shares, lanes, attempts, shown, _timed(tariff, plays))
    return PreflightReport(
        campaign=campaign.name,
        title=campaign.title,
        title_zh=campaign.title_zh,
        params=dict(params),
        at=now,
        zone=app.catalogue.calendar.zone.key,
        staged=drawn.screened.staged,
        already_told=drawn.already_told,
        tellable_before=await app.runs.tellable_before(campaign.name, params),
        selected=drawn.selected,
        excluded=view["excluded"],
        merged=view["merged"],
        held=view["held"],
        notifications=view["notifications"],
        locales=view["locales"],
        steps=_steps(campaign, refused_steps(app.catalogue, campaign), view["first_steps"], attempts),
        estimate=estimate,
        tariff=_timed(tariff, plays),
        call_seconds=plays,
        starts_at=starts_at,
        suspended=suspended,
        finish=max([rounded(found.at), *(one.opens for one in suspended), starts_at]) if found else None,
        limit=found.limit.value if found else None,
        recordings=await _recordings(app, calls, len(by_voice), _starting_by("voice", campaign, starting)),
        samples=shown,
    )


async def _draw(
    app: PreflightParts, campaign: Campaign, params: Mapping[str, Any], samples: int
) -> tuple[Drawn, dict[str, Any], list[dict[str, Any]]]:
    async with app.audiences.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            drawn = await app.planner().draw(connection, campaign, params)
            return drawn, await app.audiences.preview(connection), await app.audiences.samples(connection, samples)
        finally:
            await transaction.rollback()


async def _left_alone(app: PreflightParts, drawn: Drawn, counts: Mapping[str, int], now: datetime) -> list[LeftAlone]:
    standing = {one.id: one for one in await app.suspensions.standing(now)}
    return [
        LeftAlone(standing[one.suspension].district, counts[str(one.suspension)], one.opens, one.because)
        for one in drawn.put_off
        if str(one.suspension) in counts and one.suspension in standing
    ]


def _starts_at(drawn: Drawn, suspended: Sequence[LeftAlone], starting: int) -> datetime:
    """When the first of them could be contacted."""
    everybody = suspended and sum(one.notifications for one in suspended) >= starting
    return min(one.opens for one in suspended) if everybody else drawn.due_at


def _having(view: Mapping[str, int]) -> dict[str, float]:
    """Of those the earlier steps do not reach: how many have a mobile, how many an e-mail address."""
    mobiles = view["with_mobile"] / view["with_phone"] if view["with_phone"] else 0.0
    emails = view["with_email"] / view["notifications"] if view["notifications"] else 0.0
    return {"sms": mobiles, "email": emails}


def _starting(groups: Groups) -> Counter[int]:
    """How many start at each step."""
    starting: Counter[int] = Counter()
    for group in groups:
        starting[group["step"]] += group["notifications"]
    return starting


def _starting_by(channel: str, campaign: Campaign, starting: Mapping[int, int]) -> int:
    return sum(count for step, count in starting.items() if campaign.plan[step].channel == channel)


def _steps(
    campaign: Campaign, refused: Mapping[str, str], groups: Groups, attempts: Mapping[int, float]
) -> list[StepEstimate]:
    starting = _starting(groups)
    preferred = _starting([group for group in groups if group["prefers"] == campaign.plan[group["step"]].channel])
    return [
        StepEstimate(
            channel=step.channel,
            tries=step.tries,
            starting=starting[number],
            preferred=preferred[number],
            attempts=round(attempts.get(number, 0.0)),
            refused=refused.get(step.channel),
        )
        for number, step in enumerate(campaign.plan)
    ]


def _estimate(
    campaign: Campaign,
    shares: Mapping[str, Shares],
    lanes: Mapping[str, LanePace],
    attempts: Mapping[int, float],
    samples: Sequence[Sample],
    tariff: Tariff,
) -> Estimate:
    by_channel: dict[str, float] = {}
    for number, count in attempts.items():
        channel = campaign.plan[number].channel
        by_channel[channel] = by_channel.get(channel, 0.0) + count
    calls, texts = by_channel.get("voice", 0.0), by_channel.get("sms", 0.0)
    connected = sum(share for word, share in shares["voice"].items() if word in CONNECTED)
    minutes = round(calls * connected) * tariff.minutes_of_a_call
    segments = round(round(texts) * _mean_segments(samples))
    in_flight = lanes["voice"].seconds if "voice" in lanes else SECONDS_IN_FLIGHT["voice"]
    return Estimate(
        calls=round(calls),
        line_minutes=round(calls * in_flight / 60),
        billed_minutes=minutes,
        sms=round(texts),
        sms_segments=segments,
        emails=round(by_channel.get("email", 0.0)),
        cost=minutes * tariff.call_minute + segments * tariff.sms_segment,
    )


def _timed(tariff: Tariff, plays: float | None) -> Tariff:
    """With the minutes begun that the recordings tell."""
    return tariff if plays is None else replace(tariff, minutes_of_a_call=max(1, ceil(plays / 60)))


def _mean_segments(samples: Sequence[Sample]) -> float:
    counts = [sample.segments for sample in samples if sample.segments is not None]
    return sum(counts) / len(counts) if counts else LIKELY_SEGMENTS


async def _read_facts(app: PreflightParts, campaign: Campaign, rows: Sequence[Mapping[str, Any]]) -> dict[str, Facts]:
    """As the dispatcher reads them."""
    subjects = sorted({subject for row in rows for subject in row["subjects"]})
    known: dict[str, Facts] = {}
    for start in range(0, len(subjects), FACTS_AT_ONCE):
        portion = subjects[start : start + FACTS_AT_ONCE]
        known |= await app.source.facts(campaign.name, portion, app.clock.now())
    return known


Rows = Sequence[Mapping[str, Any]]


def _by_voice(app: PreflightParts, campaign: Campaign, rows: Rows) -> Rows:
    """Of these notifications those that begin by a call."""
    channel = recorded_channel(app.catalogue, campaign)
    return [row for row in rows if channel and campaign.plan[row["first_step"]].channel == channel.name]


def _calls(
    app: PreflightParts, campaign: Campaign, rows: Rows, known: Mapping[str, Facts]
) -> Iterator[tuple[str, Call]]:
    """Each with its recipient's language. What cannot be worded is left out, as by the preparer."""
    channel = recorded_channel(app.catalogue, campaign)
    for row in rows:
        if channel is None or not isinstance(told := weigh(row["subjects"], known), Tell):
            continue
        with suppress(CannotRender):
            message = app.wording.word(campaign, channel, row["locale"], told.facts).message
            if isinstance(message, VoiceMessage):
                yield row["locale"], Call(tuple(fact.subject for fact in told.facts), message)


async def _longest(app: PreflightParts, calls: Sequence[tuple[str, Call]]) -> float | None:
    """The seconds that the longest of the calls plays to its end; None while none of them is recorded whole."""
    explained = [await explain_call(app.clips, call, locale) for locale, call in calls]
    return max((one.seconds for one in explained if one.clips and one.made == one.clips), default=None)


async def _recordings(
    app: PreflightParts, calls: Sequence[tuple[str, Call]], looked_at: int, all_calls: int
) -> Recordings | None:
    if not looked_at or not app.clips.own_engines:
        return None
    said_by: defaultdict[str, set[Utterance]] = defaultdict(set)
    for _, call in calls:
        said_by[app.clips.speaker_of(call.message)] |= utterances(call.message)
    needed = made = 0
    seconds = 0.0
    for name in app.clips.own_engines:
        wanted = {app.clips.key(name, utterance): utterance for utterance in said_by[name]}
        missing = await app.clips.missing(wanted)
        needed, made = needed + len(wanted), made + len(wanted) - len(missing)
        seconds += len(missing) / app.clips.engines[name].abilities.clips_per_second
    engine = max(said_by, key=lambda name: len(said_by[name]), default=CARRIER)
    return Recordings(looked_at, all_calls, engine, needed, made, seconds)


class _Samples:
    """Messages as they would be sent now."""

    def __init__(self, app: PreflightParts, campaign: Campaign) -> None:
        self._app = app
        self._campaign = campaign
        refused = refused_steps(app.catalogue, campaign)
        self._channels = [step.channel for step in campaign.plan if step.channel not in refused]

    def render(self, rows: Sequence[Mapping[str, Any]], known: Mapping[str, Facts], most: int) -> list[Sample]:
        shown = self._spread(rows[:most])[:most] if rows else []
        return [self._sample(row, channel, known) for row, channel in shown]

    def _spread(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
        """Each channel once, each by another recipient; then the other recipients at their first step."""
        each = [(rows[number % len(rows)], channel) for number, channel in enumerate(self._channels)]
        firsts = [(row, self._campaign.plan[row["first_step"]].channel) for row in rows]
        return each + [pair for pair in firsts if pair not in each]

    def _sample(self, row: Mapping[str, Any], channel: str, known: Mapping[str, Facts]) -> Sample:
        locale, subjects = row["locale"], row["subjects"]
        match weigh(subjects, known):
            case Withdraw(reason) | HoldBack(reason):
                return Sample(channel, locale, len(subjects), "", problem=reason)
            case Tell(facts):
                try:
                    message = self._message(channel, locale, facts)
                except CannotRender as error:
                    return Sample(channel, locale, len(subjects), "", problem=why_held(error))
                segments = message.segments if isinstance(message, SmsMessage) else None
                return Sample(channel, locale, len(subjects), message_text(message), segments)

    def _message(self, channel: str, locale: str, facts: Sequence[Facts]) -> Message:
        medium = self._app.catalogue.channels[channel]
        return self._app.wording.word(self._campaign, medium, locale, facts, reference="sample").message


def message_text(message: Message) -> str:
    """The words of a message as a person reads them."""
    match message:
        case VoiceMessage():
            return "\n".join(message.scripts[message.locale].lines)
        case SmsMessage():
            return message.body
        case EmailMessage():
            return f"{message.subject}\n\n{message.text}".strip()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
