"""Put off by the hundred, and turned away in words that may mean us: through the sandbox's mailbox."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from notifier.domain.states import RunState
from tests.acceptance.crowd import finished
from tests.faults.mail.office import Office, open_office, person
from tests.faults.mail.test_stages import paused, resume
from tests.house import TAIPEI

Note = Callable[[str, object], None]

MANY = 150
MINUTES = 5  # a new sender waits at a server that greylists


def names(count: int) -> list[str]:
    return [f"customer{n}" for n in range(count)]


async def arrivals(office: Office) -> list[datetime]:
    return sorted(datetime.fromisoformat(mail["received_at"]) for mail in await office.house.mailbox())


@pytest.mark.long
async def test_hundreds_greylisted_at_once_are_all_told_in_a_quarter_of_an_hour(
    database: str, source_database: str, record_property: Note
) -> None:
    """Were each of them taken for trouble of the channel, its breaker would let one try at a time find out."""
    async with open_office(database, source_database, scale=60) as office:
        await office.customers(*names(MANY))
        await office.house.faults({"mail_greylist": {"share": 1, "seconds": 60 * MINUTES}})
        run = await office.house.launch()
        assert (await finished(office.house, run)).state is RunState.FINISHED

        assert Counter(mail["rcpt_tos"][0] for mail in await office.house.mailbox()) == Counter(
            person(name) for name in names(MANY)
        )
        first, *_, last = [moment.astimezone(TAIPEI) for moment in await arrivals(office)]
        record_property(f"{MANY} greylisted: from the first to the last mail, s", round((last - first).total_seconds()))
        assert (last - run.opened_at).total_seconds() < 15 * 60
        await office.adds_up(run, reached=MANY)


@pytest.mark.long
async def test_relay_access_denied_stops_the_channel_and_leaves_nobody_unreached(
    database: str, source_database: str
) -> None:
    """A server that does not know us says so of every recipient. The five that found it out wait for a person."""
    async with open_office(database, source_database, scale=60) as office:
        await office.customers(*names(20))
        await office.house.faults({"mail_refuse": {"share": 1, "code": 554_571}})
        run = await office.house.planned(await office.house.launch())

        assert "554 5.7.1" in await paused(office.house)

        assert await office.house.mailbox() == []
        tally = await office.house.tally(run)
        assert (tally.outcomes, tally.difference) == ({}, 0)
        assert 5 <= sum(tally.held.values()) < 10
        await office.house.no_more_faults()
        await resume(office.house)
        held = sum(tally.held.values())
        await office.house.ended(run)
        assert len(await office.house.mailbox()) == 20 - held
