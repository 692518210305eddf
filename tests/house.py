"""A district office in one process: the utility's database, the sandbox carrier and mailbox, and the notifier.

Tests judge by the carrier's ledger, the mailbox and the database; they wait for signals, never for time to pass.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg

from notifier.app import App, Parts, open_app, run_parts
from notifier.clock import ScaledClock
from notifier.commands.hearing import Heard, Hearing, heard_until
from notifier.domain.campaign import read_parameters
from notifier.domain.states import RunState
from notifier.engine.backoff import wait_for
from notifier.engine.opening import open_run
from notifier.sandbox.server import Sandbox, SandboxSettings
from notifier.settings import Pace, Settings
from notifier.storage.runs import Run, Tally

TAIPEI = ZoneInfo("Asia/Taipei")
MORNING = datetime(2026, 12, 1, 9, 30, tzinfo=TAIPEI)  # a Tuesday
ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "sandbox-token"
DISTRICT = "楠梓"
HASTY = 3000
POLL = 0.5  # real seconds; covers a wake-up that nobody sent
LOOK = 0.02  # real seconds between two looks where no wake-up is to be expected
ENDED = frozenset({RunState.FINISHED, RunState.WAITING, RunState.CANCELLED, RunState.FAILED, RunState.PAUSED})


@dataclass
class House:
    """What a test may touch."""

    app: App
    sandbox: Sandbox
    source: "asyncpg.Connection[Any]"
    carrier: aiohttp.ClientSession
    clock: ScaledClock
    _numbers: int = field(default=0)
    _recordings: dict[str, list[Heard]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.clock.now().astimezone(TAIPEI).date()

    def today_at(self, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self.today, clock_time(hour, minute), TAIPEI)

    async def customer(self, **cells: Any) -> str:
        """A new account; cells: name, locale, prefers, phone, mobile, email, district, autopay_since, life_support.
        Answers its number."""
        self._numbers += 1
        account = f"{7_000_000_0000 + self._numbers:011d}"
        customer = await self.source.fetchval(
            "insert into billing.customer (name, locale, prefers) values ($1, $2, $3) returning customer_id",
            cells.get("name", "測試客戶"), cells.get("locale", "zh-TW"), cells.get("prefers"),
        )  # fmt: skip
        await self.source.execute(
            "insert into billing.account (account_no, customer_id, district, autopay_since, life_support)"
            " values ($1, $2, $3, $4, $5)",
            account, customer, cells.get("district", DISTRICT), cells.get("autopay_since"),
            cells.get("life_support", False),
        )  # fmt: skip
        mobile = cells.get("mobile", f"09{10_000_000 + self._numbers:08d}")
        await self.source.execute(
            "insert into billing.contact (account_no, phone, mobile, email) values ($1, $2, $3, $4)",
            account, cells.get("phone"), mobile, cells.get("email"),
        )  # fmt: skip
        return account

    async def bill(self, account: str, amount: int = 1234, due_in: int = 2) -> str:
        """An unpaid bill of the account, due in so many days. Answers its number."""
        self._numbers += 1
        bill = f"B{self._numbers:09d}"
        await self.source.execute(
            "insert into billing.bill (bill_no, account_no, period, amount, issued_on, due_on)"
            " values ($1, $2, '2026-10', $3, $4, $5)",
            bill, account, amount, self.today - timedelta(days=20), self.today + timedelta(days=due_in),
        )  # fmt: skip
        return bill

    async def pay(self, *bills: str, amount: int | None = None) -> None:
        """Payments made now, all at one moment: of the whole bills, or of so much of each."""
        await self.source.execute(
            "insert into billing.payment (bill_no, amount, paid_at)"
            " select bill_no, coalesce($2, amount), $3 from billing.bill where bill_no = any ($1::text[])",
            list(bills), amount, self.clock.now(),
        )  # fmt: skip

    async def office(self, district: str) -> None:
        await self.source.execute(
            "insert into billing.office (district, section, phone) values ($1, '電費組', '07-338-3131')"
            " on conflict do nothing",
            district,
        )

    async def people(self, script: Mapping[str, Any]) -> None:
        await self._post("/people", script)

    async def faults(self, script: Mapping[str, Any]) -> None:
        await self._post("/faults", script)

    async def no_more_faults(self) -> None:
        async with self.carrier.delete("/faults") as response:
            assert response.status == 200, await response.text()

    async def _post(self, path: str, body: Mapping[str, Any]) -> None:
        async with self.carrier.post(path, json=body) as response:
            assert response.status in (200, 204), await response.text()

    async def ledger(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What the carrier really did."""
        async with self.carrier.get("/ledger") as response:
            entries = (await response.json())["entries"]
        return [entry for entry in entries if kind in (None, entry["kind"])]

    async def heard(self, call: Mapping[str, Any]) -> list[str]:
        """The words of each turn of a call, whoever spoke: of a recording those whose line was heard to its end."""
        return [await self._words(heard) for heard in call["heard"]]

    async def _words(self, heard: Mapping[str, Any]) -> str:
        if heard["kind"] == "play":
            return "".join(heard_until(await self.recording(heard), heard["seconds"]))
        return str(heard["words"])

    async def recording(self, heard: Mapping[str, Any]) -> list[Heard]:
        """The lines of a recording that was played, read from the sound that is served now, which must be the same."""
        if heard["sha256"] not in self._recordings:
            async with aiohttp.ClientSession() as session, session.get(heard["url"]) as response:
                sound = await response.read()
            assert sha256(sound).hexdigest() == heard["sha256"], (response.status, heard)
            rows = await self.app.pool.fetch("select audio, words from notifier.clip where audio is not null")
            hearing = Hearing({row["audio"]: row["words"] or "" for row in rows})
            self._recordings[heard["sha256"]] = hearing.lines(sound)
        return self._recordings[heard["sha256"]]

    async def clips(self) -> list[dict[str, Any]]:
        """What the carrier has fetched to play it, and how often."""
        async with self.carrier.get("/clips") as response:
            fetched: list[dict[str, Any]] = (await response.json())["clips"]
            return fetched

    async def mailbox(self) -> list[dict[str, Any]]:
        async with self.carrier.get("/mailbox") as response:
            mails: list[dict[str, Any]] = (await response.json())["mails"]
            return mails

    async def launch(self, key: str = "test", campaign: str = "payment_deadline", **given: str) -> Run:
        chosen = self.app.catalogue.campaign(campaign)
        run, _ = await open_run(
            self.app.runs, self.app.catalogue, self.app.wake_ups,
            campaign=chosen, key=key, params=read_parameters(chosen, given), now=self.clock.now(),
        )  # fmt: skip
        return run

    async def ended(self, run: Run, states: frozenset[RunState] = ENDED, within: float = 30) -> Run:
        """The run, once it has come to one of these states."""
        heard = self.app.wake_ups.event("runs")
        async with asyncio.timeout(within):
            while True:
                heard.clear()
                now = await self.run(run)
                if now.state in states:
                    return now
                await wait_for(heard, POLL)

    async def planned(self, run: Run, within: float = 20) -> Run:
        """The run, once its audience is drawn and what its calls say is recorded."""

        async def drawn() -> bool:
            return (await self.run(run)).state not in (RunState.PLANNING, RunState.PREPARING)

        await self.until(drawn, "lanes", "runs", within=within)
        return await self.run(run)

    async def run(self, run: Run) -> Run:
        """The run as it stands now."""
        now = await self.app.runs.by_id(run.id)
        assert now is not None
        return now

    async def move(self, run: Run, to: RunState, reason: str = "by hand") -> None:
        """As a person pauses, resumes or cancels a run."""
        assert await self.app.runs.move(run.id, to, reason, self.clock.now())
        for word in ("lanes", "runs"):
            await self.app.wake_ups.send(word)

    async def until(self, holds: Callable[[], Awaitable[bool]], *words: str, within: float = 20) -> None:
        """Until the condition holds, looked at again whenever one of these wake-ups is heard, and now and then: what
        another process applies rings here for nobody."""
        async with asyncio.timeout(within):
            heard = [self.app.wake_ups.event(word) for word in words]
            while True:
                for event in heard:
                    event.clear()
                if await holds():
                    return
                waiting = [asyncio.ensure_future(event.wait()) for event in heard]
                try:
                    await asyncio.wait(waiting, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in waiting:
                        one.cancel()

    async def until_soon(self, holds: Callable[[], Awaitable[bool]], within: float = 20) -> None:
        """Until the condition holds, of which nobody sends a wake-up of its own."""
        heard = self.app.wake_ups.event("lanes")
        async with asyncio.timeout(within):
            while not await holds():
                await wait_for(heard, LOOK)

    async def quiet(self) -> None:
        """Until the carrier has nothing under way and every word of it has been applied."""

        async def all_applied() -> bool:
            await self._post("/settle", {})
            return not await self.app.pool.fetchval(
                "select exists (select from notifier.receipt where applied_at is null)"
                " or exists (select from notifier.in_flight)"
            )

        await self.until(all_applied, "lanes", "inbox")

    async def tally(self, run: Run) -> Tally:
        return await self.app.runs.tally(await self.run(run))

    async def notification(self, account: str) -> dict[str, Any]:
        (row,) = await self.app.inquiries.notifications_of_account(account)
        return row

    async def excluded(self, account: str) -> list[str]:
        """Why bills of the account are not told, as an inquiry shows it."""
        return [row["reason"] for row in await self.app.inquiries.excluded(account)]

    async def attempts(self, account: str) -> list[dict[str, Any]]:
        row = await self.notification(account)
        return await self.app.inquiries.attempts([row["id"]])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


FAST = {
    "voice": Pace(rate=5, burst=50, most_in_flight=60, reserved=0),
    "sms": Pace(rate=50, burst=500),
    "email": Pace(rate=50, burst=500),
}


def make_settings(database: str, source: str, sandbox: Sandbox, clock: ScaledClock, **more: Any) -> Settings:
    """The settings of a test; `twilio`, `smtp` and others in `more` are laid over the usual ones."""
    port = free_port()
    twilio = {
        "account_sid": ACCOUNT_SID, "auth_token": TOKEN, "base_url": sandbox.url,
        "voice_from": "+886800000001", "sms_from": "111",
    } | more.pop("twilio", {})  # fmt: skip
    smtp = {
        "host": "127.0.0.1", "port": sandbox.smtp_port, "sender": "notice@office.example", "starttls": False,
    }  # fmt: skip
    laid_over = more.pop("smtp", {})
    given: dict[str, Any] = {
        "database_url": database,
        "source_url": source,
        "public_url": f"http://127.0.0.1:{port}",
        "port": port,
        "clock": clock.spell(),
        "twilio": twilio,
        "smtp": None if laid_over is None else smtp | laid_over,
        "optout_email": "stop@office.example",
        "pace": FAST,
    }  # fmt: skip
    return Settings(**given | more)


@asynccontextmanager
async def open_house(
    database: str,
    source: str,
    *,
    scale: float = 600,
    start: datetime = MORNING,
    parts: Parts = Parts(web=True, work=True, keep=True),  # noqa: B008 - frozen
    seed: int = 1,
    dials: float | None = None,
    **settings: Any,
) -> AsyncIterator[House]:
    """Everything running, with a clock `scale` times faster than real time. `seed` throws the carrier's dice; it
    `dials` so many calls a second of its clock. By a
    clock so fast that the second of preparing would be an hour, the carrier speaks."""
    if scale > HASTY:
        settings.setdefault("speech_engines", ["carrier"])
    clock = ScaledClock(start.astimezone(UTC), scale, time.time())
    async with AsyncExitStack() as stack:
        lmtp = ("127.0.0.1", settings["lmtp"]["port"]) if "lmtp" in settings else None
        made = SandboxSettings(ACCOUNT_SID, TOKEN, seed=seed, lmtp=lmtp)
        sandbox = Sandbox(made if dials is None else replace(made, calls_per_second=dials), clock)
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        app = await stack.enter_async_context(
            open_app(make_settings(database, source, sandbox, clock, **settings), name="test")
        )
        utility = await asyncpg.connect(source)
        stack.push_async_callback(utility.close)
        carrier = await stack.enter_async_context(aiohttp.ClientSession(sandbox.url))
        stopping, running = asyncio.Event(), asyncio.Event()
        service = asyncio.create_task(run_parts(app, parts, stopping, ready=lambda _: running.set()))
        stack.push_async_callback(_stop, service, stopping)
        await asyncio.wait([service, asyncio.create_task(running.wait())], return_when=asyncio.FIRST_COMPLETED)
        if service.done():
            service.result()
        house = House(app, sandbox, utility, carrier, clock)
        await house.office(DISTRICT)
        yield house


@asynccontextmanager
async def second_process(house: House, database: str, source: str, **settings: Any) -> AsyncIterator[App]:
    """Another complete notifier on the databases, the carrier and the clock of a house."""
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(
            open_app(make_settings(database, source, house.sandbox, house.clock, **settings), name="second")
        )
        stopping, running = asyncio.Event(), asyncio.Event()
        parts = Parts(web=True, work=True, keep=True)
        service = asyncio.create_task(run_parts(app, parts, stopping, ready=lambda _: running.set()))
        stack.push_async_callback(_stop, service, stopping)
        await asyncio.wait([service, asyncio.create_task(running.wait())], return_when=asyncio.FIRST_COMPLETED)
        yield app


async def _stop(service: "asyncio.Task[None]", stopping: asyncio.Event) -> None:
    stopping.set()
    await service
