"""Whether this installation could do its work: one function per question, each answering findings."""

import ipaddress
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from notifier.commands.contract_words import complaint_words
from notifier.commands.failures import explain, first_line
from notifier.commands.terminal import channel_words, engine_words, locale_words
from notifier.commands.words import Language, chosen, clauses, listed, say
from notifier.domain.campaign import Campaign
from notifier.domain.channel import Channel
from notifier.domain.speech import CARRIER, SpeechEngine, SpeechSurroundings
from notifier.engine.catalogue import Catalogue
from notifier.engine.clock_watch import LARGEST_OFFSET
from notifier.engine.linting import TemplateFinding
from notifier.engine.preflight import TARIFF
from notifier.engine.proof import prove
from notifier.engine.rendering import Rendering
from notifier.resources import sql_root, template_root
from notifier.settings import Settings
from notifier.speech import GROUP as ENGINES
from notifier.speech import find_engines
from notifier.storage.budgets import BudgetStore
from notifier.storage.contract import Complaint, check_source
from notifier.storage.database import Pool, measure_offset, open_pool
from notifier.storage.migrations import MigrationError, find_migrations, missing_migrations
from notifier.storage.queries import Connection, Query, QueryError
from notifier.storage.source import FACT_COLUMNS, STAGING, CampaignQueries, campaign_queries

PATIENCE = 5.0  # seconds a server may take to answer
NEEDED: Mapping[str, tuple[str, ...]] = {
    "voice": ("NOTIFIER_TWILIO__ACCOUNT_SID", "NOTIFIER_TWILIO__AUTH_TOKEN", "NOTIFIER_TWILIO__VOICE_FROM"),
    "sms": ("NOTIFIER_TWILIO__ACCOUNT_SID", "NOTIFIER_TWILIO__AUTH_TOKEN", "NOTIFIER_TWILIO__SMS_FROM"),
    "email": ("NOTIFIER_SMTP__HOST", "NOTIFIER_SMTP__SENDER"),
}


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer; `remedy` says what to do where something is to be done."""

    area: str
    level: Level
    text: str
    remedy: str = ""


def well(area: str, key: str, **values: object) -> Finding:
    return Finding(area, Level.OK, say(key, **values))


def check_files() -> Iterator[Finding]:
    try:
        yield well("files", "check.files_found", where=listed([str(template_root()), str(sql_root())]))
    except FileNotFoundError as error:
        yield Finding("files", Level.PROBLEM, first_line(error), say("check.reinstall"))


async def check_database(settings: Settings) -> list[Finding]:
    """Answers, has this version's tables, keeps the same time; and what its channels are paused for."""
    try:
        pooled = settings.direct_database_url is not None
        pool = await open_pool(settings.database_url.get_secret_value(), name="check", size=1, pooled=pooled)
    except Exception as error:
        return [Finding("database", Level.PROBLEM, str(explain(error)))]
    async with pool:
        version = await pool.fetchval("show server_version")
        found = [well("database", "check.database_answers", version=version), await _check_migrations(pool)]
        found += [await _check_clock(settings, pool)]
        if found[1].level is Level.OK:
            found += await _check_pauses(pool)
    return found


async def _check_migrations(pool: Pool) -> Finding:
    try:
        async with pool.acquire() as connection:
            missing = await missing_migrations(connection)
    except (MigrationError, asyncpg.InsufficientPrivilegeError) as error:
        return Finding("database", Level.PROBLEM, first_line(error))
    if not missing:
        return well("database", "check.migrated", n=len(find_migrations()))
    names = listed(migration.name for migration in missing)
    return Finding("database", Level.PROBLEM, say("check.not_migrated", names=names), say("check.migrate"))


async def _check_clock(settings: Settings, pool: Pool) -> Finding:
    if settings.clock != "system":
        return Finding("clock", Level.WARNING, say("check.clock_given"), say("check.unset_clock"))
    offset = (await measure_offset(pool)).ahead
    if abs(offset) > LARGEST_OFFSET:
        far = say("check.clock_far", s=f"{-offset.total_seconds():+.1f}")
        return Finding("clock", Level.PROBLEM, far, say("check.set_clock"))
    return well("clock", "check.clock_near", ms=f"{-offset.total_seconds() * 1000:+.1f}")


async def _check_pauses(pool: Pool) -> list[Finding]:
    return [
        Finding(
            "channels", Level.WARNING,
            say("check.channel_paused", channel=channel_words(budget.channel), why=budget.paused),
            say("check.resume", channel=budget.channel),
        )
        for budget in await BudgetStore(pool).all() if budget.paused
    ]  # fmt: skip


