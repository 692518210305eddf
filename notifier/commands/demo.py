"""`notifier demo`: a make-believe district, from launch to finish, and everything compared afterwards."""

import asyncio
import os
import shlex
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from notifier.clock import ScaledClock
from notifier.commands.demo_words import words
from notifier.commands.examples import examples
from notifier.commands.exits import Exit
from notifier.commands.opening import carry_out
from notifier.commands.terminal import screen

if TYPE_CHECKING:
    from notifier.app import App
    from notifier.commands.demo_evidence import Examples, Witness
    from notifier.commands.demo_services import Databases, Ports, Service
    from notifier.commands.demo_view import Look
    from notifier.domain.campaign import Campaign
    from notifier.storage.runs import Run

HELP = (
    "Watch the whole thing on a make-believe district.\n\nStarts a PostgreSQL, a carrier and a mailbox of its own,"
    " calls, texts and mails its customers, and compares the log with what the carrier says. Nothing leaves this"
    " machine."
)
KEPT = Path(".demo")
CAMPAIGN = "payment_deadline"
KEY = "demo"
DAYS = 3  # bills due within; the district has none due later that count
PAYMENTS = 0.012  # an hour of the clock and account: about one customer in six pays on the demo's day
MOST_CALLS, LEAST_CALLS, CALLS_PER_ACCOUNT = 75.0, 20.0, 0.004  # a real second
LOOK = 0.5  # real seconds between two looks
LINE = 10.0  # real seconds between two lines where there is no terminal
TOO_LONG = 600.0  # real seconds
AFTER_A_PERSON = 20.0  # real seconds until a run with nothing held any more is closed


def register(app: typer.Typer) -> None:
    app.command(
        "demo", help=HELP, epilog=examples("notifier demo", "notifier demo --accounts 5000", "notifier demo --keep")
    )(demo)


def demo(
    accounts: Annotated[int, typer.Option("--accounts", min=200, help="How large the district is.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Draws the district and how its people behave.")] = 1,
    scale: Annotated[float, typer.Option("--scale", min=1, max=3600, help="How fast the clock runs.")] = 360.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep everything up afterwards, in .demo, to look around.")
    ] = False,
) -> None:
    story = Story(accounts, seed, scale, keep, screen())
    carry_out(story.tell(), quick_loop=True)


