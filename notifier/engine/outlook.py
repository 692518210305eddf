"""What lies ahead of a run: the pace of its channels, what to expect of its attempts, and when it will be finished."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.disposition import Disposition
from notifier.domain.follow_up import Route
from notifier.domain.forecast import Forecast, LanePace, Left, OpenHours, Prospect, forecast, observed_shares
from notifier.domain.states import RunState
from notifier.engine.catalogue import Catalogue
from notifier.engine.keeper import BETWEEN_LOOKS
from notifier.settings import Settings
from notifier.storage.budgets import BudgetStore
from notifier.storage.runs import Run, RunStore

# Mean seconds one attempt is in flight, ringing and talking or queueing at the provider included. Rules of thumb.
SECONDS_IN_FLIGHT: Mapping[str, float] = {"voice": 60.0, "sms": 15.0, "email": 2.0}
OTHERWISE = 15.0
NO_PACE = LanePace(0.0)
GOING_ON = frozenset({RunState.OPEN, RunState.PLANNING, RunState.PREPARING})


class Surroundings(Protocol):
    """The parts of an application that a look ahead needs."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def budgets(self) -> BudgetStore: ...
    @property
    def runs(self) -> RunStore: ...


def refused_steps(catalogue: Catalogue, campaign: Campaign) -> dict[str, str]:
    """The channels of the plan that cannot be used at all, and why."""
    found = {step.channel: catalogue.refusal(campaign, step.channel) for step in campaign.plan}
    return {channel: why for channel, why in found.items() if why is not None}


async def lane_paces(parts: Surroundings, campaign: Campaign, *, paused_too: bool = False) -> dict[str, LanePace]:
    """The pace of every usable channel of the plan, as the workers share it; before the first of them has started, as
    the settings have it. A paused channel has none, unless `paused_too`: nobody knows when it goes on, not even of one
    that is tried again at a known time, for what keeps it may last."""
    shared = {budget.channel: budget for budget in await parts.budgets.all()}
    refused = refused_steps(parts.catalogue, campaign)
    lanes = {}
    for channel in {step.channel for step in campaign.plan} - refused.keys():
        seconds = SECONDS_IN_FLIGHT.get(channel, OTHERWISE)
        if (budget := shared.get(channel)) is not None:
            stands_still = budget.paused is not None and not paused_too
            lanes[channel] = NO_PACE if stands_still else LanePace(budget.rate, budget.most_in_flight, seconds)
        elif (pace := parts.settings.paces.get(channel)) is not None:
            lanes[channel] = LanePace(pace.rate, pace.most_in_flight, seconds)
        else:
            lanes[channel] = NO_PACE
    return lanes


def open_hours(catalogue: Catalogue, campaign: Campaign) -> OpenHours:
    return OpenHours(catalogue.calendar, campaign.window, campaign.purpose)


async def forecast_run(parts: Surroundings, run: Run) -> Forecast | None:
    """When the run will be finished by itself; None when nobody can tell: it is paused, or over, or a channel is."""
    campaign = parts.catalogue.campaigns.get(run.campaign)
    if campaign is None or run.state not in GOING_ON or run.planned_at is None:
        return None
    now = parts.clock.now()
    tally = await parts.runs.tally(run)
    shares = observed_shares(_by_channel(tally.attempts))
    left = await _what_is_left(parts.runs, run, campaign, now)
    prospect = Prospect(campaign.plan, await lane_paces(parts, campaign), shares)
    return forecast(prospect, left, open_hours(parts.catalogue, campaign), now)


async def _what_is_left(runs: RunStore, run: Run, campaign: Campaign, now: datetime) -> list[Left]:
    progress = await runs.progress(run.id, now)
    left = [
        Left(
            row["step"], row["tries"], row["notifications"], row["first_due_at"], _last_due(row, progress.last_due_at),
            prefers=row["prefers"],
        )
        for row in await runs.queued_by_step(run.id)
    ]  # fmt: skip
    if progress.in_flight:
        unsure, until = await runs.unsure(run.id)
        left.append(_in_flight(left, campaign, progress.in_flight - unsure, now))
        if until is not None:
            left.append(_in_flight(left, campaign, unsure, max(now, until + BETWEEN_LOOKS)))
    return left


def _last_due(row: Any, last_of_all: datetime | None) -> datetime:
    """First tries come up together; of retries the last of all is taken where the group's own is not known."""
    first: datetime = row["first_due_at"]
    own: datetime | None = row.get("last_due_at")
    return own or (first if row["tries"] == 0 else max(first, last_of_all or first))


def _in_flight(queued: Sequence[Left], campaign: Campaign, count: int, until: datetime) -> Left:
    """Which place the attempts in flight were made at is not asked: they are taken to be where the others stand first,
    or, with nobody queued, at the last try of the last step."""
    nobody = Left(len(campaign.plan) - 1, 0, 0, until, until)
    at = min(queued, key=lambda group: (_turn(campaign, group), group.tries), default=nobody)
    return replace(at, notifications=count, due_at=until, last_due_at=until, placed=True)


def _turn(campaign: Campaign, group: Left) -> int:
    return len(Route(campaign.plan, (), group.prefers).before(group.step))


def _by_channel(attempts: Mapping[str, int]) -> dict[str, dict[Disposition, int]]:
    """From 'voice busy' -> 75 to the dispositions of each channel; what has not ended is left out."""
    found: dict[str, dict[Disposition, int]] = {}
    for word, count in attempts.items():
        channel, _, ending = word.partition(" ")
        if ending in ENDINGS:
            found.setdefault(channel, {})[Disposition(ending)] = count
    return found


ENDINGS: Collection[str] = frozenset(disposition.value for disposition in Disposition)
TO_THE_MINUTE = timedelta(minutes=1)


def rounded(moment: datetime) -> datetime:
    """Up to the whole minute: a forecast that pretends to seconds is believed too much."""
    rest = timedelta(seconds=moment.second, microseconds=moment.microsecond)
    return moment + (TO_THE_MINUTE - rest) if rest else moment
