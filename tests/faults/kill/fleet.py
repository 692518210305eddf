"""Two workers, two web processes and a scheduler: killed one after another, and started again at once."""

import asyncio
import multiprocessing
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.faults.kill.process import Orders, main
from tests.faults.proxy import open_proxy, tcp
from tests.house import House, free_port, make_settings

CREW = ("work", "work", "web", "web", "keep")
LOOK = 0.02  # seconds between two looks at who has died

# A server that has imported everything already: a process is there in 20 ms, not in a second.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.faults.kill.process"])


def warm_up() -> None:
    """Until that server stands. Its imports take two seconds, by a fast clock an hour: the schedule would be missed."""
    first = forks.Process(target=int)
    first.start()
    first.join()


@dataclass
class Berth:
    """A place in the crew, filled again whenever it falls vacant."""

    orders: Orders
    process: ForkServerProcess | None = None

    def fill(self) -> None:
        self.process = forks.Process(target=main, args=(self.orders,), daemon=True)
        self.process.start()


@dataclass
class Fleet:
    traps: Path
    berths: list[Berth] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    fallen: list[str] = field(default_factory=list)  # processes that ended without having been killed

    def arm(self, trap: str) -> None:
        (self.traps / trap).touch()

    def armed(self) -> set[str]:
        return {path.name for path in self.traps.iterdir()}

    def disarm(self) -> set[str]:
        """Take up the traps nobody has stepped on; answers them."""
        left = self.armed()
        for trap in left:
            (self.traps / trap).unlink(missing_ok=True)
        return left

    def alive(self) -> list[int]:
        """The berths in which somebody lives at this moment."""
        return [n for n, berth in enumerate(self.berths) if berth.process is not None and berth.process.is_alive()]

    def kill(self, berth: int) -> None:
        """kill -9, whatever it is doing."""
        process = self.berths[berth].process
        if process is not None and process.is_alive():
            self.killed[f"{self.berths[berth].orders.role} at random"] += 1
            process.kill()

    def pid(self, berth: int) -> int:
        process = self.berths[berth].process
        assert process is not None
        assert process.pid is not None
        return process.pid

    async def watch(self) -> None:
        """Fill every berth again as it falls vacant, until cancelled."""
        while True:
            for berth in self.berths:
                if berth.process is not None and (code := berth.process.exitcode) is not None:
                    if code != -9:
                        self.fallen.append(f"{berth.orders.role} exited with {code}")
                    berth.fill()
            await asyncio.sleep(LOOK)

    def start(self) -> None:
        for berth in self.berths:
            berth.fill()

    def end(self) -> None:
        for berth in self.berths:
            if berth.process is not None:
                berth.process.kill()
                berth.process.join()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.traps.parent.glob("*.log")))


@asynccontextmanager
async def open_fleet(
    house: House, database: str, source: str, *, hasty: bool = True, **settings: Any
) -> AsyncIterator[Fleet]:
    """A fleet behind one address, on the databases, the carrier and the clock of a house. Its berths are empty yet."""
    ports = [free_port(), free_port()]
    async with AsyncExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notifier-kill-")))
        proxy = await stack.enter_async_context(open_proxy(*(tcp(port) for port in ports)))
        fleet = Fleet(base / "traps")
        fleet.traps.mkdir()
        webs = iter(ports)
        for number, role in enumerate(CREW):
            port = next(webs) if role == "web" else free_port()
            made = make_settings(
                database, source, house.sandbox, house.clock,
                public_url=f"http://127.0.0.1:{proxy.port}", port=port, **settings,
            )  # fmt: skip
            fleet.berths.append(Berth(Orders(role, made, fleet.traps, base / f"{number} {role}.log", hasty)))
        stack.callback(fleet.end)
        yield fleet
