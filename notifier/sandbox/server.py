"""The sandbox joined together: a carrier that speaks Twilio's REST API and webhooks, and a mailbox."""

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from notifier.clock import Clock
from notifier.sandbox.activity import Activity
from notifier.sandbox.audio import Clips
from notifier.sandbox.callbacks import Callbacks
from notifier.sandbox.calls import Calls
from notifier.sandbox.control import Control
from notifier.sandbox.exchange import Exchange, Pace
from notifier.sandbox.faults import Faults
from notifier.sandbox.mailbox import Mailbox
from notifier.sandbox.messages import Messages
from notifier.sandbox.people import Crowd
from notifier.sandbox.records import Ledger
from notifier.sandbox.rest import Rest
from notifier.sandbox.returned_mail import ReturnedMail
from notifier.sandbox.webhooks import Webhooks

CONNECTIONS = 256  # to the application, kept alive; more webhooks than that wait
KEEP_ALIVE = 10.0  # real seconds; less than what servers keep, so that a webhook does not meet a closing connection
GOODBYE = 1.0  # real seconds a stop waits for requests under way


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """One account of the carrier, and where `run_sandbox` listens.

    `calls_per_second` and `list_delay` (seconds) count the clock's seconds; a rate of 0 is unlimited. `lmtp`: host and
    port to which bounces and complaints are handed over.
    """

    account_sid: str
    auth_token: str
    host: str = "127.0.0.1"
    port: int = 0
    smtp_port: int = 0
    seed: int = 1
    calls_per_second: float = 0.0
    list_delay: float = 0.0
    starttls: bool = False
    lmtp: tuple[str, int] | None = None


class Sandbox:
    """A carrier and a mailbox in the running event loop."""

    def __init__(self, settings: SandboxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._faults = Faults(settings.seed, settings.list_delay)
        self._activity = Activity()
        self._mailbox = Mailbox(clock, self._faults, ReturnedMail(clock, self._faults, self._activity, settings.lmtp))
        self.ledger = Ledger()
        self.url = ""
        self.smtp_port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0, smtp_port: int = 0) -> None:
        """Listens, on free ports unless told which; `url` and `smtp_port` are known afterwards."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self._exchange = self._make_exchange()
        self._runner = web.AppRunner(self._make_app(), access_log=None, shutdown_timeout=GOODBYE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"
        self.smtp_port = await self._mailbox.start(host, smtp_port, starttls=self._settings.starttls)

    @property
    def certificate(self) -> str:
        """Of the mailbox, when it offers STARTTLS: PEM."""
        return self._mailbox.certificate

    async def stop(self) -> None:
        """Ends calls and connections; nothing is reported about what was under way."""
        await self._runner.cleanup()
        await self._mailbox.stop()
        await self._activity.stop()
        await self._exchange.clips.stop()
        await self._session.close()

    def _make_exchange(self) -> Exchange:
        settings = self._settings
        webhooks = Webhooks(self._session, settings.auth_token)
        return Exchange(
            account_sid=settings.account_sid,
            clock=self._clock,
            ledger=self.ledger,
            crowd=Crowd(settings.seed),
            faults=self._faults,
            activity=self._activity,
            webhooks=webhooks,
            callbacks=Callbacks(webhooks, self._clock, self._faults, self._activity),
            clips=Clips(self._session),
            pace=Pace(self._clock, settings.calls_per_second),
        )

    def _make_app(self) -> web.Application:
        app = web.Application()
        calls, messages = Calls(self._exchange), Messages(self._exchange)
        Rest(self._exchange, self._settings.auth_token, calls, messages).add_routes(app)
        Control(self._exchange, self._mailbox, calls).add_routes(app)
        return app


async def run_sandbox(settings: SandboxSettings, clock: Clock) -> None:
    """Serves until cancelled."""
    sandbox = Sandbox(settings, clock)
    await sandbox.start(settings.host, settings.port, settings.smtp_port)
    try:
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
