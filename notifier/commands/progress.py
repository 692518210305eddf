"""Where a run stands: read in one place, shown as a page, as a line, or as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from notifier.commands.channels import in_flight_words, pace_words, standing_words
from notifier.commands.figures_line import figures_line, joined, short_moment
from notifier.commands.opening import at
from notifier.commands.reasons import disposition_words, in_words, outcome_words
from notifier.commands.suspensions import suspension_words
from notifier.commands.terminal import channel_words, figures, pairs
from notifier.commands.words import Language, bracketed, chosen, say
from notifier.domain.states import RunState
from notifier.domain.suspension import Suspension
from notifier.domain.watch import has_shrunk
from notifier.engine.outlook import forecast_run, rounded
from notifier.storage.budgets import ChannelBudget
from notifier.storage.runs import PutBack, Run, RunProgress, Tally

if TYPE_CHECKING:
    from notifier.app import App

RATE_SPAN = timedelta(minutes=1)
OVER = frozenset({RunState.FINISHED, RunState.CANCELLED, RunState.FAILED})
COLOURS = {"finished": "green", "paused": "yellow", "waiting": "yellow", "cancelled": "red", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A run as it stood at `read_at`. `sent_lately`: attempts in the last minute; `finish`: forecast, or None;
    `tellable_before`: `Tally.tellable` of the last run of this kind before it; `put_back`: by reason, who is not
    contacted yet although his turn had come; `suspensions`: those in force that concern its purpose."""

    run: Run
    tally: Tally
    progress: RunProgress
    sent_lately: int
    finish: datetime | None
    tellable_before: int | None
    channels: Sequence[ChannelBudget]
    put_back: Mapping[str, PutBack]
    suspensions: Sequence[Suspension]
    read_at: datetime

    @property
    def settled(self) -> int:
        return sum(self.tally.outcomes.values())

    @property
    def notifications(self) -> int:
        return self.settled + sum(self.tally.held.values()) + self.tally.open

    @property
    def has_shrunk(self) -> bool:
        """Whether so many fewer can be told than last time that the source may have lost rows."""
        return self.run.planned_at is not None and has_shrunk(self.tally.tellable, self.tellable_before)

    @property
    def over(self) -> bool:
        """Nothing of it will change by itself any more."""
        return self.run.state in OVER and self.tally.open == 0


async def read_standing(app: "App", run_id: int) -> Standing:
    run = await app.runs.by_id(run_id)
    if run is None:
        raise LookupError(f"run {run_id} is gone")
    now = app.clock.now()
    campaign = app.catalogue.campaigns.get(run.campaign)
    planned = {step.channel for step in campaign.plan} if campaign else set()
    channels = [budget for budget in await app.budgets.all() if budget.channel in planned]
    foreseen = await forecast_run(app, run) if not run.waiting_for else None
    return Standing(
        run=run,
        tally=await app.runs.tally(run),
        progress=await app.runs.progress(run.id, now),
        sent_lately=await app.inquiries.sent_since(run.id, now - RATE_SPAN),
        finish=rounded(foreseen.at) if foreseen else None,
        tellable_before=await app.runs.tellable_before(run.campaign, run.params, run.id),
        channels=channels,
        put_back=await app.runs.put_back(run.id),
        suspensions=[
            one for one in await app.suspensions.standing(now) if campaign and campaign.purpose in one.purposes
        ],
        read_at=now,
    )


def standing_json(standing: Standing) -> dict[str, Any]:
    tally = standing.tally
    return {
        "run": asdict(standing.run),
        "tally": {**asdict(tally), "settled": standing.settled, "difference": tally.difference},
        "progress": asdict(standing.progress),
        "sent_in_last_minute": standing.sent_lately,
        "finish_forecast": standing.finish,
        "tellable_before": standing.tellable_before,
        "has_shrunk": standing.has_shrunk,
        "channels": [asdict(channel) for channel in standing.channels],
        "put_back": {because: asdict(one) for because, one in standing.put_back.items()},
        "suspensions": [asdict(one) for one in standing.suspensions],
        "read_at": standing.read_at,
    }


