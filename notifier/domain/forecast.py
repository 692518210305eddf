"""When a run will be finished, and how many attempts that takes: an estimate that errs on the late side.

Every group of notifications standing at the same place of the plan is followed through its expected retries and next
steps. Time is counted in open seconds, those in which the campaign may contact; a lane serves what is released to it
at its pace, and is done at the latest of `t + what is released after t / pace` over all moments t.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import zip_longest

from notifier.domain.calendar import QUIET_HOURS, Calendar, NeverOpen, Window
from notifier.domain.campaign import Step
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.follow_up import Route
from notifier.domain.purpose import Purpose

Shares = Mapping[Disposition, float]

# What to expect before a run has attempts of its own. Rules of thumb of the house, not measurements.
DEFAULT_SHARES: Mapping[str, Shares] = {
    "voice": {
        Disposition.ANSWERED: 0.60,
        Disposition.NO_ANSWER: 0.12,
        Disposition.MACHINE: 0.10,
        Disposition.HUNG_UP: 0.08,
        Disposition.BUSY: 0.05,
        Disposition.DECLINED: 0.03,
        Disposition.REFUSED: 0.02,
    },
    "sms": {Disposition.DELIVERED: 0.93, Disposition.UNDELIVERED: 0.05, Disposition.REFUSED: 0.02},
    "email": {Disposition.ACCEPTED: 0.97, Disposition.REFUSED: 0.03},
}
NOBODY_KNOWS: Shares = {Disposition.DELIVERED: 0.9, Disposition.UNDELIVERED: 0.1}  # of a channel not listed above
LEAST_OBSERVED = 40  # attempts on a channel before their own shares are believed
LEAST_FOLLOWED = 0.5  # expected notifications: a branch of fewer is not followed further
LONGEST_FORECAST = 366  # open spans looked ahead


class Limit(StrEnum):
    """What keeps a run from being finished earlier."""

    NOTHING = "nothing"  # nothing is left, or only answers are awaited
    PACE = "pace"  # attempts a second
    LINES = "lines"  # calls in flight
    WAITS = "waits"  # retries that are not due yet
    WINDOW = "window"  # hours in which nobody may be contacted


@dataclass(frozen=True, slots=True)
class LanePace:
    """What a channel may do: attempts a second, calls in flight (None: no limit), and seconds one of them takes."""

    rate: float
    lines: int | None = None
    seconds: float = 1.0

    @property
    def service(self) -> float:
        """Attempts a second that come through."""
        return self.rate if self.lines is None else min(self.rate, self.lines / self.seconds)

    @property
    def limit(self) -> Limit:
        return Limit.PACE if self.service == self.rate else Limit.LINES


@dataclass(frozen=True, slots=True)
class Left:
    """Notifications at one place of the plan, falling due from `due_at` to `last_due_at`.

    `placed`: they are with the provider already, so that they take no pace, but may come back. `prefers`: the channel
    by which their recipients asked to be told."""

    step: int
    tries: int
    notifications: float
    due_at: datetime
    last_due_at: datetime
    placed: bool = False
    prefers: str | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    at: datetime
    limit: Limit


@dataclass(frozen=True)
class OpenHours:
    """Open seconds: how many lie between two moments, and which moment they lead to."""

    calendar: Calendar
    window: Window
    purpose: Purpose

    def opening(self, moment: datetime) -> datetime:
        return self.calendar.next_open(self.window, self.purpose, moment)

    def closing(self, opened: datetime) -> datetime:
        """The end of the open span that `opened` lies in."""
        here = self.calendar.local(opened)
        quiet = QUIET_HOURS[self.purpose]
        ends = [self.window.closes, *([quiet[0]] if quiet else [])]
        return min(self._end(here, end) for end in ends)

    def _end(self, here: datetime, end: time) -> datetime:
        day = here.date() + timedelta(days=1) if end == time(0) else here.date()
        return datetime.combine(day, end, self.calendar.zone).astimezone(UTC)

    def after(self, start: datetime, seconds: float) -> datetime:
        """The moment by which so many open seconds have passed since `start`. Raises NeverOpen."""
        moment = self.opening(start)
        for _ in range(LONGEST_FORECAST):
            span = (self.closing(moment) - moment).total_seconds()
            if seconds < span:
                return moment + timedelta(seconds=seconds)
            seconds -= span
            moment = self.opening(self.closing(moment))
        raise NeverOpen(f"more than {LONGEST_FORECAST} days")

    def between(self, start: datetime, end: datetime) -> float:
        """Open seconds from `start` to the first open moment at or after `end`."""
        moment, target, seconds = self.opening(start), self.opening(end), 0.0
        while self.closing(moment) < target:
            closing = self.closing(moment)
            seconds += (closing - moment).total_seconds()
            moment = self.opening(closing)
        return seconds + max(0.0, (target - moment).total_seconds())


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a share of the attempts made at one place leads."""

    step: int
    tries: int
    share: float
    wait: timedelta


