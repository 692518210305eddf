"""Status callbacks: delivered in order, unless a fault says otherwise."""

import asyncio

from notifier.clock import Clock
from notifier.sandbox.activity import Activity
from notifier.sandbox.faults import MISSPELT, Faults
from notifier.sandbox.records import Callback, Track, Trouble
from notifier.sandbox.webhooks import NoReplyError, Webhooks

STATUSES = ("CallStatus", "MessageStatus", "SmsStatus")


class Callbacks:
    """Sends the status callbacks of calls and messages; one at a time for each of them."""

    def __init__(self, webhooks: Webhooks, clock: Clock, faults: Faults, activity: Activity) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._faults = faults
        self._activity = activity

    def notify(
        self, track: Track, to: Callback, params: dict[str, str], errors: list[Trouble], *, last: bool = False
    ) -> None:
        """Sends one callback in the background. `last`: none follows, so that nothing may be held back for the next."""
        batch = self._faulted(track, to, params, errors, last)
        if not batch and track.first is not None:  # lost or late: whoever waits for it would wait in vain
            track.first.set()
        if batch or last:
            batch += track.held
            track.held = []
        if batch:
            track.tail = self._activity.start(self._in_turn(track.tail, track, to, batch, errors))

    def _faulted(
        self, track: Track, to: Callback, params: dict[str, str], errors: list[Trouble], last: bool
    ) -> list[dict[str, str]]:
        """What is to be sent now in place of this one callback."""
        faults, dice = self._faults.now, self._faults.dice
        if faults.lose.strikes(dice, track.to, track.resource):
            return []
        if faults.misspell.strikes(dice, track.to, track.resource):
            params = params | {name: MISSPELT for name in STATUSES if name in params}
        copies = [params] * (2 if faults.double.strikes(dice, track.to, track.resource) else 1)
        if faults.delay.strikes(dice, track.to, track.resource):
            self._activity.start(self._later(faults.delay.seconds, track, to, copies, errors))
            return []
        if not last and faults.shuffle.strikes(dice, track.to, track.resource):
            track.held += copies
            return []
        return copies

    async def _later(
        self, seconds: float, track: Track, to: Callback, batch: list[dict[str, str]], errors: list[Trouble]
    ) -> None:
        await self._clock.sleep(seconds)
        await self._in_turn(None, track, to, batch, errors)

    async def _in_turn(
        self,
        before: "asyncio.Task[None] | None",
        track: Track,
        to: Callback,
        batch: list[dict[str, str]],
        errors: list[Trouble],
    ) -> None:
        if before is not None:
            await asyncio.wait((before,))
        for params in batch:
            await self._deliver(track, to, params, errors)

    async def _deliver(self, track: Track, to: Callback, params: dict[str, str], errors: list[Trouble]) -> None:
        try:
            reply = await self._webhooks.send(to.url, params, to.method)
        except NoReplyError as failure:
            errors.append(Trouble(failure.code, str(failure), to.url))
        else:
            track.sent += 1
            if not 200 <= reply.status < 300:
                errors.append(Trouble(11200, f"status callback answered with {reply.status}", to.url))
        if track.first is not None:
            track.first.set()
