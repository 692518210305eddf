"""`notifier sandbox`: a carrier that speaks Twilio's API, a mailbox, and a make-believe district."""

import asyncio
import signal
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import asyncpg
import typer

from notifier.clock import Clock, parse_clock
from notifier.commands import logs
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import carry_out
from notifier.commands.options import AsJson
from notifier.commands.terminal import print_json, tell
from notifier.commands.words import say

if TYPE_CHECKING:
    from notifier.sandbox.server import Sandbox, SandboxSettings

HELP = (
    "Serve a make-believe carrier and mailbox.\n\nIt speaks Twilio's API and webhooks; nobody is really called. With"
    " --district it also builds a utility's database, whose customers keep paying."
)
TAIPEI = ZoneInfo("Asia/Taipei")


def register(app: typer.Typer) -> None:
    app.command(
        "sandbox",
        help=HELP,
        epilog=examples(
            "notifier sandbox --port 8090 --smtp-port 8025",
            "notifier sandbox --district postgresql:///district --accounts 20000 --payments-per-hour 600",
        ),
    )(sandbox)


def sandbox(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The carrier's port; 0: a free one.")] = 8090,
    smtp_port: Annotated[
        int, typer.Option("--smtp-port", min=0, max=65535, help="The mailbox's; 0: a free one.")
    ] = 8025,
    seed: Annotated[int, typer.Option("--seed", help="Draws how people behave, and the district.")] = 1,
    clock: Annotated[
        str, typer.Option("--clock", help="system, or START@SCALE@SINCE as in NOTIFIER_CLOCK.")
    ] = "system",
    account_sid: Annotated[str, typer.Option("--account-sid", help="The carrier's only account.")] = "AC" + "0" * 32,
    auth_token: Annotated[str, typer.Option("--auth-token", help="Its password.")] = "sandbox-token",  # noqa: S107
    calls_per_second: Annotated[float, typer.Option("--calls-per-second", min=0, help="0: as fast as asked.")] = 0.0,
    starttls: Annotated[bool, typer.Option("--starttls", help="The mailbox offers STARTTLS.")] = False,
    lmtp: Annotated[
        str | None, typer.Option("--lmtp", metavar="HOST:PORT", help="Who takes mails that come back.")
    ] = None,
    district: Annotated[str | None, typer.Option("--district", metavar="URL", help="Build a district there.")] = None,
    accounts: Annotated[int, typer.Option("--accounts", min=200, help="How large the district is.")] = 20_000,
    payments_per_hour: Annotated[
        float, typer.Option("--payments-per-hour", min=0, help="How fast bills get paid.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    from notifier.sandbox.server import SandboxSettings

    settings = SandboxSettings(
        account_sid, auth_token, host, port, smtp_port, seed=seed, calls_per_second=calls_per_second, starttls=starttls,
        lmtp=_read_lmtp(lmtp) if lmtp else None,
    )  # fmt: skip

    async def work() -> Exit:
        time = _read_clock(clock)
        async with AsyncExitStack() as stack:
            built = None
            if district:
                built = await build(district, accounts, seed, time)
                if payments_per_hour:
                    stack.push_async_callback(_stop, _start_payments(district, time, payments_per_hour, seed))
            carrier = await _start(settings, time)
            stack.push_async_callback(carrier.stop)
            _announce(settings, carrier, built, district is not None, as_json)
            await _told_to_stop()
        return Exit.DONE

    logs.configure()
    carry_out(work(), quick_loop=True)


def _read_lmtp(word: str) -> tuple[str, int]:
    host, _, port = word.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter("HOST:PORT", param_hint="--lmtp")
    return host, int(port)


def _read_clock(word: str) -> Clock:
    try:
        return parse_clock(word)
    except ValueError as error:
        raise Failure(Exit.USAGE, str(error)) from error


async def build(url: str, accounts: int, seed: int, clock: Clock) -> dict[str, int] | None:
    """The district in an empty database; None when one is there already."""
    from notifier.sandbox.district import build_district, create_source_database

    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("select to_regnamespace('billing')"):
            return None
        await create_source_database(connection)
        today = clock.now().astimezone(TAIPEI).date()
        summary = await build_district(connection, accounts=accounts, seed=seed, today=today)
        return {"accounts": summary.accounts, "bills": summary.bills, "audience": summary.audience}
    finally:
        await connection.close()


def _start_payments(url: str, clock: Clock, per_hour: float, seed: int) -> "asyncio.Task[None]":
    from notifier.sandbox.district import take_payments

    return asyncio.create_task(take_payments(url, clock, per_hour=per_hour, seed=seed))


async def _start(settings: "SandboxSettings", clock: Clock) -> "Sandbox":
    from notifier.sandbox.server import Sandbox

    carrier = Sandbox(settings, clock)
    try:
        await carrier.start(settings.host, settings.port, settings.smtp_port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}, {settings.host}:{settings.smtp_port}"
        raise Failure(Exit.USAGE, say("address.in_use", where=where)) from error
    return carrier


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _told_to_stop() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()


def _announce(
    settings: "SandboxSettings", carrier: "Sandbox", built: dict[str, int] | None, district: bool, as_json: bool
) -> None:
    variables = {
        "NOTIFIER_TWILIO__BASE_URL": carrier.url,
        "NOTIFIER_TWILIO__ACCOUNT_SID": settings.account_sid,
        "NOTIFIER_TWILIO__AUTH_TOKEN": settings.auth_token,
        "NOTIFIER_TWILIO__VOICE_FROM": "+886800000001",
        "NOTIFIER_TWILIO__SMS_FROM": "111",
        "NOTIFIER_SMTP__HOST": settings.host,
        "NOTIFIER_SMTP__PORT": str(carrier.smtp_port),
        "NOTIFIER_SMTP__SENDER": "notice@office.example",
        "NOTIFIER_SMTP__STARTTLS": str(settings.starttls).lower(),
    }
    if settings.lmtp:
        variables |= {
            "NOTIFIER_SMTP__BOUNCE_ADDRESS": "bounce@office.example",
            "NOTIFIER_SMTP__BOUNCE_SECRET": "sandbox-secret",
            "NOTIFIER_LMTP__HOST": settings.lmtp[0],
            "NOTIFIER_LMTP__PORT": str(settings.lmtp[1]),
        }
    if as_json:
        print_json({"carrier": carrier.url, "smtp_port": carrier.smtp_port, "district": built, "settings": variables})
        return
    tell(f"{say('sandbox.carrier')}  {carrier.url}")
    tell(f"{say('sandbox.ledger')}  {carrier.url}/ledger")
    tell(f"{say('sandbox.smtp')}  {settings.host}:{carrier.smtp_port}")
    if district:
        tell(say("sandbox.district", **built) if built else say("sandbox.district_kept"))
    tell(say("sandbox.settings"))
    for name, value in variables.items():
        tell(f"  {name}={value}")
    tell(say("sandbox.stop"))
