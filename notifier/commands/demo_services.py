"""The processes of the demo: the carrier with its mailbox, and the notifier, each on a core of its own."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg

from notifier.clock import ScaledClock
from notifier.commands.demo_words import words
from notifier.commands.exits import Exit, Failure
from notifier.domain.calendar import Calendar
from notifier.sandbox.district import DistrictSummary, build_district, create_source_database
from notifier.settings import PREFIX
from notifier.storage.embedded import database_url, start_embedded
from notifier.storage.migrations import migrate

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "sandbox-token"  # noqa: S105 - of the make-believe carrier, on loopback only
OPENS_AT = timedelta(hours=9, minutes=30)  # when the demo's day begins
STARTS_WITHIN = 30.0  # real seconds
STOPS_WITHIN = 30.0
LEAST_SPACE = 700 * 2**20  # bytes: an empty cluster with its write-ahead log, the district, and some room
SHARE_DUE = 0.15  # of the accounts: so that three tries and their waits fit into one working day of the clock
CLOCK_LEAD = 2.0  # real seconds the processes take to come up before the demo's morning begins ...
EARLIEST = 25 * 60.0  # ... in which at most so many seconds of the clock pass: the window opens at nine


class CannotRun(Failure):
    """What keeps the demo from running on this machine, in one sentence."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(Exit.MUST_BE_MENDED, words(key, **values))


@dataclass(frozen=True)
class Ports:
    web: int
    carrier: int
    mail: int


@dataclass(frozen=True)
class Databases:
    notifier: str
    source: str


@dataclass
class Service:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def ensure_alive(self) -> None:
        if self.process.poll() is not None:
            raise CannotRun("wrong.ended", name=self.name, code=self.process.returncode, why=last_line(self.log))

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self.process.wait, STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)


def last_line(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else words("wrong.silent")


def check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_SPACE:
        raise CannotRun("wrong.space", folder=folder, free=free >> 20, needed=LEAST_SPACE >> 20)


def free_ports() -> Ports:
    """Three ports nobody listens on; held open together, so that they differ."""
    probes = [socket.socket() for _ in range(3)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Ports(*(probe.getsockname()[1] for probe in probes))
    except OSError as error:
        raise CannotRun("wrong.ports", why=error.strerror) from error
    finally:
        for probe in probes:
            probe.close()


def next_working_day(calendar: Calendar, today: date) -> date:
    day = today + timedelta(days=1)
    while calendar.day_off(day):
        day += timedelta(days=1)
    return day


def make_clock(calendar: Calendar, day: date, scale: float) -> ScaledClock:
    """Half past nine of that day, a moment from now."""
    start = datetime.combine(day, datetime.min.time(), calendar.zone) + OPENS_AT
    return ScaledClock(start.astimezone(UTC), scale, round(time.time() + min(CLOCK_LEAD, EARLIEST / scale), 3))


@asynccontextmanager
async def open_databases(folder: Path) -> AsyncIterator[Databases]:
    """A server of our own in `folder`, with an empty database for the notifier and one for the utility."""
    check_space(folder)
    try:
        server = await asyncio.to_thread(start_embedded, folder / "data")
    except Exception as error:  # whatever the package raises: there is no database, and that is all there is to say
        raise CannotRun("wrong.postgres", why=error) from error
    try:
        for name in ("notifier", "utility"):
            await _create(database_url(server, "postgres"), name)
        yield Databases(database_url(server, "notifier"), database_url(server, "utility"))
    finally:
        await asyncio.to_thread(server.cleanup)


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.execute(f"create database {name} template template0 strategy file_copy")
    finally:
        await connection.close()


async def fill_databases(databases: Databases, *, accounts: int, seed: int, day: date) -> DistrictSummary:
    connection = await asyncpg.connect(databases.notifier)
    await migrate(connection)
    await connection.close()
    connection = await asyncpg.connect(databases.source)
    await create_source_database(connection)
    summary = await build_district(connection, accounts=accounts, seed=seed, today=day, share_due=SHARE_DUE)
    await connection.close()
    return summary


def environment(databases: Databases, ports: Ports, clock: ScaledClock, pace: "Pace") -> dict[str, str]:
    """The settings of the demo as any deployment would give them."""
    base = f"http://127.0.0.1:{ports.carrier}"
    return {
        "NOTIFIER_DATABASE_URL": databases.notifier,
        "NOTIFIER_SOURCE_URL": databases.source,
        "NOTIFIER_PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
        "NOTIFIER_PORT": str(ports.web),
        "NOTIFIER_CLOCK": clock.spell(),
        "NOTIFIER_TWILIO__ACCOUNT_SID": ACCOUNT_SID,
        "NOTIFIER_TWILIO__AUTH_TOKEN": AUTH_TOKEN,
        "NOTIFIER_TWILIO__BASE_URL": base,
        "NOTIFIER_TWILIO__VOICE_FROM": "+886800000001",
        "NOTIFIER_TWILIO__SMS_FROM": "111",
        "NOTIFIER_SMTP__HOST": "127.0.0.1",
        "NOTIFIER_SMTP__PORT": str(ports.mail),
        "NOTIFIER_SMTP__SENDER": "notice@office.example",
        "NOTIFIER_SMTP__STARTTLS": "false",
        "NOTIFIER_OPTOUT_EMAIL": "stop@office.example",
        "NOTIFIER_PACE": json.dumps(pace.spell()),
    }


@dataclass(frozen=True)
class Pace:
    """Calls a second and lines, by the demo's clock."""

    rate: float
    lines: int

    def spell(self) -> dict[str, dict[str, float]]:
        written = {"rate": self.rate, "burst": max(1.0, self.rate * 10)}
        return {"voice": {**written, "most_in_flight": self.lines}, "sms": written, "email": written}


def use_only(environ: Mapping[str, str]) -> None:
    """Make these this process's settings. None of a real installation may show through: a demo never calls out."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(environ)


def spawn(name: str, environ: Mapping[str, str], folder: Path, *command: str) -> Service:
    """`notifier COMMAND ...` under this Python; what it says goes to a log in `folder`."""
    log = folder / f"{name}.log"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "notifier", *command],
            env={**clean, **environ}, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to pass on, in the right order
        )  # fmt: skip
    return Service(name, process, log)


async def until_it_answers(service: Service, url: str) -> None:
    """Until the address answers 200. Raises CannotRun when the process ends, or takes too long."""
    deadline = time.monotonic() + STARTS_WITHIN
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            service.ensure_alive()
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise CannotRun("wrong.slow", name=service.name, seconds=STARTS_WITHIN, why=last_line(service.log))