def state_words(state: RunState) -> str:
    return say(f"state.{state.value}")


def parameter_words(params: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in params.items()) or say("none")


def page(app: "App", standing: Standing) -> RenderableType:
    """Everything about a run, for a window of any width."""
    return Group(_head(app, standing), Text(""), pairs([*_figures(app, standing), *_outlook(app, standing)]))


def _head(app: "App", standing: Standing) -> RenderableType:
    run = standing.run
    title = Text.assemble(
        (say("status.run", run=run.id), "bold"), "  ", _title(app, run), "  ",
        (state_words(run.state), f"bold {COLOURS.get(run.state.value, 'cyan')}"),
    )  # fmt: skip
    lines: list[tuple[str, RenderableType]] = [
        (say("status.key"), Text(run.key)),
        (say("status.params"), Text(parameter_words(run.params))),
        (say("status.opened"), Text(at(app, run.opened_at))),
    ]
    if run.finished_at:
        lines.append((say("status.finished"), Text(at(app, run.finished_at))))
    if run.reason:
        lines.append((say("status.reason"), Text(in_words(run.reason), style="yellow")))
    if run.waiting_for:
        lines.append((say("status.waiting_for"), Text(in_words(run.waiting_for), style="yellow")))
    return Group(title, pairs(lines))


def _title(app: "App", run: Run) -> str:
    campaign = app.catalogue.campaigns.get(run.campaign)
    if campaign is None:
        return run.campaign
    return campaign.title_zh if chosen() is Language.ZH else campaign.title


def _figures(app: "App", standing: Standing) -> list[tuple[str, RenderableType]]:
    tally = standing.tally
    selected = f"{tally.selected:,}"
    if tally.already_told:
        selected += bracketed(say("status.already_told", n=f"{tally.already_told:,}"))
    lines: list[tuple[str, RenderableType]] = [(say("status.selected"), Text(selected))]
    if standing.has_shrunk:
        warning = say("status.shrunk", n=f"{tally.tellable:,}", before=f"{standing.tellable_before:,}")
        lines.append(("", Text(warning, style="bold yellow")))
    if tally.merged:
        lines.append((say("status.merged"), Text(f"{tally.merged:,}")))
    if tally.excluded:
        lines.append((say("status.excluded"), _counts({in_words(c) or "?": n for c, n in tally.excluded.items()})))
    if tally.holdout:
        lines.append((say("status.holdout"), Text(f"{tally.holdout:,}")))
    lines.append((say("status.settled"), _settled(tally)))
    if tally.held:
        lines.append((say("status.held"), _counts({in_words(code): n for code, n in tally.held.items()})))
    lines.append((say("status.open"), Text(_open_words(app, standing))))
    if standing.put_back:
        lines.append((say("status.put_back"), _put_back(app, standing)))
    if standing.suspensions and not standing.over:
        words = [Text(suspension_words(app, one), style="yellow") for one in standing.suspensions]
        lines.append((say("status.suspended"), Group(*words)))
    if tally.attempts:
        lines.append((say("status.attempts"), _counts({_attempt_words(word): n for word, n in tally.attempts.items()})))
    lines.append((say("status.sum"), sum_words(tally)))
    return lines


def _put_back(app: "App", standing: Standing) -> RenderableType:
    return _counts(
        {
            say("status.put_back_line", why=in_words(because), at=at(app, one.next_due_at)): one.notifications
            for because, one in standing.put_back.items()
        }
    )


def _settled(tally: Tally) -> RenderableType:
    return _counts({outcome_words(outcome): n for outcome, n in tally.outcomes.items()})


def _counts(counts: Mapping[str, int]) -> RenderableType:
    """A total, and one line for each part of it."""
    total = Text(f"{sum(counts.values()):,}")
    return Group(total, *[Text(f"{n:>7,}  {words}") for words, n in figures(counts)])


def _attempt_words(word: str) -> str:
    channel, _, ended = word.partition(" ")
    state = f"attempt.{ended}"
    return f"{channel_words(channel)}  {say(state) if state in ATTEMPT_STATES else disposition_words(ended)}"


