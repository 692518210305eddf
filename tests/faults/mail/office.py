"""An office whose mails may come back, and the hands that bring them back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from notifier.sandbox.returned_mail import Sent, compose, hand_over
from notifier.storage.runs import Run
from tests.acceptance.crowd import finished
from tests.faults.carrier.town import when
from tests.house import House, free_port, open_house

BOUNCES = {"bounce_address": "bounce@notice.office.example", "bounce_secret": "made-up-for-tests"}
NO_SUCH_USER, MAILBOX_FULL, TRIED_LATER = 511, 522, 441


def person(name: str) -> str:
    return f"{name}@customer.example"


@dataclass
class Office:
    """Customers with nothing but a mail address: name -> account."""

    house: House
    lmtp: int
    accounts: dict[str, str]

    async def customers(self, *names: str) -> None:
        for name in names:
            self.accounts[name] = await self.house.customer(mobile=None, email=person(name))
            await self.house.bill(self.accounts[name])

    async def mailed(self, *names: str) -> Run:
        """A finished run that mailed them all."""
        await self.customers(*names)
        return await finished(self.house, await self.house.launch())

    async def return_paths(self, name: str) -> list[str]:
        """The envelope senders of the mails the customer was sent, in their order."""
        return [mail["mail_from"] for mail in await self.house.mailbox() if mail["rcpt_tos"] == [person(name)]]

    async def bring_back(self, to: str, kind: str = "failed", code: int = NO_SUCH_USER) -> int:
        """A report in the shape of Postfix (or of a complaint), handed over; how it was answered."""
        sent = Sent(1, to, person("somebody"), b"Subject: notice\r\n\r\nwords", self.house.clock.now())
        return await self.bring(to, compose(kind, code, sent))

    async def bring(self, to: str, mail: bytes) -> int:
        return await asyncio.to_thread(hand_over, "127.0.0.1", self.lmtp, to, mail)

    async def heard(self) -> None:
        """Until every word that is stored was applied."""

        async def applied() -> bool:
            return not await self.house.app.pool.fetchval(
                "select exists (select from notifier.receipt where applied_at is null)"
            )

        await when(applied)

    async def outcome(self, name: str) -> tuple[str, str]:
        row = await self.house.notification(self.accounts[name])
        return row["outcome"], row["reason"]

    async def endings(self, name: str) -> list[str]:
        return [one["disposition"] for one in await self.house.attempts(self.accounts[name])]

    async def bans(self) -> set[tuple[str, str | None, str]]:
        """Address, purpose (None: every one) and reason of each suppression that stands."""
        rows = await self.house.app.pool.fetch(
            "select address, purpose, reason from notifier.suppression where undone_at is null"
        )
        return {tuple(row) for row in rows}

    async def adds_up(self, run: Run, **outcomes: int) -> None:
        tally = await self.house.tally(run)
        assert (tally.difference, dict(tally.outcomes)) == (0, outcomes)


@asynccontextmanager
async def open_office(database: str, source: str, **more: Any) -> AsyncIterator[Office]:
    port = free_port()
    async with open_house(database, source, smtp=BOUNCES, lmtp={"port": port}, **more) as house:
        yield Office(house, port, {})
