"""A receiver that was away for long leaves a backlog; what is done with it must not look through all of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from notifier.domain.delivery import DeliveryState, Heard, Verdict
from notifier.resources import sql_root
from notifier.storage.database import Pool
from notifier.storage.queries import load_queries
from notifier.storage.webhooks import Result, WebhookStore
from tests.house import MORNING

EVENTS = 20_000
PAGES = 60  # for each row: a few descents of indexes, and its writes


async def pages(pool: Pool, name: str, **given: Any) -> int:
    """How many a statement touches, carried out."""
    query = load_queries(sql_root() / "webhook.sql")[name]
    explained = await pool.fetchval(f"explain (analyze, buffers, format json) {query.text}", *query.arguments(given))
    plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    return max(_touched(plan))


def _touched(node: Any) -> Iterator[int]:
    """Of each node with all below it. What a writing CTE does beside the statement, its root does not count."""
    yield node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    for below in node.get("Plans", ()):
        yield from _touched(below)


async def test_a_backlog_without_statistics_is_not_looked_through(pool: Pool) -> None:
    store = WebhookStore(pool)
    for table in ("outbox", "delivery"):
        await pool.execute(f"alter table notifier.{table} set (autovacuum_enabled = false)")
    for name in ("cases", "other"):
        await store.add(name, "https://cases.office.example", None, MORNING)
    await pool.execute(
        "insert into notifier.outbox (type, subject, data, at)"
        " select 'reply.received', 'B' || i % 5000, '{}', $1 from generate_series(1, $2::integer) i",
        MORNING, EVENTS,
    )  # fmt: skip
    for _ in range(EVENTS // 1000):
        assert await pages(pool, "spread", now=MORNING, most=1000) < PAGES * 2000
    later = MORNING + timedelta(minutes=1)
    claim = {"now": MORNING, "until": later, "most": 8, "trouble": 3}
    assert await pages(pool, "claim", lease=1, **claim) < PAGES * 16 + 400
    taken = await store.claim(later, later + timedelta(minutes=1), most=8, trouble=3)
    assert len(taken) == 16
    told = {
        "deliveries": [one.id for one in taken], "leases": [one.lease for one in taken], "states": ["open"] * 16,
        "answers": ["http 500"] * 16, "reasons": [None] * 16, "dues": [later + timedelta(hours=1)] * 16, "now": later,
    }  # fmt: skip
    assert await pages(pool, "record", **told) < PAGES * 16 * 5, "each has four behind it"
    well = [Result(one, Heard(204), Verdict(DeliveryState.DELIVERED)) for one in taken]
    await store.record(well, later, trouble=3)  # not theirs any more
    assert await pool.fetchval("select count(*) from notifier.delivery where state = 'delivered'") == 0
    assert await pages(
        pool, "give_up", before=MORNING, too_old="x", removed="y", most=5000, now=later
    ) < 100  # fmt: skip
