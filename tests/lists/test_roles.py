"""The office's commands take, read and drop lists; a worker tells them and changes none; web sees none."""

import asyncpg
import pytest

from notifier.app import Parts
from notifier.engine.list_reading import read_list
from tests.events.test_roles import as_role
from tests.house import DISTRICT, open_house
from tests.lists.files import as_csv

ROWS = [["電號", "手機"], ["07000000001", ""], ["", "0912000002"], ["12", ""]]


async def test_each_kind_of_process_has_what_it_needs_of_a_list(database: str, source_database: str) -> None:
    async with open_house(database, source_database, parts=Parts()) as house:
        async with as_role(house, "notifier_scheduler") as office:
            made, new = await office.lists.upload("calls", read_list(as_csv(ROWS)), DISTRICT, office.clock.now())
            assert (new, made.taken, made.bad) == (True, 2, 1)
        run = await house.launch("k", "customer_care", list="calls", template="greeting")
        async with as_role(house, "notifier_worker") as worker:
            assert await worker.planner().plan_next()
            known = await worker.source.facts("customer_care", [f"L{made.id}-3"], worker.clock.now())
            assert known[f"L{made.id}-3"].still_due
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await worker.lists.drop(made.id, worker.clock.now())
        async with as_role(house, "notifier_web") as web:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await web.lists.find("calls")
        assert (await house.tally(run)).excluded == {"unknown_account": 1}
        async with as_role(house, "notifier_scheduler") as office:
            assert await office.lists.drop(made.id, office.clock.now())
            assert await office.lists.find("calls") is None
