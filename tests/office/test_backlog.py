"""A receiver that was away for long leaves a backlog; what is done with it must not look through all of it."""

import json
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
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_backlog_without_statistics_is_not_looked_through(pool: Pool) -> None:
    store = WebhookStore(pool)
    for table in ("outbox", "delivery"):
        await pool.execute(f"alter table notifier.{table} set (autovacuum_enabled = false)")
    await store.add("cases", "https://cases.office.example", None, MORNING)
    await pool.execute(
        "insert into notifier.outbox (type, subject, data, at)"
        " select 'reply.received', 'B' || i % 5000, '{}', $1 from generate_series(1, $2::integer) i",
        MORNING, EVENTS,
    )  # fmt: skip
    while await store.spread(MORNING, 1000):
        pass
    await pool.execute(
        "insert into notifier.outbox (type, subject, data, at)"
        " select 'reply.received', 'B' || i, '{}', $1 from generate_series(1, 1000) i",
        MORNING,
    )

    assert await pages(pool, "spread", now=MORNING, most=1000) < PAGES * 1000
    later = MORNING + timedelta(minutes=1)
    claim = {"now": MORNING, "until": later, "most": 8, "trouble": 3}
    assert await pages(pool, "claim", lease=1, **claim) < PAGES * 8 + 400
    taken = await store.claim(later, later + timedelta(minutes=1), most=8, trouble=3)
    assert len(taken) == 8
    told = {
        "deliveries": [one.id for one in taken], "leases": [one.lease for one in taken], "states": ["open"] * 8,
        "answers": ["http 500"] * 8, "reasons": [None] * 8, "dues": [later + timedelta(hours=1)] * 8, "now": later,
    }  # fmt: skip
    assert await pages(pool, "record", **told) < PAGES * 8 * 5, "each has four behind it"
    well = [Result(one, Heard(204), Verdict(DeliveryState.DELIVERED)) for one in taken]
    await store.record(well, later, trouble=3)  # not theirs any more
    assert await pool.fetchval("select count(*) from notifier.delivery where state = 'delivered'") == 0
    assert await pages(
        pool, "give_up", before=MORNING, too_old="x", removed="y", most=5000, now=later
    ) < 100  # fmt: skip
