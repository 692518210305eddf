"""When a run will be finished, from what is still queued, how its calls went so far, and what its channels may do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from notifier.domain.campaign import Campaign
from notifier.domain.disposition import Disposition
from notifier.domain.forecast import LanePace, Left, OpenHours, Prospect, forecast, observed_shares
from notifier.domain.states import RunState
from notifier.storage.budgets import ChannelBudget
from notifier.storage.runs import Run, RunProgress, Tally

if TYPE_CHECKING:
    from notifier.app import App

SECONDS: Mapping[str, float] = {"voice": 60.0}  # one attempt takes this long, ringing included; 1 s on other channels


async def forecast_finish(
    app: "App", run: Run, tally: Tally, progress: RunProgress, budgets: Sequence[ChannelBudget], now: datetime
) -> datetime | None:
    """None while nobody can say: before the audience is drawn, while the run stands still or a channel is paused."""
    campaign = app.catalogue.campaigns.get(run.campaign)
    stopped = any(budget.paused and budget.paused_until is None for budget in budgets)
    if campaign is None or run.state is not RunState.OPEN or run.waiting_for or stopped:
        return None
    left = _left(await app.runs.queued_by_step(run.id), progress, now)
    hours = OpenHours(app.catalogue.calendar, campaign.window, campaign.purpose)
    prospect = Prospect(campaign.plan, _lanes(app, campaign, budgets), observed_shares(_observed(tally.attempts)))
    finish = forecast(prospect, left, hours, now)
    return finish.at if finish else None


def _lanes(app: "App", campaign: Campaign, budgets: Sequence[ChannelBudget]) -> dict[str, LanePace]:
    return {
        budget.channel: LanePace(budget.rate, budget.most_in_flight, SECONDS.get(budget.channel, 1.0))
        for budget in budgets
        if app.catalogue.refusal(campaign, budget.channel) is None
    }


def _left(queued: Sequence[Any], progress: RunProgress, now: datetime) -> list[Left]:
    """What is queued, by its place; what is in flight is taken to be on its first try."""
    last = progress.last_due_at or now
    left = [
        Left(row["step"], row["tries"], row["notifications"], row["first_due_at"], max(last, row["first_due_at"]))
        for row in queued
    ]
    if progress.in_flight:
        left.append(Left(0, 0, progress.in_flight, now, now, placed=True))
    return left


def _observed(attempts: Mapping[str, int]) -> dict[str, dict[Disposition, int]]:
    """The tally's 'voice busy' -> n, by channel; attempts without an end say nothing."""
    observed: dict[str, dict[Disposition, int]] = {}
    for word, count in attempts.items():
        channel, _, ended = word.partition(" ")
        if ended in ENDINGS:
            observed.setdefault(channel, {})[Disposition(ended)] = count
    return observed


ENDINGS = frozenset(disposition.value for disposition in Disposition)
