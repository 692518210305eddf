"""The command line as an operator has it: as a process beside a running house, or called within the test."""

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from notifier.cli import main
from notifier.commands.opening import show_tracebacks
from notifier.commands.words import Language, choose
from notifier.settings import Settings
from tests.house import ACCOUNT_SID, TOKEN, House, open_house


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def outside(**given: str) -> dict[str, str]:
    """The environment without any setting of the notifier but those given; wide, and in English."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFIER_", "LC_", "LANG"))}
    return {**plain, "COLUMNS": "200", "LANG": "C.UTF-8", "PYTHONWARNINGS": "error", **given}


def environment(settings: Settings) -> dict[str, str]:
    """The settings of a house as another process is told them."""
    assert settings.source_url is not None
    assert settings.twilio is not None
    assert settings.smtp is not None
    return outside(
        NOTIFIER_DATABASE_URL=settings.database_url.get_secret_value(),
        NOTIFIER_SOURCE_URL=settings.source_url.get_secret_value(),
        NOTIFIER_CLOCK=settings.clock,
        NOTIFIER_PUBLIC_URL=settings.public_url,
        NOTIFIER_TWILIO__ACCOUNT_SID=ACCOUNT_SID,
        NOTIFIER_TWILIO__AUTH_TOKEN=TOKEN,
        NOTIFIER_TWILIO__BASE_URL=settings.twilio.base_url,
        NOTIFIER_TWILIO__VOICE_FROM=settings.twilio.voice_from,
        NOTIFIER_SMTP__HOST="127.0.0.1",
        NOTIFIER_SMTP__PORT=str(settings.smtp.port),
        NOTIFIER_SMTP__SENDER=settings.smtp.sender,
        NOTIFIER_SMTP__STARTTLS="false",
    )


async def start(*args: str, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notifier",
        *args,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
    )


async def notifier(*args: str, env: Mapping[str, str], within: float = 30) -> Said:
    """One command as a process of its own, to its end."""
    process = await start(*args, env=env)
    async with asyncio.timeout(within):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Said(process.returncode, out.decode(), err.decode())


@dataclass(frozen=True)
class Desk:
    """A house that runs, and the command line of the office beside it: one command at a time, in a thread."""

    house: House
    env: dict[str, str]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, *args: str) -> Said:
        async with self._turn:
            return await asyncio.to_thread(run_here, args)


def run_here(args: Sequence[str]) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(args)
    return Said(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def settle_in(monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str]) -> None:
    """Let this process have just these settings."""
    for name in list(os.environ):
        if name.startswith("NOTIFIER_"):
            monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)


ANSWERS = {"outcome": "answers", "answer_after": 5, "keys": [{"after": 45, "digit": "1"}]}
BUSY = {"outcome": "busy"}


@pytest.fixture
def tidy() -> Iterator[None]:
    """What commands set for their whole process is put back."""
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    structlog.reset_defaults()
    show_tracebacks(False)
    choose(Language.EN)


@pytest.fixture
async def desk(database: str, source_database: str, monkeypatch: pytest.MonkeyPatch, tidy: None) -> AsyncIterator[Desk]:
    async with open_house(database, source_database) as house:
        env = environment(house.app.settings)
        settle_in(monkeypatch, env)
        yield Desk(house, env)


Call = Callable[..., Said]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tidy: None) -> Call:
    """A command within the test's process; settings by their names without NOTIFIER_."""

    def run(*args: str, **settings: str) -> Said:
        settle_in(monkeypatch, outside(**{f"NOTIFIER_{name}": value for name, value in settings.items()}))
        structlog.reset_defaults()
        return run_here(args)

    return run
