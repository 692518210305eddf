"""Whether answers get to whoever acts on them: subscribers, digests, and what nobody has acted on in time."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from notifier.clock import parse_clock
from notifier.commands.checks import Finding, Level, well
from notifier.commands.failures import explain
from notifier.commands.webhook_view import When, standing_words
from notifier.commands.words import listed, say
from notifier.domain.calendar import make_calendar
from notifier.domain.target import find_fault
from notifier.settings import Settings
from notifier.storage.answers import AnswerStore
from notifier.storage.database import open_pool
from notifier.storage.digests import DigestState, DigestStore
from notifier.storage.webhooks import Subscriber, WebhookStore


async def check_office(settings: Settings) -> list[Finding]:
    """Asked of a database that answers and has this version's tables."""
    now = parse_clock(settings.clock).now()
    calendar = make_calendar(settings.zone, settings.days_off, settings.work_days)

    def when(moment: datetime | None) -> str:
        return f"{calendar.local(moment):%Y-%m-%d %H:%M}" if moment else ""

    try:
        pooled = settings.direct_database_url is not None
        pool = await open_pool(settings.database_url.get_secret_value(), name="check", size=1, pooled=pooled)
    except Exception as error:
        return [Finding("database", Level.PROBLEM, str(explain(error)))]
    async with pool:
        subscribers = await WebhookStore(pool).all()
        overdue = await AnswerStore(pool).overdue(now)
        digests = await DigestStore(pool).latest() if settings.digest.to else []
    found = [one for subscriber in subscribers for one in _check_subscriber(subscriber, settings, when)]
    found += _check_digests(settings, digests, when)
    found += [
        Finding(
            "inbox", Level.WARNING, say("check.overdue", section=section, n=n),
            say("check.see_overdue", section=section),
        )
        for section, n in overdue.items()
    ]  # fmt: skip
    return found


def _check_subscriber(one: Subscriber, settings: Settings, when: When) -> Iterator[Finding]:
    if fault := find_fault(one.url, private=settings.webhook_private):
        why = say(f"target.{fault.value}", url=one.url)
        yield Finding("webhooks", Level.PROBLEM, say("check.target_refused", name=one.name, why=why))
    standing = say("check.subscriber_failing", name=one.name, standing=standing_words(one, when))
    if one.disabled_reason is not None:
        yield Finding("webhooks", Level.WARNING, standing, say("check.enable_subscriber", name=one.name))
    elif one.failing_since is not None:
        yield Finding("webhooks", Level.WARNING, standing, say("check.see_deliveries", name=one.name))
    else:
        yield well("webhooks", "check.subscriber_well", name=one.name)
    if one.dead:
        words = say("check.subscriber_dead", name=one.name, n=one.dead)
        yield Finding("webhooks", Level.WARNING, words, say("check.replay", name=one.name))


def _check_digests(settings: Settings, latest: list[dict[str, Any]], when: When) -> Iterator[Finding]:
    if not settings.digest.to:
        return
    if settings.smtp is None:
        yield Finding("inbox", Level.PROBLEM, say("check.digest_no_mail"))
        return
    yield well("inbox", "check.digest_on", sections=listed(sorted(settings.digest.to)))
    for digest in latest:
        yield from _check_digest(digest, when)


def _check_digest(digest: Mapping[str, Any], when: When) -> Iterator[Finding]:
    values = {"section": digest["section"], "at": when(digest["moment"]), "why": digest["reason"]}
    if digest["state"] == DigestState.REFUSED:
        yield Finding("inbox", Level.WARNING, say("check.digest_refused", **values), say("check.mend_address"))
    elif digest["state"] == DigestState.OPEN and digest["reason"]:
        yield Finding("inbox", Level.WARNING, say("check.digest_unsent", **values))
