"""What calls and messages are made with, and the pace at which calls start."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.clock import Clock
from notifier.sandbox.activity import Activity
from notifier.sandbox.audio import Clips
from notifier.sandbox.callbacks import Callbacks
from notifier.sandbox.faults import Faults
from notifier.sandbox.people import Crowd
from notifier.sandbox.records import Ledger
from notifier.sandbox.webhooks import Webhooks

API_VERSION = "2010-04-01"


class Pace:
    """Grants starts at most `per_second` times a second of the clock; 0 is no limit."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self._next: datetime | None = None

    async def turn(self) -> None:
        if not self._per_second:
            return
        now = self._clock.now()
        mine = max(now, self._next or now)
        self._next = mine + timedelta(seconds=1 / self._per_second)
        await self._clock.sleep((mine - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Exchange:
    """The parts that calls and messages share."""

    account_sid: str
    clock: Clock
    ledger: Ledger
    crowd: Crowd
    faults: Faults
    activity: Activity
    webhooks: Webhooks
    callbacks: Callbacks
    clips: Clips
    pace: Pace
