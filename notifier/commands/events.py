"""`notifier events`: what came in, and what became of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.commands.examples import examples
from notifier.commands.opening import at, on_app
from notifier.commands.options import AsJson
from notifier.commands.reasons import in_words
from notifier.commands.terminal import listing, print_json, screen, tell
from notifier.commands.words import Language, chosen, say
from notifier.domain.event import EventState
from notifier.storage.events import Feed

if TYPE_CHECKING:
    from notifier.app import App

HELP = "List the newest events.\n\nWhat came in, what it came to in each campaign, or why it was refused or ignored."


def register(app: typer.Typer) -> None:
    app.command("events", help=HELP, epilog=examples("notifier events", "notifier events --state refused --most 50"))(
        events
    )


def events(
    state: Annotated[
        EventState | None, typer.Option("--state", help="Only these: pending, handled, ignored or refused.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only about this case or bill.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    async def work(app: "App") -> None:
        found = [dict(row) for row in await app.events.latest(state, subject, most)]
        feeds = await app.events.feeds()
        if as_json:
            print_json({"events": found, "feeds": feeds})
            return
        _show(app, found)
        for feed in feeds:
            _show_feed(app, feed)

    on_app(work)


def _show(app: "App", found: list[dict[str, Any]]) -> None:
    if not found:
        tell(say("events.none"))
        return
    heads = [say(f"events.{name}") for name in ("id", "at", "state", "type", "subject", "became")]
    rows = [
        [str(one["id"]), at(app, one["received_at"]), say(f"event.{one['state']}"), one["type"] or "",
         one["subject"] or "", _became(app, one)]
        for one in found
    ]  # fmt: skip
    console = screen()
    console.print(listing(heads, rows, console.width))


def _became(app: "App", one: Mapping[str, Any]) -> str:
    parts = [f"{_title(app, name)}: {in_words(effect)}" for name, effect in one["effects"].items()]
    if one["reason"]:
        parts.append(in_words(one["reason"]))
    if one["waiting_for"]:
        parts.append(say("events.waits", what=in_words(one["waiting_for"])))
    return "; ".join(parts)


def _title(app: "App", name: str) -> str:
    campaign = app.catalogue.campaigns.get(name)
    if campaign is None:
        return name
    return campaign.title_zh if chosen() is Language.ZH else campaign.title


def _show_feed(app: "App", feed: Feed) -> None:
    if feed.waiting_for:
        tell(say("events.feed_waits", feed=feed.name, what=in_words(feed.waiting_for)))
    elif feed.read_at is None:
        tell(say("events.feed_new", feed=feed.name))
    else:
        tell(say("events.feed", feed=feed.name, at=at(app, feed.read_at)))
