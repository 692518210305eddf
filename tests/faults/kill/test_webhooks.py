"""A worker is killed between the answer of a receiver and its own record of it."""

import asyncio
from pathlib import Path

import pytest

from notifier.app import Parts
from tests.faults.kill.fleet import forks
from tests.faults.kill.process import Orders, main
from tests.house import free_port, make_settings, open_house
from tests.office.kit import Receiver, all_in, deliveries, happened, subscribe


@pytest.mark.parametrize("trap", ["record:before", "record:amid", "claim:after", "claim:amid", "spread:after"])
async def test_what_was_taken_is_repeated_under_its_id_and_nothing_is_lost(
    trap: str, database: str, source_database: str, folder: Path
) -> None:
    traps = folder / "traps"
    traps.mkdir()
    (traps / f"work webhooks.{trap}").touch()
    async with open_house(database, source_database, parts=Parts()) as house, Receiver(house.clock) as receiver:
        settings = make_settings(
            database, source_database, house.sandbox, house.clock, port=free_port(), webhook_private=True
        )
        orders = Orders("work", settings, traps, folder / "work.log")
        await subscribe(house.app, receiver)
        await happened(house.app, "B1", "B1", "B2")
        first = forks.Process(target=main, args=(orders,), daemon=True)
        first.start()
        await asyncio.to_thread(first.join, 30)
        assert first.exitcode == -9, (folder / "work.log").read_text()
        second = forks.Process(target=main, args=(orders,), daemon=True)
        second.start()
        try:
            await all_in(house, "delivered", 3, within=40)
        finally:
            second.kill()
            second.join()
        rows = await deliveries(house.app)

    times = {str(row["event_id"]): row["tries"] for row in rows}
    asked = [one.id for one in receiver.requests]
    assert set(asked) == times.keys()
    assert all(asked.count(one) <= tries <= 2 for one, tries in times.items())
    if trap == "record:before":
        assert len(asked) > 3, "the receiver was told again"
    assert [one.data["number"] for one in receiver.taken if one.subject == "B1"] in ([1, 2], [1, 1, 2])
