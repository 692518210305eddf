"""Two complete processes on one database need nothing else of each other, and ring nobody twice."""

from notifier.settings import Pace
from tests.acceptance.crowd import BUSY, customers, everyone, finished, number, rung
from tests.house import FAST, open_house, second_process

MANY = 200


async def test_two_workers_share_one_run(database: str, source_database: str) -> None:
    pace = FAST | {"voice": Pace(rate=5, burst=50, most_in_flight=30, reserved=0)}
    async with (
        open_house(database, source_database, pace=pace) as house,
        second_process(house, database, source_database, pace=pace),
    ):
        await customers(house, MANY)
        await everyone(house)

        run = await finished(house, await house.launch())

        calls = await house.ledger("call")
        assert rung(calls) == {number(n): 1 for n in range(MANY)}
        assert (await house.tally(run)).outcomes == {"acknowledged": MANY}
        assert len({call["status_callback"].partition("/hooks")[0] for call in calls}) == 2  # both had their share


async def test_two_workers_under_a_bad_carrier(database: str, source_database: str) -> None:
    async with (
        open_house(database, source_database) as house,
        second_process(house, database, source_database),
    ):
        await customers(house, 40)
        await house.people({"calls": {number(n): [BUSY] for n in range(0, 40, 4)}})
        await everyone(house)
        await house.faults({"error_after": 0.3, "drop_after": 0.2, "lose": 0.2, "double": 0.3})

        await finished(house, await house.launch())

        assert rung(await house.ledger("call")) == {number(n): 1 if n % 4 else 2 for n in range(40)}