async def check_sources(settings: Settings, campaigns: Iterable[Campaign]) -> list[Finding]:
    """The contract, as the role that reads the source sees it; and every campaign's SQL against it."""
    url = (settings.source_url or settings.database_url).get_secret_value()
    try:
        async with _reading(url) as connection:
            found = _judge(await check_source(connection), url)
            for campaign in campaigns:
                found += await _check_sql(connection, campaign)
            return found
    except Exception as error:
        wording = "source.unreachable" if settings.source_url else "database.unreachable"
        return [Finding("source", Level.PROBLEM, say(wording, why=first_line(error)))]


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(url, timeout=PATIENCE, server_settings={"default_transaction_read_only": "on"})
    try:
        yield connection
    finally:
        await connection.close(timeout=PATIENCE)


def _judge(complaints: list[Complaint], url: str) -> list[Finding]:
    """A role that could write is a problem; on this machine's own socket, where the demo lives, a warning."""
    found = []
    for complaint in complaints:
        tolerated = complaint.problem.startswith("role ") and on_unix_socket(url)
        problem, remedy = complaint_words(complaint)
        level = Level.WARNING if tolerated else Level.PROBLEM
        found.append(
            Finding("source", level, problem, clauses(say("check.source_local"), remedy) if tolerated else remedy)
        )
    return found or [well("source", "check.source_well")]


def on_unix_socket(url: str) -> bool:
    parts = urlsplit(url)
    hosts = parse_qs(parts.query).get("host", [parts.hostname or ""])
    return all(not host or host.startswith(("/", "%2f", "%2F")) for host in hosts)


async def _check_sql(connection: Connection, campaign: Campaign) -> list[Finding]:
    try:
        queries = campaign_queries(campaign.name)
    except QueryError as error:
        return [Finding("campaigns", Level.PROBLEM, first_line(error), say("check.mend_sql"))]
    found = [*_check_parameters(campaign, queries)]
    for file, query, columns in (
        ("audience.sql", queries.audience, STAGING),
        ("facts.sql", queries.facts, dict.fromkeys(FACT_COLUMNS)),
    ):
        found += await _check_columns(connection, campaign, file, query, columns)
    return found or [well("campaigns", "check.sql_fits", campaign=campaign.name)]


def _check_parameters(campaign: Campaign, queries: CampaignQueries) -> Iterator[Finding]:
    for file, query, given in (
        ("audience.sql", queries.audience, campaign.audience_parameters),
        ("facts.sql", queries.facts, campaign.facts_parameters),
    ):
        if set(query.params) != given:
            found, wanted = listed(sorted(query.params)), listed(sorted(given))
            words = say("check.sql_params", campaign=campaign.name, file=file, found=found, wanted=wanted)
            yield Finding("campaigns", Level.PROBLEM, words, say("check.mend_sql"))


async def _check_columns(
    connection: Connection, campaign: Campaign, file: str, query: Query, wanted: Mapping[str, str | None]
) -> list[Finding]:
    """Prepared by the server itself: names and types as they will be copied. A type of None may be any."""
    try:
        statement = await connection.prepare(query.text)
    except asyncpg.PostgresError as error:
        words = say("check.sql_wrong", campaign=campaign.name, file=file, why=first_line(error))
        return [Finding("campaigns", Level.PROBLEM, words, say("check.mend_sql"))]
    found = {column.name: column.type.name for column in statement.get_attributes()}
    if all(name in found and kind in (None, found[name]) for name, kind in wanted.items()):
        return []
    columns = listed(f"{name} {kind}" if kind else name for name, kind in wanted.items())
    words = say("check.sql_columns", campaign=campaign.name, file=file, wanted=columns)
    return [Finding("campaigns", Level.PROBLEM, words, say("check.mend_sql"))]


async def check_words(settings: Settings, catalogue: Catalogue) -> list[Finding]:
    """Every template of every campaign: there, without the marks of fraud, and made of what its facts give. What the
    facts give is asked of the source; without it the words are looked at alone."""
    from notifier.app import make_rendering

    rendering = make_rendering(settings)
    url = (settings.source_url or settings.database_url).get_secret_value()
    columns = await _columns_of_facts(url, catalogue.campaigns.values())
    return [
        finding
        for campaign in catalogue.campaigns.values()
        for finding in _check_words_of(campaign, rendering, columns.get(campaign.name), catalogue.channels)
    ]


async def _columns_of_facts(url: str, campaigns: Iterable[Campaign]) -> dict[str, dict[str, str]]:
    """What each facts.sql selects, as far as the source can say it; what it cannot is said elsewhere."""
    found = {}
    try:
        async with _reading(url) as connection:
            for campaign in campaigns:
                with suppress(asyncpg.PostgresError, QueryError):
                    statement = await connection.prepare(campaign_queries(campaign.name).facts.text)
                    found[campaign.name] = {one.name: one.type.name for one in statement.get_attributes()}
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        return found
    return found


