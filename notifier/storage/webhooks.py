"""Who is told of events, and what became of each delivery."""

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from notifier.domain.delivery import Heard, Verdict
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import Query, load_into

SECRET_PREFIX = "whsec_"  # noqa: S105 - as the specification spells it
SECRET_BYTES = 32


@dataclass(frozen=True)
class WebhookQueries:
    spread: Query
    claim: Query
    record: Query
    note_health: Query
    bring_forward: Query
    give_up: Query
    add: Query
    list_subscribers: Query
    find: Query
    disable: Query
    enable: Query
    remove: Query
    replay: Query
    open_test: Query
    list_deliveries: Query


@dataclass(frozen=True, slots=True)
class Subscriber:
    """`types`: of the events it is told of, None for all. `waiting`, `dead`: deliveries."""

    id: int
    name: str
    url: str
    types: Sequence[str] | None
    made_at: datetime
    failures: int
    failing_since: datetime | None
    answer: str | None
    retry_at: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class Target:
    id: int
    name: str
    url: str
    secret: str
    disabled_reason: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that is ours to send until its lease ends. `tries`: this one included."""

    id: int
    lease: int
    tries: int
    subscriber_id: int
    subscriber: str
    url: str
    secret: str
    event_id: str
    type: str
    subject: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What one try came to, and what follows. `not_before`: when its subscriber wants to be asked again."""

    delivery: Delivery
    heard: Heard
    verdict: Verdict
    not_before: datetime | None = None


class WebhookStore:
    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._q = load_into(WebhookQueries, sql_root() / "webhook.sql")

    async def spread(self, now: datetime, most: int) -> int:
        """Make deliveries of what is new in outbox; answers of how many rows."""
        return await self._q.spread.execute(self.pool, now=now, most=most)

    async def claim(self, now: datetime, until: datetime, *, most: int, trouble: int) -> list[Delivery]:
        """What may go out now: `most` at the same time to one subscriber, one to whoever failed `trouble` times in a
        row."""
        lease = secrets.randbits(62)
        rows = await self._q.claim.fetch(self.pool, lease=lease, until=until, most=most, trouble=trouble, now=now)
        return [_delivery(row) for row in rows]

    async def record(self, results: Sequence[Result], now: datetime, *, trouble: int) -> None:
        """Write down what tries came to, and how their subscribers do."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._q.record.execute(
                connection, now=now,
                deliveries=[one.delivery.id for one in results], leases=[one.delivery.lease for one in results],
                states=[one.verdict.state.value for one in results], answers=[str(one.heard) for one in results],
                reasons=[one.verdict.reason for one in results], dues=[one.verdict.due_at for one in results],
            )  # fmt: skip
            changed = await self._q.note_health.fetch(connection, now=now, trouble=trouble, **_healths(results))
            if recovered := [row["id"] for row in changed if row["recovered"]]:
                await self._q.bring_forward.execute(connection, subscribers=recovered, now=now)

    async def give_up(self, before: datetime, too_old: str, removed: str, now: datetime, most: int = 5000) -> int:
        """Close deliveries that will not be made any more; answers how many. `before`: what waits since then."""
        rows = await self._q.give_up.fetch(
            self.pool, before=before, too_old=too_old, removed=removed, most=most, now=now
        )
        return len(rows)

    async def add(self, name: str, url: str, types: Collection[str] | None, now: datetime) -> str | None:
        """The secret of a new subscriber; None when there is one of this name."""
        secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        added = await self._q.add.fetch_value(
            self.pool, name=name, url=url, secret=secret, types=sorted(types) if types else None, now=now
        )
        return secret if added is not None else None

    async def all(self) -> list[Subscriber]:
        return [Subscriber(**row) for row in await self._q.list_subscribers.fetch(self.pool)]

    async def find(self, name: str) -> Target | None:
        row = await self._q.find.fetch_row(self.pool, name=name)
        return Target(**row) if row else None

    async def disable(self, subscriber: int, reason: str, now: datetime) -> bool:
        """Nothing more is sent to it; answers whether anything was until now."""
        return await self._q.disable.execute(self.pool, subscriber=subscriber, reason=reason, now=now) > 0

    async def enable(self, subscriber: int) -> bool:
        return await self._q.enable.execute(self.pool, subscriber=subscriber) > 0

    async def remove(self, subscriber: int, now: datetime) -> bool:
        return await self._q.remove.execute(self.pool, subscriber=subscriber, now=now) > 0

    async def replay(
        self,
        subscriber: int,
        now: datetime,
        *,
        states: Collection[str],
        deliveries: Collection[int] = (),
        since: datetime | None = None,
    ) -> int:
        """Open again those of these states that are named, or whose event is not older; answers how many."""
        return await self._q.replay.execute(
            self.pool, subscriber=subscriber, deliveries=list(deliveries), since=since, states=list(states), now=now
        )

    async def open_test(self, target: Target, kind: str, now: datetime, until: datetime) -> Delivery:
        row = await self._q.open_test.fetch_row(
            self.pool, subscriber=target.id, type=kind, subject=f"webhook {target.name}",
            lease=secrets.randbits(62), until=until, now=now,
        )  # fmt: skip
        assert row is not None
        return _delivery(row)

    async def latest(self, subscriber: str | None, state: str | None, most: int, now: datetime) -> list[asyncpg.Record]:
        """The newest deliveries, of one subscriber or in one state if given."""
        return await self._q.list_deliveries.fetch(
            self.pool, subscriber=subscriber or "", state=state or "", most=most, now=now
        )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(**{**row, "event_id": str(row["event_id"])})


def _healths(results: Sequence[Result]) -> dict[str, list[Any]]:
    """By subscriber: whether any try was well, how many failed, what the last of those came to."""
    found: dict[int, list[Result]] = {}
    for one in results:
        found.setdefault(one.delivery.subscriber_id, []).append(one)
    failed = {who: [one for one in some if not one.heard.well] for who, some in found.items()}
    return {
        "subscribers": list(found),
        "well": [len(failed[who]) < len(found[who]) for who in found],
        "failed": [len(failed[who]) for who in found],
        "answers": [str(failed[who][-1].heard) if failed[who] else None for who in found],
        "not_before": [
            max((one.not_before for one in failed[who] if one.not_before), default=None) for who in found
        ],
    }  # fmt: skip
