"""An event opens what tells its subject: the campaign's own audience, restricted to the subjects of the events.

What events of one campaign ask for on one day is told in one run, open from its first event until its day is over. Who
is told, what is left out, what was told before is decided by the same statements as for a run that selects thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock
from notifier.domain.campaign import Campaign, read_parameters
from notifier.domain.event import Came
from notifier.domain.states import RunState
from notifier.engine.catalogue import Catalogue
from notifier.engine.planner import Drawn, Moved, Planner
from notifier.engine.write_ahead import URGENT_BELOW
from notifier.storage.audiences import AudienceStore, OneSubject
from notifier.storage.events import Event, EventStore, Standing
from notifier.storage.queries import Connection

log = structlog.get_logger()

# After midnight, for whoever began to add before it: a run that is empty must not be closed while it is being filled.
GRACE = timedelta(hours=1)


class NotOurTurn(Exception):
    """Somebody else draws an audience of the campaign at this moment."""


@dataclass(frozen=True, slots=True)
class Day:
    """The run of one campaign's events on one day, by its key; it takes more until then."""

    key: str
    until: datetime


@dataclass(frozen=True)
class Triggers:
    catalogue: Catalogue
    clock: Clock
    events: EventStore
    audiences: AudienceStore
    planner: Planner

    async def handle(self, connection: Connection, campaign: Campaign, events: Sequence[Event]) -> dict[str, str]:
        """Open what the events ask for, in the transaction of `connection`; answers what each came to, by subject.

        Raises NotOurTurn, Moved, and what drawing an audience raises.
        """
        if not await self.events.try_turn(connection, campaign.name):
            raise NotOurTurn
        day = self._day(campaign, self.clock.now())
        subjects = [event.subject for event in events]
        standing = await self.events.standing(connection, day.key)
        if standing is not None and standing.state == RunState.CANCELLED:
            return dict.fromkeys(subjects, Came.RUN_CANCELLED)
        done = await self._acknowledged(connection, campaign, subjects)
        if not (open_still := [subject for subject in subjects if subject not in done]):
            return dict.fromkeys(subjects, Came.ACKNOWLEDGED)
        drawn = await self.planner.draw(connection, campaign, read_parameters(campaign, {}), open_still)
        if drawn.selected:
            run = await self._open(connection, campaign, day)
            await self._add(connection, campaign, run, drawn)
            await self.events.note_trigger(connection, run.id, campaign.name, events)
        came = {one.subject: _came(one) for one in await self.audiences.by_subject(connection, open_still)}
        return dict.fromkeys(done, str(Came.ACKNOWLEDGED)) | came

    async def _acknowledged(
        self, connection: Connection, campaign: Campaign, subjects: Sequence[str]
    ) -> frozenset[str]:
        if not campaign.until_acknowledged:
            return frozenset()
        return await self.events.acknowledged(connection, campaign.name, subjects)

    def _day(self, campaign: Campaign, now: datetime) -> Day:
        local = self.catalogue.calendar.local(now)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Day(f"{campaign.name} events {local:%Y-%m-%d}", midnight + GRACE)

    async def _open(self, connection: Connection, campaign: Campaign, day: Day) -> Standing:
        await self.events.open_standing(
            connection, key=day.key, campaign=campaign.name, owner=campaign.owner, params={"events": True},
            priority=min(campaign.priority, URGENT_BELOW - 1), zone=self.catalogue.calendar.zone.key,
            until=day.until, now=self.clock.now(),
        )  # fmt: skip
        standing = await self.events.standing(connection, day.key)
        assert standing is not None
        return standing

    async def _add(self, connection: Connection, campaign: Campaign, run: Standing, drawn: Drawn) -> None:
        channels = [step.channel for step in campaign.plan]
        expiry = drawn.screened.next_expiry
        if not await self.events.grow(connection, run.id, drawn.selected, drawn.already_told, expiry):
            raise Moved
        await self.audiences.fan_out(connection, run.id, campaign.name, drawn.due_at, channels, drawn.put_off)


def _came(one: OneSubject) -> str:
    if one.tellable:
        return Came.OPENED
    if one.out_because is not None:
        return f"{Came.LEFT_OUT}: {one.out_because}"
    return Came.ALREADY_TOLD if one.selected else Came.NOT_SELECTED
