"""Two web processes, two workers and a scheduler, all of which know the campaign that the test's events trigger."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import structlog

from notifier.app import open_app, serve
from notifier.engine import event_inbox
from notifier.settings import Settings
from tests.events.kit import let_events_trigger
from tests.faults.kill.fleet import forks
from tests.faults.kill.process import PATIENCE, ROLES, hasten
from tests.house import House, free_port, make_settings


@dataclass(frozen=True)
class Duty:
    """What one process is told. `up`: the file by which it says that it is ready."""

    role: str
    settings: Settings
    log: Path

    @property
    def up(self) -> Path:
        return self.log.with_suffix(".up")


def live(duty: Duty) -> None:
    """Until killed."""
    sys.stderr = sys.stdout = duty.log.open("a", buffering=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stdout))
    hasten()
    event_inbox.UNKNOWN_AFTER = timedelta(seconds=0.5)  # both workers know all there is
    asyncio.run(_live(duty))


async def _live(duty: Duty) -> None:
    async with open_app(duty.settings, name=duty.role) as app:
        let_events_trigger(app)
        await serve(app, ROLES[duty.role], ready=lambda _: duty.up.touch())


@dataclass
class Crew:
    duties: list[Duty]
    processes: list[ForkServerProcess]

    @property
    def webs(self) -> list[str]:
        return [duty.settings.public_url for duty in self.duties if duty.role == "web"]

    def kill_a_worker(self) -> None:
        """kill -9, whatever it is doing. Nobody takes its place."""
        place = next(n for n, duty in enumerate(self.duties) if duty.role == "work")
        self.processes[place].kill()
        self.processes[place].join()

    async def all_up(self) -> bool:
        assert all(process.exitcode is None for process in self.processes), self.logs()
        return all(duty.up.exists() for duty in self.duties)

    def logs(self) -> str:
        return "\n".join(duty.log.read_text() for duty in self.duties if duty.log.exists())


@asynccontextmanager
async def open_crew(house: House, database: str, source: str, **settings: Any) -> AsyncIterator[Crew]:
    """The crew at work, on the databases, the carrier and the clock of a house."""
    with tempfile.TemporaryDirectory(prefix="notifier-storm-") as base:
        port = free_port()  # of the web process whose address callbacks get
        duties = []
        for number, role in enumerate(("web", "web", "work", "work", "keep")):
            own = port if number == 0 else free_port()
            called = f"http://127.0.0.1:{own if role == 'web' else port}"
            made = make_settings(
                database,
                source,
                house.sandbox,
                house.clock,
                port=own,
                public_url=called,
                twilio={"timeout": PATIENCE},
                **settings,
            )
            duties.append(Duty(role, made, Path(base) / f"{number} {role}.log"))
        processes = [forks.Process(target=live, args=(duty,), daemon=True) for duty in duties]
        for process in processes:
            process.start()
        crew = Crew(duties, processes)
        try:
            await house.until_soon(crew.all_up)
            yield crew
        finally:
            for process in processes:
                process.kill()
                process.join()
