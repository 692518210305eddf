"""Logs: JSON lines on stderr, in words on a terminal; and nothing in them that identifies a person."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

# A safety net: our own events name no addresses, but a database's error text may quote the row it is about.
PERSONAL = re.compile(
    r"[^\s@'\"<>(=]+@[^\s@'\"<>)]+"  # an e-mail address; also user:password@host of a URL
    r"|(?<![0-9A-Za-z-])\+?[0-9]{9,14}(?![0-9A-Za-z-])"  # telephone and account numbers
    r"|(?<![0-9A-Za-z-])[0-9]{2}-[0-9]{2}-[0-9]{4}-[0-9]{2}-[0-9](?![0-9A-Za-z-])"
)
MASK = "***"


def configure(level: int = logging.INFO) -> None:
    """For processes that stay: everything from `level` on."""
    terminal = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # An exception becomes text before it is masked: a database's detail quotes addresses.
    closing: list[Processor] = [
        structlog.processors.format_exc_info,
        mask_personal,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*shared, *closing],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, closing)


def configure_quiet() -> None:
    """For commands that come and go: only what is wrong. Does nothing once `configure` has been called."""
    if not structlog.is_configured():
        configure(logging.ERROR)


def _route_libraries(shared: list[Processor], closing: list[Processor]) -> None:
    """What libraries log goes the same way; from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *closing],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def mask_personal(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blot out what looks like an address, a telephone or an account number in every text of the event."""
    for name, value in event.items():
        if isinstance(value, str) and name != "timestamp":
            event[name] = PERSONAL.sub(MASK, value)
    return event
