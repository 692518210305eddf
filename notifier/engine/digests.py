"""Open answers by mail to the sections that have no case system, at the hours of a cron line.

The row comes first: who opens the digest of a section and a moment writes its words with it, and only what is written
is sent. So any number of schedulers sends one, and a mail that may have gone out is repeated as the same mail.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from notifier.clock import Clock
from notifier.domain.errors import ChannelError, Misconfigured, Refused
from notifier.domain.message import EmailMessage, read_message, store_message
from notifier.engine.backoff import Persistence
from notifier.engine.cron import last_firing, next_firing
from notifier.engine.digest_words import DigestWords
from notifier.storage.digests import Digest, DigestState, DigestStore
from notifier.storage.queries import Connection

log = structlog.get_logger()

POLL = 1.0  # real seconds
MOST_LISTED = 200  # answers in one mail; the others are counted
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30))  # after a mail that was not sent; then the last


class Mailer(Protocol):
    async def deliver(self, message: EmailMessage, address: str) -> str:
        """What the server said when it took the mail. Raises ChannelError."""

    async def close(self) -> None: ...


@dataclass
class Digests:
    """`to`: the address of each section; `takes`: real seconds that the mailer may take over one mail."""

    store: DigestStore
    clock: Clock
    words: DigestWords
    mailer: Mailer
    cron: str
    to: Mapping[str, str]
    takes: float
    _next: datetime | None = None  # before that no digest is to be opened

    async def run(self) -> None:
        """Send until cancelled."""
        persistence = Persistence("digests")
        try:
            while True:
                if not await persistence.attempt(self.turn):
                    await asyncio.sleep(POLL)
        finally:
            await self.mailer.close()

    async def turn(self) -> bool:
        """Open what is due, send one; answers whether there may be more."""
        if self.clock.astray:
            return False
        await self._open_due()
        now = self.clock.now()
        digest = await self.store.claim(self.to, now + timedelta(seconds=self.takes * self.clock.scale), now)
        if digest is None:
            return False
        await self._send(digest)
        return True

    async def _open_due(self) -> None:
        """The digests of the last moment of the line; what was missed before it is in them."""
        now = self.clock.now()
        if self._next is not None and now < self._next:
            return
        zone = self.words.calendar.zone.key
        if moment := last_firing(self.cron, zone, now):
            for section in self.to:
                await self._open(section, moment, now)
        self._next = next_firing(self.cron, zone, now)

    async def _open(self, section: str, moment: datetime, now: datetime) -> None:
        async with self.store.pool.acquire() as connection, connection.transaction():
            digest = await self.store.open(connection, section, moment, now)
            if digest is not None:
                await self._write(connection, digest, section, now)

    async def _write(self, connection: Connection, digest: int, section: str, now: datetime) -> None:
        counts = await self.store.count_open(connection, section, now)
        if not counts.new and not counts.overdue:
            await self.store.close(digest, DigestState.NOTHING_NEW, None, now, connection)
            log.info("digest.nothing_new", section=section, open=counts.open)
            return
        listed = await self.store.to_list(connection, section, now, MOST_LISTED)
        message = self.words.word(section, listed, counts, now=now)
        replies = [one.id for one in listed]
        await self.store.write(connection, digest, replies, counts.overdue, store_message(message))

    async def _send(self, digest: Digest) -> None:
        message = read_message({**digest.message, "reference": f"digest.{digest.reference}"})
        assert isinstance(message, EmailMessage)
        try:
            await self.mailer.deliver(message, self.to[digest.section])
        except ChannelError as error:
            await self._note_failure(digest, error)
            return
        await self.store.note_sent(digest, self.clock.now())
        log.info("digest.sent", section=digest.section, answers=len(digest.replies))

    async def _note_failure(self, digest: Digest, error: ChannelError) -> None:
        """Whatever may have been sent is sent again under the same Message-ID: it is the same mail."""
        now, why = self.clock.now(), str(error)
        if isinstance(error, Refused):
            await self.store.close(digest.id, DigestState.REFUSED, why, now)
            log.error("digest.refused", section=digest.section, reason=why)
            return
        await self.store.put_off(digest, now + WAITS[min(digest.tries, len(WAITS)) - 1], why)
        say = log.error if isinstance(error, Misconfigured) else log.warning
        say("digest.put_off", section=digest.section, reason=why)