def observed_shares(attempts: Mapping[str, Mapping[Disposition, int]]) -> dict[str, Shares]:
    """The shares to expect: those of this run's own attempts by channel, where there are enough; else the defaults."""
    shares = dict(DEFAULT_SHARES)
    for channel, counts in attempts.items():
        total = sum(counts.values())
        if total >= LEAST_OBSERVED:
            shares[channel] = {disposition: count / total for disposition, count in counts.items()}
    return shares


@dataclass(frozen=True)
class Prospect:
    """What to expect of a plan, for recipients who may prefer a channel. `having` is the share of them with an address
    for a channel; a step whose channel is not in `lanes` is skipped."""

    plan: Sequence[Step]
    lanes: Mapping[str, LanePace]
    shares: Mapping[str, Shares] = field(default_factory=lambda: DEFAULT_SHARES)
    having: Mapping[str, float] = field(default_factory=dict)
    prefers: str | None = None

    def branches(self, step: int, tries: int) -> list[Branch]:
        """What follows, in expectation, from one try at this place that was spent."""
        found: dict[tuple[int, int, timedelta], float] = {}
        for disposition, share in self._spent(self.plan[step].channel).items():
            for branch in self._branch(step, tries, disposition, share):
                key = branch.step, branch.tries, branch.wait
                found[key] = found.get(key, 0.0) + branch.share
        return [Branch(*key[:2], share, key[2]) for key, share in found.items()]

    def repeats(self, step: int) -> float:
        """Attempts it takes to spend one try: more than 1 where some are free."""
        free = sum(share for disposition, share in self._of(step).items() if EFFECTS[disposition] is Effect.FREE)
        return 1 / (1 - min(free, 0.9))

    def places(self) -> list[tuple[int, int]]:
        """Every place of the plan, in the order in which they can follow each other."""
        return [(step, tries) for step in self._route.steps() for tries in range(self.plan[step].tries)]

    @property
    def _route(self) -> Route:
        return Route(self.plan, self.lanes, self.prefers)

    def _of(self, step: int) -> Shares:
        return self.shares.get(self.plan[step].channel, NOBODY_KNOWS)

    def _spent(self, channel: str) -> dict[Disposition, float]:
        shares = self.shares.get(channel, NOBODY_KNOWS)
        spent = {word: share for word, share in shares.items() if EFFECTS[word] is not Effect.FREE}
        total = sum(spent.values())
        return {word: share / total for word, share in spent.items()} if total else {}

    def _branch(self, step: int, tries: int, disposition: Disposition, share: float) -> list[Branch]:
        effect = EFFECTS[disposition]
        if effect in (Effect.REACHES, Effect.HOLDS):
            return []
        wait = self.plan[step].wait.get(disposition)
        if effect is Effect.SPENDS and wait is not None and tries + 1 < self.plan[step].tries:
            return [Branch(step, tries + 1, share, wait)]
        return self._next_steps(step, share)

    def _next_steps(self, step: int, share: float) -> list[Branch]:
        """Those with an address for the next step take it, the others the one after."""
        branches = []
        following = self._route.after(step)
        while following is not None:
            having = self.having.get(self.plan[following].channel, 1.0)
            branches.append(Branch(following, 0, share * having, timedelta(0)))
            share *= 1 - having
            following = self._route.after(following)
        return branches


Prospects = Mapping[str | None, Prospect]  # by what is preferred


def _of_each(prospect: Prospect, left: Sequence[Left]) -> Prospects:
    preferred = sorted({group.prefers for group in left}, key=lambda prefers: prefers or "")
    return {prefers: replace(prospect, prefers=prefers) for prefers in preferred}


def expected_attempts(prospect: Prospect, left: Sequence[Left]) -> dict[int, float]:
    """How many attempts each step of the plan will take, by step."""
    attempts: dict[int, float] = {}
    for prefers, own in _of_each(prospect, left).items():
        for step, count in _attempts_of(own, [group for group in left if group.prefers == prefers]):
            attempts[step] = attempts.get(step, 0.0) + count
    return attempts


def _attempts_of(prospect: Prospect, left: Sequence[Left]) -> Iterator[tuple[int, float]]:
    volumes: dict[tuple[int, int], float] = {}
    for group in left:
        place = group.step, group.tries
        volumes[place] = volumes.get(place, 0.0) + group.notifications
    for step, tries in prospect.places():
        volume = volumes.get((step, tries), 0.0)
        yield step, volume * prospect.repeats(step)
        for branch in prospect.branches(step, tries):
            place = branch.step, branch.tries
            volumes[place] = volumes.get(place, 0.0) + volume * branch.share


