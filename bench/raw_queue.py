"""The limit of the dispatcher: the same steps in bare asyncpg, on the leanest tables with the same columns.

Claim, facts from the source's views, attempt written ahead, a task per send, log and complete; nothing is screened,
judged or rendered, and there is no index but what these steps need. Same batch, same durability, same server.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from bench.ground import CAMPAIGN, CHANNEL, LEASE, MORNING, Ground
from notifier.domain.attempt_id import ENTROPY_BYTES, make_attempt_id
from notifier.engine.dispatcher import BATCH
from notifier.storage.source import campaign_queries

TABLES = """
create table if not exists notification (
  id bigint primary key, run_id bigint not null, account_no text not null, locale text not null, district text,
  phone text, email text, expires_at timestamptz not null, held text, outcome text, reason text,
  settled_at timestamptz, subjects text[] not null
) with (fillfactor = 80);
create table if not exists queue (
  notification_id bigint primary key, run_id bigint not null, channel text not null, due_at timestamptz not null,
  step smallint not null, tries smallint not null, free smallint not null, lease_owner bigint, lease_until timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index if not exists queue_due on queue (due_at, notification_id);
create table if not exists attempt (
  id uuid primary key, notification_id bigint not null, run_id bigint not null, channel text not null,
  step smallint not null, tries smallint not null, free smallint not null, address text, template text not null,
  message jsonb, state text not null default 'written', disposition text, provider_ref text,
  heard boolean not null default false, machine boolean not null default false, action text,
  sequence integer not null default -1, version integer not null default 0, ended_at timestamptz
) with (fillfactor = 80);
create table if not exists receipt (
  attempt_id uuid not null, key text not null, kind text not null, status text not null, at timestamptz not null,
  body jsonb not null, copies integer not null default 1, applied_at timestamptz, primary key (attempt_id, key)
);
truncate notification, queue, attempt, receipt
"""

CLAIM = """
with claimed as (
  update queue q set lease_owner = $1, lease_until = $2
   where q.ctid = any (array(
           select w.ctid from queue w
            where (w.due_at, w.notification_id) >= ($3, $4::bigint) and w.due_at <= $5
              and (w.lease_until is null or w.lease_until < $5)
            order by w.due_at, w.notification_id limit $6 for update skip locked))
  returning q.notification_id, q.run_id, q.due_at, q.step, q.tries, q.free
)
select c.*, n.phone, n.locale, n.subjects from claimed c join notification n on n.id = c.notification_id
 order by c.due_at, c.notification_id
"""

WRITE_AHEAD = """
insert into attempt (id, notification_id, run_id, channel, step, tries, free, address, template, message)
select id, notification_id, run_id, $4, step, tries, 0, address, $8, $9::jsonb
  from unnest($1::uuid[], $2::bigint[], $3::bigint[], $5::smallint[], $6::smallint[], $7::text[])
    as d(id, notification_id, run_id, step, tries, address)
"""

COMPLETE = """
with done as (
  select * from unnest($1::uuid[], $2::bigint[], $3::text[]) as d(attempt_id, notification_id, key)
), gone as (
  delete from queue q using done d where q.notification_id = d.notification_id and q.lease_owner = $4
), ended as (
  update attempt a set state = 'ended', disposition = 'delivered', version = 1, ended_at = $5
    from done d where a.id = d.attempt_id
), told as (
  update notification n set outcome = 'reached', reason = 'delivered', settled_at = $5
    from done d where n.id = d.notification_id
)
insert into receipt (attempt_id, key, kind, status, at, body, applied_at)
select attempt_id, key, 'answer', 'taken', $5, '{"sequence":-1,"ended":"delivered"}', $5 from done
"""

# An SMS of the size the templates come to: the same bytes go to disk.
WORDS = json.dumps({"kind": "SmsMessage", "locale": "zh-TW", "body": "繳" * 110, "segments": 2}, ensure_ascii=False)
TEMPLATE = "payment_deadline/sms.zh-TW@000000000000"

NOON = MORNING.replace(hour=12).astimezone(UTC)

OPEN = """
select n.id, n.run_id, n.account_no, n.locale, n.district, n.phone, n.email, n.expires_at,
       array(select subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects,
       q.channel, q.due_at, q.step
  from notifier.queue q join notifier.notification n on n.id = q.notification_id order by n.id
"""


async def fill(ground: Ground) -> int:
    """Copy what the notifier has pending into the bare tables; answers how many notifications that is."""
    async with ground.connect("notifier") as ours, ground.connect("raw") as raw:
        await raw.execute(TABLES)
        rows = await ours.fetch(OPEN)
        wide = [(*row[:8], None, None, None, None, row["subjects"]) for row in rows]
        await raw.copy_records_to_table("notification", records=wide)
        narrow = [
            (row["id"], row["run_id"], row["channel"], row["due_at"], row["step"], 0, 0, None, None) for row in rows
        ]
        await raw.copy_records_to_table("queue", records=narrow)
        await raw.execute("analyze")
        return len(rows)


@dataclass(frozen=True)
class Drained:
    """From when to when a process was at it, how many it settled, and its own CPU seconds (not the server's)."""

    start: float
    end: float
    settled: int
    cpu: float
    profile: str = ""

    @property
    def rate(self) -> float:
        return self.settled / (self.end - self.start)

    @property
    def cpu_each(self) -> float:
        """Microseconds of this process per notification."""
        return self.cpu / self.settled * 1e6


@dataclass
class Drain:
    """The loop, shared by the workers of one process."""

    pool: Any
    source: Any
    facts: str
    owner: int
    mark: tuple[datetime, int] = (datetime(1970, 1, 1, tzinfo=UTC), 0)
    sent: int = field(default=0)

    async def work(self) -> None:
        """Until nothing is left to claim."""
        while batch := await self.claim():
            await self.handle(batch)

    async def claim(self) -> list[Any]:
        now = NOON  # everything is due by then
        rows: list[Any] = await self.pool.fetch(CLAIM, self.owner, now + LEASE, *self.mark, now, BATCH)
        if rows:
            self.mark = max(self.mark, (rows[-1]["due_at"], rows[-1]["notification_id"]))
        return rows

    async def handle(self, batch: Sequence[Any]) -> None:
        now = datetime.now(UTC)
        subjects = sorted({subject for row in batch for subject in row["subjects"]})
        known = await self.source.fetch(self.facts, subjects, now)
        assert len(known) == len(subjects)
        attempts = [make_attempt_id(now, os.urandom(ENTROPY_BYTES)) for _ in batch]
        await self.pool.execute(
            WRITE_AHEAD, attempts, [row["notification_id"] for row in batch], [row["run_id"] for row in batch],
            CHANNEL, [row["step"] for row in batch], [row["tries"] for row in batch], [row["phone"] for row in batch],
            TEMPLATE, WORDS,
        )  # fmt: skip
        keys = await asyncio.gather(*[asyncio.create_task(self.send(attempt)) for attempt in attempts])
        ours = [row["notification_id"] for row in batch]
        await self.pool.execute(COMPLETE, attempts, ours, keys, self.owner, now)

    async def send(self, attempt: UUID) -> str:
        self.sent += 1
        return f"{attempt}:taken"


@asynccontextmanager
async def _pool(url: str, size: int) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(url, min_size=size, max_size=size, server_settings={"timezone": "UTC"}) as pool:
        yield pool


async def drain(ground: Ground, workers: int, begin: float) -> Drained:
    """Drain the bare queue with so many workers in this process."""
    async with _pool(ground.database("raw"), workers) as pool, _pool(ground.database("source"), workers) as source:
        state = Drain(pool, source, campaign_queries(CAMPAIGN).facts.text, os.getpid())
        await asyncio.sleep(max(0, begin - time.monotonic()))
        start, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*[state.work() for _ in range(workers)])
        return Drained(start, time.monotonic(), state.sent, time.process_time() - cpu)
