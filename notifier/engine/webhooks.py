"""Events out: to every subscriber that wants them, in order per subject, each under one id until it is taken.

A delivery is claimed and committed, sent, and recorded; no connection is held meanwhile. A worker that dies leaves a
lease behind, and when that has ended another sends the same under the same id: receivers know a repeat by it.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from standardwebhooks import Webhook

from notifier.channels.webhook_transport import DEADLINE, WebhookTransport
from notifier.clock import Clock
from notifier.domain.delivery import OLDEST, DeliveryState, Heard, Reason, Verdict, body, judge
from notifier.engine.backoff import Persistence, wait_for
from notifier.storage.database import WakeUps
from notifier.storage.webhooks import Delivery, Result, Target, WebhookStore

log = structlog.get_logger()

OUTBOX = "outbox"  # the wake-up of whoever has written a row there
TEST = "webhook.test"  # the type of an event that a person asks for
POLL = 1.0  # real seconds; covers a lost wake-up, and the hours of next tries
LEASE = DEADLINE + 15.0  # real seconds from the claim to the record
AT_ONCE = 8  # deliveries to one subscriber at the same time, over all workers
TROUBLE = 3  # failures in a row after which a subscriber is only asked now and then, by one delivery
PORTION = 1000  # rows of outbox that become deliveries in one statement
TIDY = 10.0  # real seconds between two looks for what is to be given up


@dataclass
class Courier:
    clock: Clock
    webhooks: WebhookStore
    wake_ups: WakeUps
    transport: WebhookTransport
    _woken: asyncio.Event = field(init=False)
    _under_way: "set[asyncio.Task[None]]" = field(default_factory=set)
    _results: list[Result] = field(default_factory=list)  # not on disk yet
    _tidied: float = float("-inf")  # monotonic seconds

    def __post_init__(self) -> None:
        self._woken = self.wake_ups.event(OUTBOX)

    async def run(self) -> None:
        """Deliver until cancelled."""
        persistence = Persistence("webhooks")
        async with self.transport:
            try:
                while True:
                    if not await persistence.attempt(self.turn):
                        await wait_for(self._woken, POLL)
            finally:
                for task in self._under_way:
                    task.cancel()
                await asyncio.gather(*self._under_way, return_exceptions=True)

    async def turn(self) -> bool:
        """Record what has come back, spread what is new, send what is due; answers whether more is new."""
        if self.clock.astray:
            return False
        await self._record()
        spread = await self.webhooks.spread(self.clock.now(), PORTION)
        await self._tidy()
        for delivery in await self.webhooks.claim(self.clock.now(), self._lease(), most=AT_ONCE, trouble=TROUBLE):
            task = asyncio.create_task(self._send(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._is_back)
        return spread == PORTION

    async def test(self, target: Target) -> Heard:
        """Send an event that means nothing, once, and say what came back. It is in the log like any other."""
        async with self.transport:
            delivery = await self.webhooks.open_test(target, TEST, self.clock.now(), self._lease())
            heard = await self._post(delivery)
        well = Verdict(DeliveryState.DELIVERED) if heard.well else Verdict(DeliveryState.DEAD, reason=Reason.TEST)
        self._results.append(Result(delivery, heard, well))
        await self._record()
        return heard

    def _lease(self) -> datetime:
        return self.clock.now() + timedelta(seconds=LEASE * self.clock.scale)

    def _is_back(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._woken.set()

    async def _send(self, delivery: Delivery) -> None:
        heard = await self._post(delivery)
        now = self.clock.now()
        verdict = judge(heard, delivery.tries, now, random.random())  # noqa: S311 - jitter
        not_before = now + heard.after if heard.after and not heard.well else None
        self._results.append(Result(delivery, heard, verdict, not_before))

    async def _post(self, delivery: Delivery) -> Heard:
        """The time that is signed is real: a receiver refuses what is more than minutes old."""
        now = self.clock.real_now()
        payload = body(delivery.type, delivery.at, delivery.subject, delivery.data)
        headers = {
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(delivery.secret).sign(delivery.event_id, now, payload),
        }
        return await self.transport.post(delivery.url, payload.encode(), headers, now)

    async def _record(self) -> None:
        """What cannot be written now is kept for the next turn."""
        results = self._results[:]
        if not results:
            return
        await self.webhooks.record(results, self.clock.now(), trouble=TROUBLE)
        del self._results[: len(results)]
        for one in results:
            if one.verdict.state is DeliveryState.DEAD:
                why = {"answer": str(one.heard), "reason": str(one.verdict.reason)}
                log.error("webhook.dead_letter", subscriber=one.delivery.subscriber, delivery=one.delivery.id, **why)
        await self._disable_gone(results)

    async def _disable_gone(self, results: Sequence[Result]) -> None:
        """410 says that nothing is wanted there any more: whatever else waits for it is not sent."""
        for who, name in {
            one.delivery.subscriber_id: one.delivery.subscriber for one in results if one.heard.gone
        }.items():
            if await self.webhooks.disable(who, Reason.GONE, self.clock.now()):
                log.error("webhook.disabled", subscriber=name, reason=Reason.GONE.value)
                self._tidied = float("-inf")

    async def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY:
            return
        now = self.clock.now()
        if given_up := await self.webhooks.give_up(now - OLDEST, Reason.TOO_OLD, Reason.REMOVED, now):
            log.error("webhook.given_up", deliveries=given_up)
        self._tidied = time.monotonic()
