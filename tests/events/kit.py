"""What the stories of events share: a campaign that events trigger, and the ways in which an event comes in."""

from collections.abc import Collection
from dataclasses import replace
from io import BytesIO
from typing import Any

import aiohttp
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from notifier.app import App
from notifier.domain.event import EventState
from tests.house import House

CAMPAIGN = "payment_deadline"  # whose SQL and words the triggered campaign of the tests borrows
ASKED = "bill.reminder_asked"
PAID = "bill.paid"


def let_events_trigger(app: App, *types: str) -> None:
    """The reminder, asked for by an event: its subjects are bills, of which a story can make as many as it likes."""
    campaigns: Any = app.catalogue.campaigns
    campaigns[CAMPAIGN] = replace(campaigns[CAMPAIGN], triggers=frozenset(types or {ASKED}))


async def api_key(app: App, name: str = "case system") -> str:
    key = await app.api_keys.add(name, app.clock.real_now())
    assert key is not None
    return key


def event(subject: str | None, number: int | str = 1, kind: str = ASKED, source: str = "/cases") -> dict[str, Any]:
    """One as a JSON object."""
    made = {"specversion": "1.0", "id": str(number), "source": source, "type": kind}
    return made if subject is None else {**made, "subject": subject}


class Sender:
    """Somebody with a key, who sends events to a notifier."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/v1/events"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"})

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        async with self._session.post(self._url, data=BytesIO(body), headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def send(self, subject: str, number: int | str = 1, kind: str = ASKED) -> str:
        """A good event, by the package itself; answers our id of it."""
        message = to_structured_event(CloudEvent(event(subject, number, kind)))
        status, answer = await self.post(message.body, dict(message.headers))
        assert status == 202, answer
        told: str = answer["id"]
        return told


async def sender(house: House) -> Sender:
    return Sender(house.app.settings.public_url, await api_key(house.app))


async def happen(house: House, *events: tuple[str, str], connection: Any = None) -> list[int]:
    """Events in the utility's own table: (type, subject). Answers their ids."""
    return [
        await (connection or house.source).fetchval(
            "insert into billing.event (type, subject) values ($1, $2) returning event_id", kind, subject
        )
        for kind, subject in events
    ]


async def inbox(app: App) -> list[dict[str, Any]]:
    """All that came in, oldest first."""
    return [dict(row) for row in reversed(await app.events.latest(None, None, 1_000_000))]


async def settled(house: House, count: int, within: float = 20) -> None:
    """Until so many events have come in and none is pending."""

    async def all_closed() -> bool:
        rows = await inbox(house.app)
        return len(rows) >= count and all(row["state"] != EventState.PENDING for row in rows)

    await house.until_soon(all_closed, within=within)


def effects(rows: Collection[dict[str, Any]]) -> list[str]:
    return [row["effects"].get(CAMPAIGN) for row in rows]


async def told(house: House, within: float = 20) -> None:
    """Until every event is done with, and nobody waits to be told any more, whoever is held but for."""

    async def nothing_left() -> bool:
        return not await house.app.pool.fetchval(
            "select exists (select from notifier.event where state = 'pending')"
            " or exists (select from notifier.queue) or exists (select from notifier.in_flight)"
        )

    await house.until_soon(nothing_left, within=within)