def _check_words_of(
    campaign: Campaign, rendering: Rendering, columns: Mapping[str, str] | None, channels: Mapping[str, Channel]
) -> list[Finding]:
    found, segments = list(rendering.lint(campaign)), 0
    if columns is not None:
        given = {name: kind for name, kind in columns.items() if name not in FACT_COLUMNS}
        proof = prove(campaign, given, rendering, channels)
        found, segments = [*found, *proof.findings], proof.segments
    if found:
        return [_word_finding(one) for one in found]
    key = "check.templates_and_sms_well" if segments else "check.templates_well"
    cost = f"{segments * TARIFF.sms_segment:g}"
    return [well("campaigns", key, campaign=campaign.name, n=segments, cost=cost)]


def _word_finding(found: TemplateFinding) -> Finding:
    broken = found.finding
    why = broken.reason_zh if chosen() is Language.ZH else broken.reason
    if broken.rule == "template_missing":
        remedy = say("check.write_template", name=found.file)
    else:
        remedy = say("check.rewrite", excerpt=broken.excerpt) if broken.excerpt else say("check.rewrite_all")
    words = say("check.template_lint", name=found.where, why=why, rule=broken.rule)
    return Finding("campaigns", Level.PROBLEM, words, remedy)


def check_channels(catalogue: Catalogue) -> Iterator[Finding]:
    """What every campaign's plan asks for, and why a step of it cannot be taken."""
    if not catalogue.campaigns:
        yield Finding("campaigns", Level.PROBLEM, say("check.no_campaign"), say("check.reinstall"))
    planned = dict.fromkeys(step.channel for campaign in catalogue.campaigns.values() for step in campaign.plan)
    for channel in planned:
        yield _check_channel(channel, catalogue.channels)
    for campaign in catalogue.campaigns.values():
        yield from _check_plan(campaign, catalogue)


def _check_channel(channel: str, configured: Mapping[str, Channel]) -> Finding:
    if channel in configured:
        return well("channels", "check.channel_on", channel=channel_words(channel))
    needed = NEEDED.get(channel, ())
    remedy = say("check.set_these", names=listed(needed)) if needed else ""
    return Finding("channels", Level.WARNING, say("check.channel_off", channel=channel_words(channel)), remedy)


def _check_plan(campaign: Campaign, catalogue: Catalogue) -> Iterator[Finding]:
    refusals = {step.channel: catalogue.refusal(campaign, step.channel) for step in campaign.plan}
    for channel, why in refusals.items():
        if why and channel in catalogue.channels:
            words = say("check.sender_not_111") if "111" in why else why
            refused = say("check.channel_refused", campaign=campaign.name, channel=channel_words(channel), why=words)
            yield Finding("channels", Level.WARNING, refused)
    if all(refusals.values()):
        wanted = listed(channel_words(channel) for channel in refusals)
        remedy = say("check.one_channel", channels=wanted)
        yield Finding("channels", Level.PROBLEM, say("check.no_channel", campaign=campaign.name), remedy)


async def check_speech(settings: Settings) -> list[Finding]:
    """Who would speak the calls: each engine asked for, with its voices, or why it is not to be had."""
    try:
        engines = find_engines(SpeechSurroundings(settings.options))
    except ValueError as error:
        return [Finding("speech", Level.PROBLEM, first_line(error), say("check.mend_setting"))]
    try:
        return [_check_engine(name, engines) for name in dict.fromkeys(settings.speech_engines)]
    finally:
        for engine in engines.values():
            await engine.close()


def _check_engine(name: str, engines: Mapping[str, SpeechEngine]) -> Finding:
    known = {CARRIER, *engines, *entry_points(group=ENGINES).names}
    if name == CARRIER:
        return well("speech", "check.speech_carrier", engine=engine_words(name))
    if name in engines:
        return well("speech", "check.speech_on", engine=engine_words(name), voices=_voices(engines[name]))
    if name in known:
        return Finding("speech", Level.WARNING, say("check.speech_off", name=name), say("check.speech_configure"))
    words = say("check.speech_unknown", name=name, known=listed(sorted(known)))
    return Finding("speech", Level.PROBLEM, words, say("check.speech_mend"))


def _voices(engine: SpeechEngine) -> str:
    voices = engine.abilities.voices.items()
    return listed([say("check.speech_voice", language=locale_words(name), voice=voice) for name, voice in voices])


def check_public_url(settings: Settings) -> Iterator[Finding]:
    """The real carrier calls back from outside: an address of this machine would make every call silent."""
    if settings.twilio is None:
        return
    outside = (urlsplit(settings.twilio.base_url).hostname or "").endswith("twilio.com")
    url = urlsplit(settings.public_url)
    if outside and is_local(url.hostname or ""):
        words = say("check.public_url_local", url=settings.public_url)
        yield Finding("channels", Level.PROBLEM, words, say("check.set_public_url"))
    elif outside and url.scheme != "https":
        words = say("check.public_url_plain", url=settings.public_url)
        yield Finding("channels", Level.WARNING, words, say("check.set_public_url"))
    else:
        yield well("channels", "check.public_url_well", url=settings.public_url)


def is_local(host: str) -> bool:
    """Whether only this machine or its own network can reach the host."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal"))
    return not address.is_global
