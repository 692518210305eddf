"""How subscribers and deliveries are shown, by `webhook`, `check` and `status`."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from notifier.commands.words import say
from notifier.domain.delivery import DeliveryState, Reason
from notifier.storage.webhooks import Subscriber

When = Callable[[datetime | None], str]

_REASONS = {reason.value: reason.name.lower() for reason in Reason}


def heard_words(heard: str | None) -> str:
    """What a try came to, as the log keeps it."""
    if not heard:
        return ""
    _, is_status, status = heard.partition("http ")
    return say("heard.status", status=status) if is_status else say(f"heard.{heard}")


def reason_words(reason: str) -> str:
    """Why nothing is sent; what a person wrote stands as it was written."""
    return say(f"dead.{_REASONS[reason]}") if reason in _REASONS else reason


def standing_words(subscriber: Subscriber, when: When) -> str:
    if subscriber.disabled_reason is not None:
        return say("webhook.disabled", at=when(subscriber.disabled_at), why=reason_words(subscriber.disabled_reason))
    if subscriber.failing_since is not None:
        return say("webhook.failing", at=when(subscriber.failing_since), what=heard_words(subscriber.answer))
    return say("webhook.well")


def delivery_words(row: Mapping[str, Any], when: When) -> str:
    heard = heard_words(row["answer"])
    match row["state"]:
        case DeliveryState.DELIVERED:
            words = say("delivery.delivered")
        case DeliveryState.DEAD:
            words = say("delivery.dead", why=reason_words(row["reason"]))
        case _:
            words = say("delivery.in_flight") if row["in_flight"] else say("delivery.open", at=when(row["due_at"]))
    return f"{words}; {heard}" if heard else words


def troubles(subscribers: Iterable[Subscriber], when: When) -> list[str]:
    """A line for each subscriber that a person should look at."""
    return [
        say("webhook.trouble", name=one.name, standing=standing_words(one, when), dead=one.dead)
        for one in subscribers
        if one.disabled_reason is not None or one.failing_since is not None or one.dead
    ]
