"""Half an hour at a fixed rate with random faults: does anything grow that should not?

`python -m tests.faults.soak [--minutes 30] [--rate 8]`: two workers, two web processes and a scheduler as processes of
their own; a new run every minute; faults of the carrier, of the database's connections and kills, drawn anew all the
time. Prints memory, file descriptors, connections and table sizes every minute, then a verdict; exits 1 when something
grew, or when the carrier's ledger has anything against us.
"""

import argparse
import asyncio
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from notifier.app import Parts
from notifier.domain.states import RunState
from notifier.settings import Pace
from notifier.storage.embedded import database_url, temporary_server
from notifier.storage.runs import Run
from tests.conftest import make_templates, run_statement
from tests.faults.kill.fleet import Fleet, open_fleet
from tests.faults.kill.town import QUICK, Customer, make_town, settle_in, wrongs
from tests.house import FAST, TAIPEI, House, open_house

MORNING = datetime(2026, 12, 1, 9, 5, tzinfo=TAIPEI)
SCALE = 18  # the half hour is a working day
PACE = FAST | {"voice": Pace(rate=5, burst=50, most_in_flight=100, reserved=0)}
WATCHED = {"worker": 0, "web": 2, "scheduler": 4}  # berths that are not killed: what they hold must not grow
DOOMED = (1, 3)  # these are
WARM = 1 / 3  # of the time, until everything has found its size
MAY_GROW = 1.10  # the last third's median against the middle third's
CARRIER = ("error_after", "drop_after", "refuse", "lose", "double", "shuffle", "before_response", "mail_drop")
OPEN_TABLES = (
    "queue",
    "in_flight",
    "budget",
    "run",
)  # which hold what is open, and must not grow; the log grows by nature


@dataclass(frozen=True)
class Look:
    """What was measured at one moment. Bytes, but for the counts."""

    minute: float
    memory: dict[str, int]
    descriptors: dict[str, int]
    connections: int
    open_tables: int
    log_per_attempt: float
    attempts: int
    waiting: int


async def look(house: House, fleet: Fleet, began: float) -> Look:
    pids = {name: fleet.pid(berth) for name, berth in WATCHED.items()}
    row = await house.app.pool.fetchrow(
        "select (select count(*) from pg_stat_activity where datname = current_database()) as connections,"
        " (select sum(pg_total_relation_size(('notifier.' || name)::regclass)) from unnest($1::text[]) name) as open,"
        " (select sum(pg_total_relation_size(c.oid)) from pg_class c"
        "   where c.relkind = 'r' and c.relnamespace = 'notifier'::regnamespace"
        "     and c.relname ~ '^(attempt|receipt|notification|audience)') as log,"
        " (select count(*) from notifier.attempt) as attempts, (select count(*) from notifier.queue) as waiting",
        list(OPEN_TABLES),
    )
    assert row is not None
    return Look(
        (time.monotonic() - began) / 60,
        {name: resident(pid) for name, pid in pids.items()},
        {name: len(os.listdir(f"/proc/{pid}/fd")) for name, pid in pids.items()},
        row["connections"], int(row["open"]), int(row["log"]) / max(1, row["attempts"]),
        row["attempts"], row["waiting"],
    )  # fmt: skip


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Soak:
    house: House
    fleet: Fleet
    minutes: float
    rate: float
    console: Console
    dice: Random

    async def live(self) -> tuple[list[Look], list[Customer]]:
        """A new run every minute, to the end; answers what was measured and everybody who was to be told."""
        began, looks, town = time.monotonic(), [], list[Customer]()
        each = round(self.rate * 60)
        troubles = asyncio.create_task(self.trouble())
        try:
            for minute in range(round(self.minutes)):
                new = make_town(each, QUICK, start=len(town))
                await settle_in(self.house, new)
                town += new
                await self.house.launch(f"soak {minute}")
                await self.sleep_until(began + (minute + 1) * 60)
                looks.append(await look(self.house, self.fleet, began))
                self.report(looks[-1])
        finally:
            troubles.cancel()
            with suppress(asyncio.CancelledError):
                await troubles
        await self.house.no_more_faults()
        await self.all_finished()
        return looks, town

    async def sleep_until(self, moment: float) -> None:
        await asyncio.sleep(max(0, moment - time.monotonic()))

    async def trouble(self) -> None:
        """Something else goes wrong every few seconds."""
        kinds: list[Callable[[], Awaitable[None]]] = [self.carrier_fails] * 6 + [
            self.connections_cut,
            self.someone_dies,
        ]
        while True:
            await asyncio.sleep(self.dice.uniform(2, 8))
            await self.dice.choice(kinds)()

    async def carrier_fails(self) -> None:
        chosen = self.dice.sample(CARRIER, 3)
        await self.house.no_more_faults()
        await self.house.faults({name: round(self.dice.uniform(0.02, 0.2), 2) for name in chosen})

    async def connections_cut(self) -> None:
        await self.house.app.pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and application_name in ('notifier work', 'notifier web', 'notifier keep') and random() < 0.5"
        )

    async def someone_dies(self) -> None:
        self.fleet.kill(self.dice.choice(DOOMED))

    async def all_finished(self) -> None:
        async def none_open() -> bool:
            return all(over(run) for run, _ in await self.house.app.runs.latest(1000))

        await self.house.until(none_open, "runs", within=600)

    def report(self, seen: Look) -> None:
        memory = " ".join(f"{name} {size / 2**20:.0f} MB" for name, size in seen.memory.items())
        descriptors = " ".join(str(count) for count in seen.descriptors.values())
        self.console.print(
            f"{seen.minute:5.1f} min  {seen.attempts:6} attempts, {seen.waiting} queued  {memory}  fds {descriptors}  "
            f"{seen.connections} connections  open tables {seen.open_tables / 1024:.0f} KiB  "
            f"log {seen.log_per_attempt:.0f} bytes an attempt"
        )


