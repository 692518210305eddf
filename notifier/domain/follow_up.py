"""What happens after an attempt has ended. Nothing else decides."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from notifier.domain.campaign import Step
from notifier.domain.disposition import EFFECTS, Disposition, Effect
from notifier.domain.states import Outcome

FREE_RETRIES = 10
UNEXPLAINED_RETRIES = 1  # then the number is taken to be a bad one
FIRST_FREE_WAIT = timedelta(seconds=15)
LONGEST_FREE_WAIT = timedelta(minutes=15)
PREFERENCES = ("voice", "sms", "email")  # what source.account.prefers may say; any other word is none


@dataclass(frozen=True, slots=True)
class Place:
    """Where a notification stands in its plan: step (index), tries spent on it, free retries made on it."""

    step: int
    tries: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True)
class Retry:
    at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class NextStep:
    at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Settle:
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Hold:
    reason: str


FollowUp = Retry | NextStep | Settle | Hold


@dataclass(frozen=True, slots=True)
class Route:
    """The plan as it lies open to one recipient: the steps of which `channels` can be used, first the one by which the
    recipient `prefers` to be told, then the others as the plan has them."""

    plan: Sequence[Step]
    channels: Collection[str]
    prefers: str | None = None

    def steps(self) -> list[int]:
        """The steps that can be taken, in their turn."""
        return [step for step in self._order() if self._can_be_taken(step)]

    def first(self) -> int | None:
        return next(iter(self.steps()), None)

    def after(self, step: int) -> int | None:
        """The next step that can be taken, or None when the way is at its end."""
        order = self._order()
        following = order[order.index(step) + 1 :] if step in order else []
        return next(filter(self._can_be_taken, following), None)

    def at_or_after(self, step: int) -> int | None:
        return step if step in self.steps() else self.after(step)

    def before(self, step: int) -> list[int]:
        """The steps whose turn comes before, whether they can be taken or not."""
        return list(takewhile(lambda other: other != step, self._order()))

    def _order(self) -> list[int]:
        """Of all steps: one that cannot be taken any more keeps its turn, so that whoever stands there goes on to those
        not tried yet."""
        order = list(range(len(self.plan)))
        preferred = next((step for step in order if self.plan[step].channel == self.prefers), None)
        return order if preferred is None else [preferred, *(step for step in order if step != preferred)]

    def _can_be_taken(self, step: int) -> bool:
        return self.plan[step].channel in self.channels


def follow_up(
    route: Route,
    place: Place,
    disposition: Disposition,
    told: Outcome | None,
    now: datetime,
    opening: Callable[[datetime], datetime],
    after: timedelta | None = None,
    blameless: bool = False,
) -> FollowUp:
    """Where an attempt made at `place` leads.

    `told`: how much of it was heard, as we know at first hand, because a key was pressed or the essential line was
    played to its end: that outranks a provider who says that nobody answered. `opening` answers the first moment at or
    after the one given at which this campaign may contact. `after` is the provider's own wish for the next free retry.
    `blameless`: a retry that spends nothing at all, since it was no fault of this attempt.
    """
    effect = EFFECTS[disposition]
    if effect is Effect.REACHES:
        return Settle(told or Outcome.REACHED)
    if effect is Effect.SPENDS and told is not None:
        return Settle(told)
    if effect is Effect.HOLDS:
        return Hold(disposition.value)
    if effect is Effect.FREE and blameless:
        return Retry(opening(now + (after if after is not None else _free_wait(place))), place)
    if disposition is Disposition.UNEXPLAINED and place.free >= UNEXPLAINED_RETRIES:
        return _next_step(route, place, now, opening)
    if effect is Effect.FREE:
        return _free_retry(place, disposition, now, opening, after)
    if effect is Effect.SPENDS:
        step, tries = route.plan[place.step], place.tries + 1
        wait = step.wait.get(disposition)
        if wait is not None and tries < step.tries:
            return Retry(opening(now + wait), Place(place.step, tries))
    return _next_step(route, place, now, opening)


def _free_retry(
    place: Place,
    disposition: Disposition,
    now: datetime,
    opening: Callable[[datetime], datetime],
    after: timedelta | None,
) -> FollowUp:
    if place.free >= FREE_RETRIES:
        return Hold(f"{disposition.value}, {FREE_RETRIES} times without a try being spent")
    wait = max(after or timedelta(0), _free_wait(place))  # a wish of a second must not eat all of them in ten seconds
    return Retry(opening(now + wait), Place(place.step, place.tries, place.free + 1))


def _free_wait(place: Place) -> timedelta:
    doubled: timedelta = FIRST_FREE_WAIT * 2**place.free
    return min(doubled, LONGEST_FREE_WAIT)


def _next_step(route: Route, place: Place, now: datetime, opening: Callable[[datetime], datetime]) -> FollowUp:
    following = route.after(place.step)
    if following is None:
        return Settle(Outcome.UNREACHED)
    return NextStep(opening(now), Place(following))
