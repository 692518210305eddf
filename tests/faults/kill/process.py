"""What runs in a process that is going to be killed: a notifier as `notifier work | web | keep` runs it."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from notifier.app import Parts, open_app, serve
from notifier.channels import twilio_receipts
from notifier.engine import clips, dispatcher, preparer, webhooks, write_ahead
from notifier.settings import Settings
from tests.faults.kill.traps import Traps, lay_traps

ROLES = {"work": Parts(work=True), "web": Parts(web=True), "keep": Parts(keep=True)}
# Real seconds, production's being 10, 10, 30 and 30: the same order of events in less time.
PATIENCE = 1.0  # of one request to the carrier
LEASE = 2.0
MAKING = 3.0  # of a claim of clips
OVER = 3.5  # > facts of 2 s at most, and the request
# What the carrier created so long after an attempt was written can be it. By this clock a request of 0.3 s takes six
# minutes: with production's five it stayed in doubt, and its customer was held for a person.
EARLIEST, LATEST, NEAR = timedelta(minutes=-5), timedelta(minutes=40), timedelta(minutes=60)


@dataclass(frozen=True)
class Orders:
    """`log`: where this process writes; `traps`: the folder of those it may step on. `hasty`: with shortened waits."""

    role: str
    settings: Settings
    traps: Path
    log: Path
    hasty: bool = True


def main(orders: Orders) -> None:
    """Live until killed."""
    sys.stderr = sys.stdout = orders.log.open("a", buffering=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    if orders.hasty:
        hasten()
    asyncio.run(_live(orders))


def hasten() -> None:
    """Shorten the waits of this process."""
    dispatcher.LEASE, write_ahead.OVER = LEASE, OVER
    webhooks.LEASE = LEASE
    preparer.LEASE, clips.MAKING = LEASE, MAKING
    twilio_receipts.EARLIEST, twilio_receipts.LATEST, twilio_receipts.NEAR = EARLIEST, LATEST, NEAR


async def _live(orders: Orders) -> None:
    async with open_app(orders.settings, name=orders.role) as app:
        lay_traps(app, Traps(orders.traps, orders.role))
        await serve(app, ROLES[orders.role])