@dataclass(frozen=True, slots=True)
class _Release:
    """A volume that comes up evenly between two moments, in open seconds from now."""

    begins: float
    ends: float
    volume: float
    load: float  # of the lane: 0 for what the provider has already

    def after(self, moment: float) -> float:
        """The load that comes up at or after the moment."""
        if moment <= self.begins:
            return self.load
        if moment > self.ends:
            return 0.0
        return self.load * (self.ends - moment) / (self.ends - self.begins) if self.ends > self.begins else self.load


def forecast(prospect: Prospect, left: Sequence[Left], hours: OpenHours, now: datetime) -> Forecast | None:
    """When all that is left will have been sent and answered for, or None when that cannot be told: a channel that
    stands still, a window that never opens, a place of no plan.

    Later rather than earlier: never before what is due last; not earlier for more that is left, nor at a slower pace.
    """
    left = [group for group in left if group.notifications > 0]
    if not left:
        return Forecast(now, Limit.NOTHING)
    prospects = _of_each(prospect, left)
    if any((group.step, group.tries) not in prospects[group.prefers].places() for group in left):
        return None
    if any(lane.service <= 0 for lane in prospect.lanes.values()):
        return None
    try:
        return _Course(prospects, prospect.lanes, hours, now).run(left)
    except NeverOpen:
        return None


_Spot = tuple[str | None, int, int]  # what is preferred, step, tries


class _Course:
    """The releases at every place, worked through in the order of the plan; of those who prefer different channels, as
    many places in turn."""

    def __init__(self, prospects: Prospects, paces: Mapping[str, LanePace], hours: OpenHours, now: datetime) -> None:
        self._prospects = prospects
        self._paces = paces
        self._hours = hours
        self._now = now
        self._lanes: dict[str, list[_Release]] = {channel: [] for channel in paces}

    def run(self, left: Sequence[Left]) -> Forecast:
        arriving: dict[_Spot, list[_Release]] = {spot: [] for spot in self._spots()}
        for group in left:
            arriving[group.prefers, group.step, group.tries].append(self._first(group))
        done, limit = 0.0, Limit.NOTHING
        for (prefers, step, tries), releases in arriving.items():
            if not releases:
                continue
            prospect = self._prospects[prefers]
            finish, why = self._serve(prospect.plan[step].channel, releases)
            if finish >= done:
                done, limit = finish, why
            for branch in prospect.branches(step, tries):
                self._follow(arriving, prospect, branch, releases, finish)
        at = self._hours.after(self._now, done)
        closed = (at - self._now).total_seconds() - done
        return Forecast(at, Limit.WINDOW if closed > 1 else limit)

    def _spots(self) -> list[_Spot]:
        places = {prefers: prospect.places() for prefers, prospect in self._prospects.items()}
        turns = zip_longest(*([(prefers, *place) for place in some] for prefers, some in places.items()))
        return [spot for spots in turns for spot in spots if spot is not None]

    def _first(self, group: Left) -> _Release:
        begins = self._hours.between(self._now, max(group.due_at, self._now))
        ends = self._hours.between(self._now, max(group.last_due_at, group.due_at, self._now))
        load = 0.0 if group.placed else group.notifications * self._prospects[group.prefers].repeats(group.step)
        return _Release(begins, ends, group.notifications, load)

    def _serve(self, channel: str, releases: Sequence[_Release]) -> tuple[float, Limit]:
        """When this place is done with, and what that hangs on. All that was released to the lane at earlier places of
        the plan is served first."""
        lane, pace = self._lanes[channel], self._paces[channel]
        lane.extend(releases)
        edges = {edge for release in lane for edge in (release.begins, release.ends)}
        finish, moment = max((edge + sum(r.after(edge) for r in lane) / pace.service, edge) for edge in edges)
        backlog = (finish - moment) * pace.service
        waits = moment > 0 and backlog <= max(1.0, sum(r.load for r in lane if r.ends == moment))
        placed = all(release.load == 0 for release in lane)
        limit = Limit.NOTHING if placed else Limit.WAITS if waits else pace.limit
        return finish + pace.seconds, limit

    def _follow(
        self,
        arriving: dict[_Spot, list[_Release]],
        prospect: Prospect,
        branch: Branch,
        releases: Sequence[_Release],
        finish: float,
    ) -> None:
        """What comes back of each release comes up from its first answer on until this place is done with."""
        if sum(release.volume for release in releases) * branch.share < LEAST_FOLLOWED:
            return
        ends = self._waited(finish, branch.wait)
        for release in releases:
            volume = release.volume * branch.share
            load = volume * prospect.repeats(branch.step)
            begins = self._waited(release.begins, branch.wait)
            arriving[prospect.prefers, branch.step, branch.tries].append(_Release(begins, ends, volume, load))

    def _waited(self, seconds: float, wait: timedelta) -> float:
        """Open seconds from now to the moment after the wait."""
        return self._hours.between(self._now, self._hours.after(self._now, seconds) + wait)