def over(run: Run) -> bool:
    return run.state is RunState.FINISHED


def verdict(looks: list[Look], console: Console) -> bool:
    """Whether the last third of the time needed no more than the middle third. Of what goes up and down with the load
    the lowest is compared: what leaks does not come back, but one look may fall into a burst."""
    table = Table("what", "middle third", "last third", "ratio", "")
    good = True
    third = max(1, round(len(looks) * WARM))
    middle, last = looks[third : 2 * third] or looks[:1], looks[-third:]
    for name, (of, measure) in measures().items():
        before, after = of(middle, measure), of(last, measure)
        flat = after <= before * MAY_GROW + 1
        good = good and flat
        table.add_row(name, f"{before:,.0f}", f"{after:,.0f}", f"{after / before:.2f}", "flat" if flat else "GREW")
    console.print(table)
    return good


Measure = Callable[[Look], float]
Summary = Callable[[list[Look], Measure], float]


def median(looks: list[Look], measure: Measure) -> float:
    return sorted(measure(one) for one in looks)[len(looks) // 2]


def lowest(looks: list[Look], measure: Measure) -> float:
    return min(measure(one) for one in looks)


def measures() -> dict[str, tuple[Summary, Measure]]:
    found: dict[str, tuple[Summary, Measure]] = {}
    for name in WATCHED:
        found[f"memory of a {name}, bytes"] = median, lambda one, name=name: one.memory[name]  # type: ignore[misc]
        found[f"descriptors of a {name}, lowest"] = (
            lowest,
            lambda one, name=name: one.descriptors[name],  # type: ignore[misc]
        )
    return found | {
        "connections, lowest": (lowest, lambda one: one.connections),
        "tables of what is open, bytes": (median, lambda one: one.open_tables),
        "log, bytes an attempt": (median, lambda one: one.log_per_attempt),
    }


async def soak(minutes: float, rate: float, seed: int, url: str, console: Console) -> bool:
    name, source_name = f"soak_{uuid.uuid4().hex[:8]}", f"source_{uuid.uuid4().hex[:8]}"
    await run_statement(url, "postgres", f"create database {name} template template_notifier")
    await run_statement(url, "postgres", f"create database {source_name} template template_source")
    database, source = url.replace("DATABASE", name), url.replace("DATABASE", source_name)
    async with (
        open_house(database, source, scale=SCALE, start=MORNING, parts=Parts()) as house,
        open_fleet(house, database, source, hasty=False, pace=PACE) as fleet,
    ):
        fleet.start()
        watch = asyncio.create_task(fleet.watch())
        looks, town = await Soak(house, fleet, minutes, rate, console, Random(f"soak/{seed}")).live()
        await house.quiet()
        found, seen = await wrongs(house, town)
        watch.cancel()
        console.print(f"{len(town)} customers; {dict(seen)}; killed: {dict(fleet.killed)}")
        console.print("\n".join(["the carrier's ledger has against us:", *found[:20]]) if found else "ledger: in order")
        for fallen in fleet.fallen:
            console.print(f"fell by itself: {fallen}")
        return verdict(looks, console) and not found and not fleet.fallen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30, help="how long (default: 30)")
    parser.add_argument("--rate", type=float, default=8, help="customers a second (default: 8)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (default: 1)")
    given = parser.parse_args()
    with temporary_server() as server:
        url = database_url(server, "DATABASE")
        asyncio.run(make_templates(url))
        good = asyncio.run(soak(given.minutes, given.rate, given.seed, url, Console(width=170)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
