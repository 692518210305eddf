"""`notifier serve | web | work | keep`: the processes that stay."""

from typing import TYPE_CHECKING

import asyncpg
import structlog
import typer

from notifier.commands import logs
from notifier.commands.examples import examples
from notifier.commands.exits import Exit, Failure
from notifier.commands.opening import carry_out, settings_or_fail
from notifier.commands.options import Host, Port
from notifier.commands.words import say
from notifier.storage.migrations import missing_migrations

if TYPE_CHECKING:
    from notifier.app import App, Parts

log = structlog.get_logger()

SERVE = "Run web, worker and timetable in one process.\n\nSIGTERM ends it cleanly: what is in flight is recorded first."
WEB = "Take the providers' callbacks in.\n\nAlso answers /healthz, /readyz and /metrics."
WORK = "Plan runs and send.\n\nAny number of workers may share a database."
KEEP = "Keep the hours.\n\nOpens scheduled runs, looks after what is silent, closes runs. Any number may run at once."


def register(app: typer.Typer) -> None:
    app.command("serve", help=SERVE, epilog=examples("notifier serve", "notifier serve --port 8080"))(serve)
    app.command("web", help=WEB, epilog=examples("notifier web --host 0.0.0.0 --port 8080"))(web)
    app.command("work", help=WORK, epilog=examples("notifier work"))(work)
    app.command("keep", help=KEEP, epilog=examples("notifier keep"))(keep)


def serve(host: Host = None, port: Port = None) -> None:
    stay("serve", web=True, work=True, keep=True, host=host, port=port)


def web(host: Host = None, port: Port = None) -> None:
    stay("web", web=True, host=host, port=port)


def work() -> None:
    stay("work", work=True)


def keep() -> None:
    stay("keep", keep=True)


def stay(
    name: str,
    *,
    web: bool = False,
    work: bool = False,
    keep: bool = False,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Run these parts until SIGTERM or SIGINT; exit 0 once what is in flight is recorded. A database that is away is
    waited for, at the start as at any time: whoever starts processes need not start them in order."""
    from notifier.app import Parts

    logs.configure()
    carry_out(_stay(name, Parts(web=web, work=work, keep=keep), host, port), quick_loop=True)


async def _stay(name: str, parts: "Parts", host: str | None, port: int | None) -> Exit:
    from notifier.app import open_app
    from notifier.app import serve as run_until_told
    from notifier.engine.backoff import persist

    async with open_app(settings_or_fail(host=host, port=port), name=name, patient=True) as app:
        await persist("start", lambda: _refuse_old_tables(app))
        await run_until_told(app, parts, ready=lambda url: log.info("ready", process=name, url=url or None))
    log.info("stopped", process=name)
    return Exit.DONE


async def _refuse_old_tables(app: "App") -> None:
    """Ends at once where tables are missing; a role that may not ask is believed."""
    async with app.pool.acquire() as connection:
        try:
            missing = await missing_migrations(connection)
        except asyncpg.InsufficientPrivilegeError:
            return
        if missing:
            raise Failure(Exit.UNREACHABLE, say("database.not_migrated"))