@dataclass
class Story:
    accounts: int
    seed: int
    scale: float
    keep: bool
    console: Console

    async def tell(self) -> Exit:
        """To the end, or until SIGTERM: then it takes its database and its services with it, as after Ctrl-C."""
        ended = asyncio.Event()
        telling = asyncio.ensure_future(self._tell())

        def end() -> None:
            ended.set()
            telling.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        try:
            return await telling
        except asyncio.CancelledError:
            if not ended.is_set():
                raise
            return Exit.INTERRUPTED

    async def _tell(self) -> Exit:
        began = time.monotonic()
        self._say(Text(words("title"), style="bold"))
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(_folder(self.keep))
            stage = await stack.enter_async_context(self._set_up(folder))
            run, look = await stage.perform(began)
            passed = await stage.compare(run, look)
            await stage.show_where_to_look(run, folder if self.keep else None)
            if self.keep:
                await _until_interrupted()
                self._say(words("stopping"))
        return Exit.DONE if passed else Exit.UNEXPECTED

    @asynccontextmanager
    async def _set_up(self, folder: Path) -> AsyncIterator["Stage"]:
        from notifier.app import open_app
        from notifier.commands import demo_services as services
        from notifier.commands.demo_evidence import Witness
        from notifier.domain.calendar import make_calendar
        from notifier.settings import read_settings

        calendar = make_calendar()
        day = services.next_working_day(calendar, datetime.now(calendar.zone).date())
        async with AsyncExitStack() as stack:
            with self._step("database"):
                databases = await stack.enter_async_context(services.open_databases(folder))
            with self._step("district", accounts=self.accounts):
                district = await services.fill_databases(databases, accounts=self.accounts, seed=self.seed, day=day)
            self._detail(words("done.district", bills=district.bills, audience=district.audience, days=DAYS))
            with self._step("services"):
                clock = services.make_clock(calendar, day, self.scale)
                ports = services.free_ports()
                pace = services.Pace(self._calls_a_second() / self.scale, lines=200)
                environ = services.environment(databases, ports, clock, pace)
                processes = await self._start(stack, environ, ports, clock, folder)
            services.use_only(environ)
            app = await stack.enter_async_context(open_app(read_settings(), name="demo"))
            witness = Witness(app, f"http://127.0.0.1:{ports.carrier}", databases.source, self.seed)
            yield Stage(self, app, witness, processes, databases, clock, folder, environ)

    def _calls_a_second(self) -> float:
        """Of real time: what two cores carry, and enough for the first tries to be over within the morning."""
        return min(MOST_CALLS, max(LEAST_CALLS, self.accounts * CALLS_PER_ACCOUNT))

    async def _start(
        self, stack: AsyncExitStack, environ: dict[str, str], ports: "Ports", clock: ScaledClock, folder: Path
    ) -> list["Service"]:
        from notifier.commands.demo_services import spawn, until_it_answers

        listen = ["--port", str(ports.carrier), "--smtp-port", str(ports.mail)]
        order = ["sandbox", *listen, "--seed", str(self.seed), "--clock", clock.spell()]
        carrier = spawn("carrier", {}, folder, *order)
        stack.push_async_callback(carrier.stop)
        notifier = spawn("notifier", environ, folder, "serve")
        stack.push_async_callback(notifier.stop)
        await until_it_answers(carrier, f"http://127.0.0.1:{ports.carrier}/health")
        await until_it_answers(notifier, f"http://127.0.0.1:{ports.web}/readyz")
        return [carrier, notifier]

    @contextmanager
    def _step(self, key: str, **values: object) -> Iterator[None]:
        sentence = words(f"step.{key}", **values)
        began = time.monotonic()
        with self.console.status(sentence):
            yield
        self.console.print(Text.assemble(("✓ ", "green"), sentence, (f"  {time.monotonic() - began:.1f} s", "dim")))

    def _detail(self, sentence: str) -> None:
        self.console.print(Text(f"  {sentence}", style="dim"))

    def _say(self, what: RenderableType) -> None:
        self.console.print(what)


