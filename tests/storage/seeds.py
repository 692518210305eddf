"""Rows for the storage tests, put in by plain SQL."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.domain.attempt_id import AttemptId, make_attempt_id
from notifier.domain.cap import Cap
from notifier.storage.queue import Claimed, Draft, QueueStore

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
START = (datetime(1970, 1, 1, tzinfo=UTC), 0)
DAY = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # midnight in Taipei


async def partitions(pool: Any) -> None:
    await pool.execute("select notifier.ensure_partitions($1)", NOW)


async def run(pool: Any, key: str = "run", state: str = "open", priority: int = 5) -> int:
    await partitions(pool)
    value: int = await pool.fetchval(
        "insert into notifier.run (key, campaign, owner, params, priority, zone, state, opened_at,"
        " planned_at, finished_at, next_expiry)"
        " values ($1, 'payment_deadline', '電費組', '{}', $2, 'Asia/Taipei', $3::text, $4::timestamptz, $4,"
        " case when $3 = 'cancelled' then $4 end, $4 + interval '10 hours') returning id",
        key, priority, state, NOW,
    )  # fmt: skip
    return value


async def notifications(
    pool: Any, run_id: int, count: int, channel: str = "voice", same_phone: bool = False
) -> list[int]:
    """Queued notifications, one bill each."""
    rows = await pool.fetch(
        """
        with n as (
          insert into notifier.notification (run_id, account_no, locale, phone, email, expires_at)
          select $1::bigint, lpad(i::text, 11, '0'), 'zh-TW',
                 '+8869' || lpad((case when $4::boolean then 0 else $1::bigint * 1000 + i end)::text, 8, '0'),
                 'c' || i || '@example.org', $3::timestamptz + interval '10 hours'
            from generate_series(1, $2::int) i
          returning id
        ), q as (
          insert into notifier.queue (notification_id, run_id, channel, due_at, step)
          select id, $1::bigint, $5::text, $3::timestamptz, 0 from n
        ), a as (
          insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, notification_id)
          select $1::bigint, 'payment_deadline', 'B' || id, 'deadline', '00000000001', 'lead', id from n
        )
        select id from n order by id
        """,
        run_id, count, NOW, same_phone, channel,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def claim(store: QueueStore, run_id: int, owner: int = 1, most: int = 500, now: datetime = NOW) -> list[Claimed]:
    return await store.claim(
        channel="voice", run=run_id, owner=owner, now=now, until=now + timedelta(seconds=30), mark=START,
        purpose="collection", most=most,
    )  # fmt: skip


def draft_id(now: datetime) -> AttemptId:
    return make_attempt_id(now, os.urandom(10))


def draft(claimed: Claimed, now: datetime = NOW) -> Draft:
    return Draft(draft_id(now), claimed.id, str(claimed.phone), "t@1", {"kind": "SmsMessage"})


async def write(
    store: QueueStore,
    pool: Any,
    claimed: list[Claimed],
    owner: int = 1,
    cap: int = 3,
    lines: int = 500,
    now: datetime = NOW,
    household: Cap | None = None,
) -> dict[AttemptId, str]:
    ahead = await store.write_ahead(
        pool, owner=owner, channel="voice", purpose="collection", now=now, look_at=LATER, day_start=DAY, cap=cap,
        household=household, lines=lines, drafts=[draft(one, now) for one in claimed],
    )  # fmt: skip
    return {attempt: one.verdict for attempt, one in ahead.items()}
