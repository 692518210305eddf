"""The composition root: the only place that builds and joins objects."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from notifier.campaigns import find_campaigns
from notifier.channels import find_channels
from notifier.channels.email import Email
from notifier.channels.webhook_transport import WebhookTransport
from notifier.clock import Clock, ClockAstray, SystemClock, parse_clock
from notifier.domain.calendar import make_calendar
from notifier.domain.campaign import Campaign
from notifier.domain.channel import MailServer, Surroundings, TwilioAccount
from notifier.domain.recording import AudioAddresses
from notifier.domain.speech import CARRIER, SpeechSurroundings
from notifier.domain.watch import Limits
from notifier.engine.backoff import persist
from notifier.engine.cancellations import Cancellations
from notifier.engine.case_events import CaseEvents
from notifier.engine.catalogue import Catalogue
from notifier.engine.choices import Choices
from notifier.engine.clips import Clips
from notifier.engine.clock_watch import ClockWatch, too_far
from notifier.engine.digest_words import DigestWords
from notifier.engine.digests import Digests
from notifier.engine.dispatcher import Lane
from notifier.engine.event_inbox import EventInbox
from notifier.engine.hang_ups import HangUps
from notifier.engine.inbox import Inbox, Intake
from notifier.engine.keeper import Keeper
from notifier.engine.learning import Learning
from notifier.engine.planner import Planner
from notifier.engine.playback import Playback
from notifier.engine.preparer import Preparer
from notifier.engine.recorder import Recorder
from notifier.engine.rendering import House, Rendering
from notifier.engine.replying import Replying, Rests
from notifier.engine.suspending import Suspending
from notifier.engine.sweeps import Sweeps
from notifier.engine.timetable import Timetable
from notifier.engine.triggers import Triggers
from notifier.engine.webhooks import Courier
from notifier.engine.withdrawals import Withdrawals
from notifier.engine.wording import Wording
from notifier.resources import template_root
from notifier.settings import Pace, Settings, SmtpSettings, TwilioSettings, UnknownSetting, read_hours
from notifier.speech import find_engines
from notifier.storage.answers import AnswerStore
from notifier.storage.api_keys import ApiKeyStore
from notifier.storage.attempts import AttemptStore
from notifier.storage.audiences import AudienceStore
from notifier.storage.budgets import BudgetStore
from notifier.storage.clips import ClipStore
from notifier.storage.database import Pool, WakeUps, measure_offset, open_pool
from notifier.storage.digests import DigestStore
from notifier.storage.events import EventStore
from notifier.storage.inquiries import InquiryStore
from notifier.storage.lists import ListStore
from notifier.storage.numbers import NumberStore
from notifier.storage.queue import QueueStore
from notifier.storage.replies import ReplyStore
from notifier.storage.runs import RunStore
from notifier.storage.schedules import ScheduleStore
from notifier.storage.source import Source, open_source
from notifier.storage.suppressions import SuppressionStore
from notifier.storage.suspensions import SuspensionStore
from notifier.storage.webhooks import WebhookStore
from notifier.web.audio import AudioRoutes
from notifier.web.events import EventRoutes
from notifier.web.health import HealthRoutes
from notifier.web.hooks import HookRoutes
from notifier.web.mail_hooks import MailHooks, listen_for_mail
from notifier.web.suppressions import SuppressionRoutes

log = structlog.get_logger()

MOST_BODY = 64 * 1024  # bytes of a callback; a provider's form is 2 KiB
CANCEL_AGAIN = 0.5  # real seconds
MAIL_MARGIN = 30.0  # real seconds: a mail that is still being handed over must not be taken for a lost one
SHUTDOWN = 25.0  # real seconds for what is in flight to be recorded


@dataclass
class App:
    """Everything a process of the notifier is made of. `open_app` builds one."""

    settings: Settings
    clock: Clock
    pool: Pool
    source: Source
    catalogue: Catalogue
    rendering: Rendering
    wake_ups: WakeUps
    answers: AnswerStore
    api_keys: ApiKeyStore
    attempts: AttemptStore
    audiences: AudienceStore
    budgets: BudgetStore
    digests: DigestStore
    events: EventStore
    inquiries: InquiryStore
    numbers: NumberStore
    lists: ListStore
    queue: QueueStore
    replies: ReplyStore
    runs: RunStore
    schedules: ScheduleStore
    webhooks: WebhookStore
    suspensions: SuspensionStore
    suppressions: SuppressionStore
    clips: Clips

    @property
    def limits(self) -> Limits:
        return Limits(**self.settings.watch.model_dump())

    @property
    def wording(self) -> Wording:
        return Wording(self.catalogue, self.rendering, self.clock)

    def planner(self) -> Planner:
        return Planner(
            self.catalogue, self.clock, self.audiences, self.runs, self.source, self.wake_ups, self.clips,
            self.suspensions, self.lists, self.rendering,
        )  # fmt: skip

    def preparer(self) -> Preparer:
        return Preparer(self.catalogue, self.clock, self.runs, self.source, self.wording, self.clips, self.wake_ups)

    def event_inbox(self) -> EventInbox:
        triggers = Triggers(self.catalogue, self.clock, self.events, self.audiences, self.planner())
        withdrawals = Withdrawals(self.clock, self.events, self.source, self.wake_ups)
        return EventInbox(self.catalogue, self.clock, self.events, self.source, triggers, withdrawals, self.wake_ups)

    def cancellations(self) -> Cancellations:
        return Cancellations(self.catalogue, self.clock, self.attempts, self.wake_ups)

    def case_events(self) -> CaseEvents:
        return CaseEvents(self.clock, self.events, self.source, self.wake_ups, self.settings.source_listen_url)

    def recorder(self) -> Recorder:
        return Recorder(
            self.pool, self.attempts, self.budgets, self.catalogue, self.clock, self.wake_ups, self.replying(),
            HangUps(self.attempts, self.clips),
        )  # fmt: skip

    def replying(self) -> Replying:
        rests = Rests(
            already_paid=timedelta(days=self.settings.posting_lag_days),
            promise=timedelta(days=self.settings.promise_days),
            extension=timedelta(days=self.settings.extension_days),
        )
        return Replying(self.replies, self.catalogue.calendar, rests, self.settings.office_closes, self.wake_ups)

    def lane(self, channel: str, recorder: Recorder) -> Lane:
        return Lane(
            channel=self.catalogue.channels[channel],
            catalogue=self.catalogue,
            clock=self.clock,
            pool=self.pool,
            queue=self.queue,
            budgets=self.budgets,
            runs=self.runs,
            source=self.source,
            wording=self.wording,
            clips=self.clips,
            recorder=recorder,
            wake_ups=self.wake_ups,
            limits=self.limits,
            concurrency=self.settings.concurrency,
        )

    def keeper(self) -> Keeper:
        return Keeper(
            self.catalogue, self.clock, self.pool, self.attempts, self.queue, self.runs, self.budgets, self.wake_ups,
            self.limits,
        )  # fmt: skip

    def clock_watch(self) -> ClockWatch:
        return ClockWatch(self.clock, self.pool, self.wake_ups)

    def timetable(self) -> Timetable:
        return Timetable(
            self.catalogue, self.clock, self.schedules, self.runs, self.keeper(), self.sweeps(), self.wake_ups,
            self.suspending(), self.learning(),
        )  # fmt: skip

    def sweeps(self) -> Sweeps:
        warning = timedelta(minutes=self.settings.same_day_warning)
        return Sweeps(self.clock, self.source, self.events, self.wake_ups, self.settings.office_closes, warning)

    def courier(self) -> Courier:
        transport = WebhookTransport(private=self.settings.webhook_private)
        return Courier(self.clock, self.webhooks, self.wake_ups, transport)

    def section_mail(self) -> Digests | None:
        """None where no section has an address, or there is no mail server."""
        smtp, digest = self.settings.smtp, self.settings.digest
        if smtp is None or not digest.to:
            return None
        mailer = Email(_mail_server(smtp, self.settings.optout), self.clock.now)
        words = DigestWords(template_root(), self.settings.caller.by_locale(), self.catalogue.calendar)
        takes = smtp.timeout + smtp.data_timeout + MAIL_MARGIN
        return Digests(self.digests, self.clock, words, mailer, digest.cron, digest.to, takes)

    def learning(self) -> Learning:
        return Learning(self.catalogue, self.clock, self.numbers)

    def suspending(self) -> Suspending:
        return Suspending(self.catalogue, self.clock, self.suspensions, self.wake_ups)

    def web(self, intake: Intake) -> web.Application:
        served = web.Application(client_max_size=MOST_BODY)
        health = HealthRoutes(self.clock, self.pool, self.budgets, self.runs)
        choices = Choices(self.catalogue, self.replies, self.source, self.wording)
        hooks = HookRoutes(self.settings.public_url, self.clock, self.attempts, intake, choices, health.silence)
        for channel in self.catalogue.channels.values():
            served.add_routes(hooks.routes(channel))
        served.add_routes(health.routes())
        served.add_routes(EventRoutes(self.clock, self.api_keys, self.events, self.wake_ups).routes())
        served.add_routes(SuppressionRoutes(self.clock, self.api_keys, self.suppressions).routes())
        served.add_routes(self.audio(intake).routes())
        return served

    def audio(self, intake: Intake) -> AudioRoutes:
        addresses = AudioAddresses(self.settings.public_url, self.clips.seal)
        playback = Playback(self.clips.store, self.clips.engines.get, self.clips.seal)
        return AudioRoutes(addresses, playback, self.attempts, self.settings.caller.by_locale(), intake, self.clock)

    def mail_hooks(self, intake: Intake) -> MailHooks:
        return MailHooks(self.catalogue.channels.values(), self.clock, intake)

    async def set_up_budgets(self) -> None:
        """Write the paces of the settings into the database, where all workers share them."""
        paces = self.settings.paces
        for channel in self.catalogue.channels:
            pace = paces.get(channel, Pace())
            await self.budgets.set_up(
                channel, rate=pace.rate, burst=pace.burst, most_in_flight=pace.most_in_flight,
                reserved=pace.reserved, now=self.clock.now(),
            )  # fmt: skip


@asynccontextmanager
async def open_app(settings: Settings, name: str = "app", *, patient: bool = False) -> AsyncIterator[App]:
    """Build the parts and close what they opened. When the database cannot be reached it is waited for, if `patient`;
    else what it says is raised. Raises ClockAstray."""
    clock = parse_clock(settings.clock)
    database_url = settings.database_url.get_secret_value()
    direct = settings.direct_database_url
    opening = partial(open_pool, database_url, name=name, size=settings.pool_size, pooled=direct is not None)
    async with AsyncExitStack() as stack:
        pool = await (persist("start", opening) if patient else opening())
        stack.push_async_callback(pool.close)
        setting = partial(_set_clock, clock, pool)
        await (persist("start", setting) if patient else setting())
        source_url = settings.source_url.get_secret_value() if settings.source_url else database_url
        lists = ListStore(pool)
        source = await open_source(
            source_url,
            real_now=clock.real_now,
            size=settings.source_pool_size,
            audience_within=timedelta(seconds=settings.audience_seconds),
            lists=lists,
        )
        stack.push_async_callback(source.close)
        wake_ups = WakeUps(pool, direct.get_secret_value() if direct else database_url)
        clips = await _open_clips(settings, clock, pool, wake_ups, stack)
        rendering = make_rendering(settings)
        catalogue = make_catalogue(settings, clock, rendering, clips.seal)
        for channel in catalogue.channels.values():
            stack.push_async_callback(channel.close)
        yield App(
            settings=settings,
            clock=clock,
            pool=pool,
            source=source,
            catalogue=catalogue,
            rendering=rendering,
            wake_ups=wake_ups,
            answers=AnswerStore(pool),
            api_keys=ApiKeyStore(pool),
            attempts=AttemptStore(pool),
            audiences=AudienceStore(pool),
            budgets=BudgetStore(pool),
            digests=DigestStore(pool),
            events=EventStore(pool),
            inquiries=InquiryStore(pool),
            numbers=NumberStore(pool),
            lists=lists,
            queue=QueueStore(pool),
            replies=ReplyStore(pool),
            runs=RunStore(pool),
            schedules=ScheduleStore(pool),
            webhooks=WebhookStore(pool),
            suspensions=SuspensionStore(pool),
            suppressions=SuppressionStore(pool),
            clips=clips,
        )


async def _open_clips(settings: Settings, clock: Clock, pool: Pool, wake_ups: WakeUps, stack: AsyncExitStack) -> Clips:
    """Of the engines asked for, those that run here; when there is none, the carrier speaks."""
    engines = find_engines(SpeechSurroundings(settings.options))
    for engine in engines.values():
        stack.push_async_callback(engine.close)
    order = [name for name in settings.speech_engines if name in engines or name == CARRIER]
    if missing := [name for name in settings.speech_engines if name not in order]:
        log.error("speech.engine_missing", engines=missing)
    store = ClipStore(pool)
    return Clips(store, engines, order, await store.seal(), clock, wake_ups)


async def _set_clock(clock: Clock, pool: Pool) -> None:
    if not isinstance(clock, SystemClock):
        return
    measured = await measure_offset(pool)
    if why := too_far(measured):
        raise ClockAstray(f"{why}: set it (NTP), then start again")
    clock.offset = measured.ahead


def make_catalogue(settings: Settings, clock: Clock, rendering: Rendering, seal: bytes = b"") -> Catalogue:
    """What is installed and configured; its channels are to be closed by the caller. `seal`: of the addresses of
    sound."""
    calendar = make_calendar(settings.zone, settings.days_off, settings.work_days)
    campaigns = _campaigns(settings)
    stopped = _stopped(campaigns.values(), rendering)
    channels = find_channels(_surroundings(settings, clock, seal))
    return Catalogue(campaigns, channels, calendar, settings.caps.by_purpose(), stopped)


def _campaigns(settings: Settings) -> dict[str, Campaign]:
    """What is installed, with the hours that the settings give it. Raises UnknownSetting."""
    campaigns = find_campaigns()
    for name, hours in settings.windows.items():
        if name not in campaigns:
            raise UnknownSetting(
                f"NOTIFIER_WINDOWS names {name}, which is no campaign; there are: {', '.join(campaigns)}"
            )
        opens, closes = read_hours(hours)
        window = replace(campaigns[name].window, opens=opens, closes=closes)
        campaigns[name] = replace(campaigns[name], window=window)
    return campaigns


def make_rendering(settings: Settings) -> Rendering:
    return Rendering(template_root(), House(settings.caller.by_locale(), settings.optout))


def _stopped(campaigns: Iterable[Campaign], rendering: Rendering) -> dict[str, str]:
    """The campaigns whose words break a rule, with the first of them. It stops these only."""
    stopped = {}
    for campaign in campaigns:
        if found := rendering.lint(campaign):
            stopped[campaign.name] = f"{found[0].where}: {found[0].finding.rule}"
            log.error("campaign.stopped", campaign=campaign.name, why=stopped[campaign.name], findings=len(found))
    return stopped


def _surroundings(settings: Settings, clock: Clock, seal: bytes) -> Surroundings:
    callers = {f"caller.{locale}": caller for locale, caller in settings.caller.by_locale().items()}
    return Surroundings(
        public_url=settings.public_url,
        now=clock.now,
        seal=seal,
        twilio=_account(settings.twilio) if settings.twilio else None,
        mail=_mail_server(settings.smtp, settings.optout) if settings.smtp else None,
        options={**callers, **settings.options},
    )


def _account(twilio: TwilioSettings) -> TwilioAccount:
    return TwilioAccount(
        account_sid=twilio.account_sid,
        auth_token=twilio.auth_token.get_secret_value(),
        previous_token=twilio.previous_auth_token.get_secret_value(),
        base_url=twilio.base_url,
        voice_from=twilio.voice_from,
        sms_from=twilio.sms_from,
        ring_seconds=twilio.ring_seconds,
        timeout=twilio.timeout,
    )


def _mail_server(smtp: SmtpSettings, optout: str) -> MailServer:
    return MailServer(
        host=smtp.host,
        port=smtp.port,
        username=smtp.username,
        password=smtp.password.get_secret_value(),
        sender=smtp.sender,
        sender_name=smtp.sender_name,
        optout=optout,
        starttls=smtp.starttls,
        timeout=smtp.timeout,
        data_timeout=smtp.data_timeout,
        bounce_address=smtp.bounce_address,
        bounce_secret=smtp.bounce_secret.get_secret_value(),
    )


@dataclass(frozen=True)
class Parts:
    """Which parts a process runs."""

    web: bool = False
    work: bool = False
    keep: bool = False


async def serve(app: App, parts: Parts, *, ready: Callable[[str], None] = lambda _url: None) -> None:
    """Run the parts until SIGTERM or SIGINT; then stop claiming, let what is in flight be recorded, and return.

    `ready` is told the address web listens on (or '') once everything runs.
    """
    gc.freeze()  # what is loaded stays: each time the collector looked through it the loop would stand still for 40 ms
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await run_parts(app, parts, stopping, ready=ready)


async def run_parts(
    app: App, parts: Parts, stopping: asyncio.Event, *, ready: Callable[[str], None] = lambda _url: None
) -> None:
    """As `serve`, until `stopping` is set."""
    await persist("start", app.keeper().ensure_partitions)
    if parts.work or parts.keep:
        await persist("start", app.set_up_budgets)
    recorder = app.recorder()
    lanes = [app.lane(channel, recorder) for channel in app.catalogue.channels] if parts.work else []
    background: list[Awaitable[None]] = []
    if parts.work:
        background += [recorder.run(), Inbox(recorder, app.wake_ups).run()]
        background += [app.planner().run(), app.preparer().run(), app.clips.run(), app.cancellations().run()]
        case_events = app.case_events()
        background += [case_events.run(), case_events.listen(), app.event_inbox().run(), app.courier().run()]
    if parts.keep:
        background.append(app.timetable().run())
        if (section_mail := app.section_mail()) is not None:
            background.append(section_mail.run())
    background += [app.wake_ups.listen(), app.clock_watch().run()]
    running: list[asyncio.Task[None]] = []
    tasks: list[asyncio.Future[None]] = []
    try:
        async with AsyncExitStack() as stack:
            address = ""
            if parts.web:
                intake = Intake(app.attempts, app.wake_ups)
                background.append(intake.run())
                address = await _listen(app, intake, stack)
                if lmtp := app.settings.lmtp:
                    await stack.enter_async_context(listen_for_mail(app.mail_hooks(intake), lmtp.host, lmtp.port))
            tasks = [asyncio.ensure_future(part) for part in background]
            running = [asyncio.create_task(lane.run()) for lane in lanes]
            ready(address)
            await _until(stopping, [*tasks, *running])
            for lane in lanes:
                lane.stop()
            await _wind_down(running, recorder)
    finally:  # web has answered its last callback by now: only then may the intake end
        await _cancel([*tasks, *running])


async def _listen(app: App, intake: Intake, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(app.web(intake), access_log=None, shutdown_timeout=5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, app.settings.host, app.settings.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def _until(stopping: asyncio.Event, tasks: Sequence["asyncio.Future[None]"]) -> None:
    """Until told to stop; a part that ends by itself is a fault, and is raised."""
    told = asyncio.ensure_future(stopping.wait())
    waited: list[asyncio.Future[Any]] = [told, *tasks]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    for task in tasks:
        if task.done():
            task.result()


async def _wind_down(lanes: Sequence["asyncio.Task[None]"], recorder: Recorder) -> None:
    try:
        async with asyncio.timeout(SHUTDOWN):
            if lanes:
                await asyncio.wait(lanes)
            await recorder.flush()
    except TimeoutError:
        log.warning("shutdown.deadline", seconds=SHUTDOWN)  # what is not recorded is looked up by the next keeper


async def _cancel(tasks: Sequence["asyncio.Future[None]"]) -> None:
    """More than once, if need be: one that falls into the moment in which the database's client ends a statement comes
    out as a lost connection, which its part then waits out."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=CANCEL_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)
