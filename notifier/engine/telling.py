"""Whom of those claimed to tell what, and in which voice; and what becomes of whoever is not told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from notifier.clock import Clock
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel
from notifier.domain.facts import Facts, HoldBack, Tell, Withdraw, weigh
from notifier.domain.message import Message, VoiceMessage
from notifier.domain.speech import CARRIER
from notifier.domain.states import Outcome
from notifier.engine.catalogue import Catalogue
from notifier.engine.clips import Clips
from notifier.engine.gate import Gate
from notifier.engine.rendering import CannotRender
from notifier.engine.wording import Wording, why_held
from notifier.storage.queue import Claimed, Disposal

RECORDING = 1.0  # real seconds until a call whose clips are being made comes up again
RECORDING_URGENT = 0.1  # ... of a run that overtakes: all clips of one call take 0.3 s


@dataclass(frozen=True, slots=True)
class Planned:
    """A message ready to go to one recipient."""

    claimed: Claimed
    address: str
    message: Message
    template: str
    offered: Mapping[str, object]  # the section that answers for it, and the day behind each key


@dataclass(frozen=True, slots=True)
class Telling:
    """What one channel tells."""

    channel: Channel
    catalogue: Catalogue
    clock: Clock
    wording: Wording
    clips: Clips
    gate: Gate

    def plan(
        self, campaign: Campaign, ready: Sequence[Claimed], known: Mapping[str, Facts]
    ) -> tuple[list[Planned], list[Disposal]]:
        """A message for everybody whom there is something true to tell; and what becomes of the others."""
        planned, disposals = [], []
        for one in ready:
            match weigh(one.subjects, known):
                case Withdraw(reason):
                    disposals.append(Disposal(one.id, "settle", Outcome.WITHDRAWN, reason))
                case HoldBack(reason):
                    disposals.append(Disposal(one.id, "hold", reason=reason))
                case Tell(facts):
                    ready_or_held = self._word(campaign, one, facts)
                    if isinstance(ready_or_held, Planned):
                        planned.append(ready_or_held)
                    else:
                        disposals.append(ready_or_held)
        return planned, disposals

    def _word(self, campaign: Campaign, one: Claimed, facts: Sequence[Facts]) -> Planned | Disposal:
        reference = f"{one.id}.{one.place.step}.{one.place.tries}"
        try:
            rendered = self.wording.word(
                campaign, self.channel, one.locale, facts, notification=one.id, reference=reference
            )
        except CannotRender as error:
            return Disposal(one.id, "hold", reason=why_held(error))
        address = self.catalogue.address(self.channel.name, one.phone, one.email)
        return Planned(one, str(address), rendered.message, rendered.template, _offered(rendered.message, facts))

    async def recorded(self, planned: Sequence[Planned], *, urgent: bool) -> tuple[list[Planned], list[Disposal]]:
        """Messages every word of which can be spoken, each with its engine; and calls that come up again when their
        clips are made: none waits for a voice while somebody listens."""
        calls = [plan.message for plan in planned if isinstance(plan.message, VoiceMessage)]
        if not calls:
            return list(planned), []
        engines = iter(await self.clips.choose(calls))
        wait = RECORDING_URGENT if urgent else RECORDING
        later = self.clock.now() + timedelta(seconds=wait * self.clock.scale)
        ready, waiting = [], []
        for plan in planned:
            engine = next(engines) if isinstance(plan.message, VoiceMessage) else CARRIER
            if engine is None:
                waiting.append(self.gate.put_back(plan.claimed, later))
            else:
                ready.append(_spoken_by(engine, plan))
        return ready, waiting


def _offered(message: Message, facts: Sequence[Facts]) -> dict[str, object]:
    section = facts[0].values.get("section")
    days = dict(message.days) if isinstance(message, VoiceMessage) else {}
    return {name: value for name, value in (("section", section), ("days", days)) if value}


def _spoken_by(engine: str, plan: Planned) -> Planned:
    if not isinstance(plan.message, VoiceMessage):
        return plan
    return replace(plan, message=replace(plan.message, engine=engine))