ATTEMPT_STATES = frozenset({"attempt.written", "attempt.in_flight"})


def _open_words(app: "App", standing: Standing) -> str:
    progress = standing.progress
    if standing.run.state is RunState.PREPARING:
        return f"{standing.tally.open:,}  {say('status.before_recorded')}"
    parts = [say("status.in_flight", n=f"{progress.in_flight:,}"), say("status.due_now", n=f"{progress.due_now:,}")]
    later = say("status.due_later", n=f"{progress.due_later:,}")
    if progress.next_due_at:
        later += bracketed(say("status.next", at=at(app, progress.next_due_at)))
    return f"{standing.tally.open:,}  " + " · ".join([*parts, later])


def sum_words(tally: Tally) -> Text:
    """Rule 7 in figures; a difference is shouted."""
    words = say(
        "status.sum_words", selected=f"{tally.selected:,}", merged=f"{tally.merged:,}",
        excluded=f"{sum(tally.excluded.values()):,}", holdout=f"{tally.holdout:,}",
        settled=f"{sum(tally.outcomes.values()):,}", held=f"{sum(tally.held.values()):,}", open=f"{tally.open:,}",
    )  # fmt: skip
    if tally.difference == 0:
        return Text(f"{words}  ✓")
    return Text.assemble(words, "  ", (say("status.difference", n=f"{tally.difference:,}"), "bold red"))


def _outlook(app: "App", standing: Standing) -> list[tuple[str, RenderableType]]:
    if standing.over or standing.run.state is RunState.WAITING:
        return []
    lines: list[tuple[str, RenderableType]] = [
        (say("status.rate"), Text(say("status.rate_words", n=standing.sent_lately))),
        (say("status.forecast"), Text(finish_words(app, standing))),
    ]
    if standing.channels:
        lines.append((say("status.channels"), Group(*[_channel(app, channel) for channel in standing.channels])))
    return lines


def finish_words(app: "App", standing: Standing) -> str:
    """When it will be finished, or why nobody can tell."""
    if standing.finish:
        return say("status.about", at=at(app, standing.finish))
    for channel in standing.channels:
        if channel.paused:
            return say("status.unknown_while", channel=channel_words(channel.channel), why=in_words(channel.paused))
    return say("status.unknown_yet")


def _channel(app: "App", channel: ChannelBudget) -> Text:
    in_flight = say("status.in_flight", n=in_flight_words(channel))
    stands = (standing_words(app, channel), "yellow" if channel.paused else "")
    return Text.assemble(f"{channel_words(channel.channel)}  {pace_words(channel)}  {in_flight}  ", stands)


def line(app: "App", standing: Standing) -> str:
    """A run in one line, for screens that are no terminal."""
    begin, run = at(app, standing.read_at), standing.run
    if run.state in NOT_BEGUN:
        return f"{begin}  {in_words(run.waiting_for) or state_words(run.state)}"
    local = app.catalogue.calendar.local
    due = standing.progress.next_due_at
    following = short_moment(local(due), local(standing.read_at)) if due else None
    words = figures_line(begin, standing.settled, standing.notifications, standing.progress, following)
    return joined([words, *_besides(standing)])


NOT_BEGUN = frozenset({RunState.PLANNING, RunState.PREPARING})


def _besides(standing: Standing) -> list[str]:
    """What the figures do not say; a run that waits for a person says so by how many are held."""
    run, held = standing.run, sum(standing.tally.held.values())
    parts = [say("line.held", n=held)] if held else []
    parts += [say("line.put_back", n=one.notifications, why=in_words(why)) for why, one in standing.put_back.items()]
    why = in_words(run.waiting_for or run.reason)
    if run.state is RunState.WAITING and held:
        return parts
    if run.state in (RunState.OPEN, RunState.WAITING):
        return [*parts, why] if why else parts
    return [*parts, say("line.state", state=state_words(run.state), why=why) if why else state_words(run.state)]
