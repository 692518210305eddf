"""From receipts to a verdict: what they say of the attempt, and what follows for the notification."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.calendar import NeverOpen
from notifier.domain.disposition import EFFECTS, UNCONFIRMED, Disposition, Effect
from notifier.domain.follow_up import FollowUp, Hold, NextStep, Retry, Route, Settle, follow_up
from notifier.domain.message import Action
from notifier.domain.number_memory import NOBODY_THERE, better_moment
from notifier.domain.receipt import AttemptProgress, Receipt, fold
from notifier.domain.states import AttemptState, Outcome
from notifier.engine.catalogue import Catalogue, UnknownCampaign
from notifier.storage.attempts import AttemptFile, Verdict

TOLD = frozenset({Outcome.REACHED, Outcome.ACKNOWLEDGED})


@dataclass(frozen=True)
class Judge:
    catalogue: Catalogue

    def verdict(
        self, file: AttemptFile, receipts: Sequence[Receipt], now: datetime, after: timedelta | None = None
    ) -> Verdict:
        """What these receipts, on top of those applied before, come to. Pure but for the templates of the catalogue."""
        try:
            return self._verdict(file, receipts, now, after)
        except (UnknownCampaign, NeverOpen, LookupError) as error:
            return _cannot_judge(file, fold(file.progress, receipts), error, now)

    def _verdict(
        self, file: AttemptFile, receipts: Sequence[Receipt], now: datetime, after: timedelta | None
    ) -> Verdict:
        progress = fold(file.progress, [self._certain(file, receipt) for receipt in receipts])
        verdict = Verdict(file.id, file.version, progress, self._look_at(file, progress, now))
        corrects = file.progress.state is AttemptState.ENDED
        if progress.state is not AttemptState.ENDED or progress.disposition is None:
            return replace(verdict, follow="revive") if corrects else verdict
        if file.progress.disposition == progress.disposition and file.progress.action == progress.action:
            return verdict
        blameless = any(receipt.blameless for receipt in receipts)
        route = self._route(file, progress)
        follow = self._follow(file, route, progress, now, after, blameless)
        if not corrects:
            return _first_verdict(verdict, follow)
        if isinstance(follow, Retry | NextStep):
            verdict = replace(verdict, earlier=route.before(follow.place.step))
        if _takes_back(file, progress):
            return replace(verdict, follow="retract", outcome=Outcome.UNREACHED, reason=progress.disposition)
        return _answer_to_a_doubt(verdict, follow) if _was_doubted(file) else _correction(verdict, follow)

    def _certain(self, file: AttemptFile, receipt: Receipt) -> Receipt:
        """A channel that recognises a repeat need not wait to be sure: it sends the same thing again."""
        if receipt.uncertain and self.catalogue.channels[file.channel].abilities.repeatable:
            return replace(receipt, uncertain=False, ended=Disposition.NOT_CREATED)
        return receipt

    def _route(self, file: AttemptFile, progress: AttemptProgress) -> Route:
        banned = (file.address,) if progress.disposition in BANNING and file.address else ()
        campaign = self.catalogue.campaign(file.campaign)
        return self.catalogue.route(campaign, file.phone, file.email, file.prefers, banned)

    def _follow(
        self,
        file: AttemptFile,
        route: Route,
        progress: AttemptProgress,
        now: datetime,
        after: timedelta | None,
        blameless: bool,
    ) -> FollowUp:
        disposition = progress.disposition or Disposition.UNKNOWN
        opening = self.catalogue.opening(self.catalogue.campaign(file.campaign))
        follow = follow_up(route, file.place, disposition, _told(progress), now, opening, after, blameless)
        if isinstance(follow, Retry) and disposition in NOBODY_THERE and file.hours and file.expires_at:
            local = self.catalogue.calendar.local
            return replace(follow, at=better_moment(follow.at, file.hours, file.expires_at, opening, local))
        return follow

    def _look_at(self, file: AttemptFile, progress: AttemptProgress, now: datetime) -> datetime | None:
        if progress.state is AttemptState.ENDED:
            return None
        return now + self.catalogue.channels[file.channel].abilities.silent_after


def _told(progress: AttemptProgress) -> Outcome | None:
    """What the customer has heard of it, by what was pressed and played; a machine hears nothing."""
    if progress.action is not None:
        return None if progress.action is Action.WRONG_PERSON else Outcome.ACKNOWLEDGED
    return Outcome.REACHED if progress.heard and not progress.machine else None


LOOK_AGAIN = timedelta(hours=1)  # at an attempt this process knows no campaign or channel for


def _cannot_judge(file: AttemptFile, progress: AttemptProgress, error: Exception, now: datetime) -> Verdict:
    """A campaign, a step or a channel that is not installed any more: a person must look; nobody else waits for it."""
    if progress.state is not AttemptState.ENDED:
        return Verdict(file.id, file.version, progress, now + LOOK_AGAIN)
    reason = f"cannot be judged: {type(error).__name__}"
    return Verdict(file.id, file.version, progress, None, "hold", reason=reason)


BANNING = frozenset({Disposition.WRONG_PERSON, Disposition.OPTED_OUT, Disposition.BOUNCED})


def _first_verdict(verdict: Verdict, follow: FollowUp) -> Verdict:
    disposition = verdict.progress.disposition
    match follow:
        case Settle(outcome):
            return replace(verdict, follow="settle", outcome=outcome, reason=disposition)
        case Hold(reason):
            return replace(verdict, follow="hold", reason=reason)
        case Retry(at, place) | NextStep(at, place):
            return replace(verdict, follow="queue", due_at=at, place=place)


def _correction(verdict: Verdict, follow: FollowUp) -> Verdict:
    """A later truth about an attempt that something already followed: it may settle, and cancel what is left, or
    correct the count of tries; it never queues a second time."""
    match follow:
        case Settle(outcome) if outcome in TOLD:
            return replace(verdict, follow="settle", outcome=outcome, reason=verdict.progress.disposition)
        case Retry(at, place) | NextStep(at, place):
            return replace(verdict, follow="adjust", due_at=at, place=place)
        case _:
            return verdict


def _takes_back(file: AttemptFile, progress: AttemptProgress) -> bool:
    """Whether it turns out that a customer who seemed to be told was not. The notification is not opened again."""
    before, after = file.progress.disposition, progress.disposition
    seemed_told = before in UNCONFIRMED or (before is Disposition.ANSWERED and after is Disposition.MACHINE)
    return seemed_told and after is not None and EFFECTS[after] is not Effect.REACHES


def _was_doubted(file: AttemptFile) -> bool:
    """Whether a person was asked about this attempt, because nobody could tell what had become of it."""
    before = file.progress.disposition
    return before is not None and EFFECTS[before] is Effect.HOLDS


def _answer_to_a_doubt(verdict: Verdict, follow: FollowUp) -> Verdict:
    """The provider knows after all: unless the person was quicker, it goes on as if that had been the first word."""
    settles_for_good = isinstance(follow, Settle) and follow.outcome in TOLD
    first = _first_verdict(verdict, follow)
    return first if settles_for_good else replace(first, follow="resume")


def bans(file: AttemptFile, progress: AttemptProgress, purpose: str) -> list[tuple[str, str | None, str]]:
    """The suppressions an attempt's end asks for: (address, purpose or None for every one, reason)."""
    if file.address is None:
        return []
    if progress.action is Action.WRONG_PERSON:
        return [(file.address, None, "wrong_person")]
    if progress.action is Action.OPT_OUT:
        return [(file.address, purpose, "opt_out")]
    if progress.disposition is Disposition.OPTED_OUT:
        return [(file.address, None, "opted_out_at_carrier")]
    if progress.disposition is Disposition.BOUNCED:
        return [(file.address, None, "bounced")]
    return []
