"""Every error a command can meet, as an exit code and one sentence that says what to do."""

import re
import tomllib
from collections.abc import Callable

import asyncpg
from pydantic import ValidationError
from pydantic_settings import SettingsError

from notifier.clock import ClockAstray
from notifier.commands.exits import Exit, Failure
from notifier.commands.words import say
from notifier.domain.campaign import BadParameter
from notifier.domain.errors import ChannelError, Misconfigured
from notifier.settings import PREFIX, UnknownSetting
from notifier.storage.database import LOST
from notifier.storage.migrations import MigrationError
from notifier.storage.queries import QueryError
from notifier.storage.source import SourceBroken, SourceLost

NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError,
                asyncpg.UndefinedFunctionError)  # fmt: skip
JSON_EXAMPLES = {
    "speech_engines": '["espeak", "carrier"]',
    "work_days": '["2026-02-07"]',
    "days_off": '{"2026-07-24": "typhoon"}',
    "pace": '{"voice": {"rate": 0.5}}',
    "options": '{"gtts": "on"}',
}
ANY_JSON = '{"name": "value"}'
TURNED_AWAY = (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError)


def explain(error: BaseException) -> Failure:
    """The failure that an error comes to. What nobody foresaw is UNEXPECTED, without a traceback."""
    if isinstance(error, Failure):
        return error
    for kinds, read in READINGS:
        if isinstance(error, kinds):
            return read(error)
    return Failure(Exit.UNEXPECTED, say("unexpected", kind=type(error).__name__, why=first_line(error)))


def first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__


def settings_failure(error: ValidationError) -> Failure:
    """The first setting that is wrong, by its name in the environment; never its value, which may be a secret."""
    wrong = error.errors(include_input=False, include_url=False)[0]
    name = PREFIX + "__".join(str(part) for part in wrong["loc"]).upper()
    if wrong["type"] == "missing":
        return Failure(Exit.USAGE, say("setting.missing", name=name))
    if wrong["type"] == "extra_forbidden":
        return Failure(Exit.USAGE, say("setting.unknown", name=name))
    return Failure(Exit.USAGE, say("setting.bad", name=name, why=wrong["msg"]))


def _settings_unreadable(error: BaseException) -> Failure:
    match = re.match(r'error parsing value for field "(\w+)"', str(error))
    if match is None:
        return Failure(Exit.USAGE, say("setting.unreadable", why=first_line(error)))
    name = PREFIX + match[1].upper()
    return Failure(Exit.USAGE, say("setting.not_json", name=name, example=JSON_EXAMPLES.get(match[1], ANY_JSON)))


def _unreachable(error: BaseException) -> Failure:
    return Failure(Exit.UNREACHABLE, say("database.unreachable", why=first_line(error)))


def _no_file(error: BaseException) -> Failure:
    """A file is named by whoever could not open it. What has no name is the Unix socket of a server that is down."""
    assert isinstance(error, OSError)
    if error.errno is not None and error.filename is None:
        return _unreachable(error)
    return Failure(Exit.USAGE, say("setting.unreadable", why=first_line(error)))


def _as(code: Exit, key: str | None = None) -> Callable[[BaseException], Failure]:
    """The error's own words, or the phrase with them filled in."""
    if key is None:
        return lambda error: Failure(code, f"{first_line(error)}.")
    return lambda error: Failure(code, say(key, why=first_line(error)))


def _invalid(error: BaseException) -> Failure:
    assert isinstance(error, ValidationError)
    return settings_failure(error)


# Most particular first: what several kinds could claim is read by the first.
READINGS: tuple[tuple[tuple[type[BaseException], ...], Callable[[BaseException], Failure]], ...] = (
    ((ValidationError,), _invalid),
    ((UnknownSetting, BadParameter, Misconfigured), _as(Exit.USAGE)),
    ((SettingsError,), _settings_unreadable),
    ((ClockAstray,), _as(Exit.UNREACHABLE)),
    ((tomllib.TOMLDecodeError, UnicodeDecodeError), _as(Exit.USAGE, "setting.unreadable")),
    ((asyncpg.exceptions.ClientConfigurationError,), _as(Exit.USAGE, "setting.unreadable")),
    ((SourceLost,), _as(Exit.UNREACHABLE, "source.unreachable")),
    ((SourceBroken,), _as(Exit.UNREACHABLE, "source.broken")),
    (NOT_MIGRATED, _as(Exit.UNREACHABLE, "database.not_migrated")),
    (TURNED_AWAY, _as(Exit.UNREACHABLE, "database.refused")),
    ((asyncpg.InsufficientPrivilegeError,), _as(Exit.UNREACHABLE, "database.denied")),
    ((MigrationError, QueryError), _as(Exit.UNREACHABLE)),
    ((ChannelError,), _as(Exit.UNFINISHED)),
    ((FileNotFoundError, PermissionError), _no_file),
    (LOST, _unreachable),
)