@dataclass
class Stage:
    """Everything is up."""

    story: Story
    app: "App"
    witness: "Witness"
    processes: list["Service"]
    databases: "Databases"
    clock: ScaledClock
    folder: Path
    environ: dict[str, str]

    @property
    def console(self) -> Console:
        return self.story.console

    @property
    def campaign(self) -> "Campaign":
        return self.app.catalogue.campaign(CAMPAIGN)

    async def perform(self, began: float) -> tuple["Run", "Look"]:
        """Launch, watch, do a person's part, and watch to the end."""
        from notifier.sandbox.district import take_payments

        per_hour = self.story.accounts * PAYMENTS
        paying = asyncio.create_task(
            take_payments(self.databases.source, self.clock, per_hour=per_hour, seed=self.story.seed)
        )
        try:
            return await self._perform(began)
        finally:
            paying.cancel()
            with suppress(asyncio.CancelledError):
                await paying

    async def _perform(self, began: float) -> tuple["Run", "Look"]:
        from notifier.domain.states import RunState

        run = await self._launch()
        run, look = await self._watch(run)
        if run.state is RunState.WAITING and await self._close_as_a_clerk(run):
            run, look = await self._watch(run, AFTER_A_PERSON)
        seconds = time.monotonic() - began
        if run.state is RunState.FINISHED:
            self.console.print(Text(words("finished", at=look.clock, seconds=seconds), style="bold green"))
        else:
            why = run.reason or run.waiting_for or words("wrong.timeout", seconds=TOO_LONG)
            self.console.print(Text(words("unfinished", seconds=seconds, why=why), style="bold red"))
        return run, look

    async def _launch(self) -> "Run":
        from notifier.domain.campaign import read_parameters
        from notifier.engine.opening import open_run

        now = self.clock.now()
        at = f"{self.app.catalogue.calendar.local(now):%Y-%m-%d %H:%M}"
        self.console.print(Text.assemble(("✓ ", "green"), words("step.launch")))
        self.story._detail(words("done.launch", at=at, scale=self.story.scale))
        run, _ = await open_run(
            self.app.runs, self.app.catalogue, self.app.wake_ups, campaign=self.campaign, key=KEY,
            params=read_parameters(self.campaign, {"days": str(DAYS)}), now=now,
        )  # fmt: skip
        return run

    async def _watch(self, run: "Run", patience: float = TOO_LONG) -> tuple["Run", "Look"]:
        """Until the run has come to rest: finished, or in need of somebody (after a person's part: once more)."""
        from notifier.commands.demo_view import one_line, panel
        from notifier.commands.demo_watch import Watch
        from notifier.domain.states import RunState

        watch = Watch(self.app, self.witness, run, self.story.scale, waited=run.state is RunState.WAITING)
        look = await watch.look()
        deadline, told, state = time.monotonic() + patience, 0.0, None
        with Live(panel(look), console=self.console, auto_refresh=False, transient=True) as live:
            while not watch.at_rest and time.monotonic() < deadline:
                for process in self.processes:
                    process.ensure_alive()
                await asyncio.sleep(LOOK)
                look = await watch.look()
                if self.console.is_terminal:
                    live.update(panel(look), refresh=True)
                elif time.monotonic() - told > LINE or (state is not watch.run.state and not watch.at_rest):
                    told, state = time.monotonic(), watch.run.state
                    self.console.print(one_line(look))
        return watch.run, look

    async def _close_as_a_clerk(self, run: "Run") -> bool:
        """Customers on life support are held for a person: the demo has one. Answers whether nothing else is held."""
        held = await self.app.runs.held(run.id, most=1000)
        mine = [one for one in held if one.reason == "life_support"]
        self.console.print(Text(words("clerk.waits", n=len(mine)), style="yellow"))
        for one in mine:
            await self.app.runs.close_held(one.id, words("clerk.reason"), self.clock.now())
        self.console.print(words("clerk.closes", n=len(mine)))
        return len(mine) == len(held)

    async def compare(self, run: "Run", look: "Look") -> bool:
        from notifier.commands.demo_comparison import compare
        from notifier.commands.demo_view import attempts_table, comparison, section, the_sum, verdict

        evidence = await self.witness.gather(run, self.campaign, self.story.scale)
        checks = compare(evidence)
        self.console.print(section("summary", the_sum(look.tally)))
        self.console.print(section("attempts", attempts_table(look.tally)))
        self.console.print(section("comparison", comparison(checks)))
        self.console.print(Text("\n").append_text(verdict(checks)))
        return all(check.passed for check in checks)

    async def show_where_to_look(self, run: "Run", folder: Path | None) -> None:
        from notifier.commands.demo_view import section

        if folder is None:
            again = "make demo ARGS=--keep" if _by_make() else "notifier demo --keep"
            self.console.print(section("look", Text.assemble(words("look.keep"), "\n  ", (again, "bold"))))
            return
        settings = folder / "env"
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.environ.items())
        settings.write_text(exports, "utf-8")
        settings.chmod(0o600)
        self.console.print(section("look", words("look.environment")))
        for command, remark in _commands(settings, run, await self.witness.examples(run.id)):
            self.console.print(Text.assemble("    ", (command, "bold"), ("  # " + remark if remark else "", "dim")))
        self.console.print(Text(f"  {words('look.logs', folder=folder)}"))
        self.console.print(Text(words("look.stop"), style="bold"))


def _commands(settings: Path, run: "Run", found: "Examples") -> Iterator[tuple[str, str]]:
    if _by_make():
        yield ". .venv/bin/activate", ""
    yield f". {settings}", ""
    yield f"notifier status {run.id}", words("look.status")
    if found.called:
        yield f"notifier who {found.called}", words("look.called")
    if found.withdrawn:
        yield f"notifier who {found.withdrawn}", words("look.withdrawn")
    if found.excluded:
        yield f"notifier who {found.excluded}", words("look.excluded")


def _by_make() -> bool:
    """Whoever typed `make demo` has no `notifier` on their path."""
    return "MAKELEVEL" in os.environ


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """Where the database and the logs lie: a folder that goes with the demo, or one that stays."""
    if not keep:
        with tempfile.TemporaryDirectory(prefix="notifier-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    import fcntl

    from notifier.commands.demo_services import CannotRun

    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotRun("wrong.busy", folder=KEPT) from error
        yield KEPT


async def _until_interrupted() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
