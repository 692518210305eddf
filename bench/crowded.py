"""A database in the middle of its work: open runs, rows leased and in flight, months of attempts and receipts.

Made by the server itself from a few proportions, so that a million notifications take a minute.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.ground import Connection
from notifier.engine.dispatcher import BATCH

RUNS = 10
NOW = datetime.fromisoformat("2026-12-15T10:00:00+08:00")
MONTHS = 3  # of attempts in the log
OWNER = 7  # who holds the live leases

# Of a run of number r (0 to RUNS - 1): the first six are open and half done, then one each paused and cancelled, and
# the last two are finished. Every customer is in every run, so that each address has a history.
FILL = """
insert into notifier.run (key, campaign, owner, params, priority, zone, state, opened_at, planned_at, selected)
select 'run ' || r, 'payment_deadline', '電費組', '{}', 4 + r % 3, 'Asia/Taipei',
       (array['open','open','open','open','open','open','paused','cancelled','finished','finished'])[1 + r],
       now_ - r * interval '9 days', now_ - r * interval '9 days', rows_ / runs_
  from generate_series(0, runs_ - 1) r;

insert into notifier.notification
  (id, run_id, account_no, locale, district, phone, email, expires_at, held, outcome, reason, settled_at)
select i, 1 + r, lpad(c::text, 11, '0'), case when i % 16 = 0 then 'en' else 'zh-TW' end, '楠梓',
       '+8869' || lpad(c::text, 8, '0'), case when c % 2 = 0 then 'customer.' || c || '@example.com' end,
       now_ + case when r = 7 then interval '-1 hour' else (1 + i % 60) * interval '1 hour' end,
       case when done = 'held' then 'life_support' end, case when done = 'settled' then 'reached' end,
       case when done = 'settled' then 'delivered' end, case when done = 'settled' then now_ - interval '1 day' end
  from generate_series(1, rows_) i,
       lateral (select ((i - 1) * runs_ / rows_)::int as r, (i - 1) % (rows_ / runs_) as c) p,
       lateral (select case when r >= 8 or i % 10 < 4 then 'settled' when i % 100 = 48 then 'held' else 'open' end
                    as done) s;
perform setval('notifier.notification_id_seq', rows_);

insert into notifier.queue (notification_id, run_id, channel, due_at, step, tries, lease_owner, lease_until)
select n.id, n.run_id, (array['voice','voice','voice','sms','email'])[1 + n.id % 5],
       now_ + (n.id % 1000 - 600) * interval '10 seconds', n.id % 3, n.id % 3,
       case when n.id % 100 in (46, 47) then owner_ end,
       case n.id % 100 when 46 then now_ + interval '20 seconds' when 47 then now_ - interval '5 seconds' end
  from notifier.notification n
 where n.outcome is null and n.held is null and not (n.id % 10 = 5 and n.id / 10 % 10 = n.run_id % 10);

insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, reason, notification_id)
select n.run_id, 'payment_deadline', 'B' || n.id || copy.suffix, 'deadline', n.account_no,
       case copy.suffix when '' then 'lead' when 'm' then 'merged' else 'excluded' end,
       case when copy.suffix = 'x' then 'no_address: too_short' end, case when copy.suffix <> 'x' then n.id end
  from notifier.notification n,
       lateral (values ('', 1), ('m', 20), ('x', 20)) copy (suffix, one_in) where n.id % copy.one_in = 0;

insert into notifier.attempt (id, notification_id, run_id, channel, step, tries, free, address, template, message,
                              state, disposition, provider_ref, version, ended_at)
select notifier.bench_uuid(at, n.id * 4 + try), n.id, n.run_id, 'voice', 0, try, 0, n.phone,
       'payment_deadline/voice.zh-TW@000000000000', '{"kind":"VoiceMessage"}', 'ended',
       case try when 0 then 'delivered' else 'no_answer' end, 'CA' || n.id, 2, at
  from notifier.notification n, generate_series(0, 2) try,
       lateral (select now_ - (n.id % (30 * months_)) * interval '1 day' - (1 + try) * interval '3 hours' as at) t
 where n.outcome is not null and (n.id + try) % (1 + try) = 0;

insert into notifier.attempt (id, notification_id, run_id, channel, step, tries, free, address, template, message,
                              state, provider_ref, version)
select notifier.bench_uuid(now_ - interval '30 seconds', n.id * 4 + 3), n.id, n.run_id, 'voice', 0, 0, 0, n.phone,
       'payment_deadline/voice.zh-TW@000000000000', '{"kind":"VoiceMessage"}', 'in_flight', 'CA' || n.id, 1
  from notifier.notification n
 where n.outcome is null and n.held is null and n.id % 10 = 5 and n.id / 10 % 10 = n.run_id % 10;

insert into notifier.in_flight (channel, address, attempt_id, notification_id, run_id, since, look_at)
select a.channel, a.address, a.id, a.notification_id, a.run_id, now_ - interval '30 seconds',
       now_ + (a.notification_id / 100 % 40 - 4) * interval '10 seconds'
  from notifier.attempt a where a.state = 'in_flight' on conflict do nothing;

insert into notifier.receipt (attempt_id, key, kind, status, at, body, applied_at)
select a.id, word, case word when 'queued' then 'answer' else 'callback' end, word, now_, '{"sequence":1}',
       case when word <> 'ringing' or a.state = 'ended' then now_ end
  from notifier.attempt a, unnest(array['queued', 'ringing', 'completed']) word
 where word <> 'completed' or a.state = 'ended';

insert into notifier.suppression (address, purpose, reason, since)
select '+8869' || lpad(c::text, 8, '0'), 'collection', 'opt_out', now_ from generate_series(1, rows_ / runs_, 50) c;
insert into notifier.household (key, contacts, version, last_at)
select notifier.household_key(n.phone, n.account_no), jsonb_object_agg(a.id, 'collection'), count(*), now_
  from notifier.attempt a join notifier.notification n on n.id = a.notification_id
 where a.id >= notifier.uuid_floor(now_ - interval '10 days') group by 1;
insert into notifier.budget (channel, rate, burst, most_in_flight, reserved, refilled_at)
select unnest(array['voice', 'sms', 'email']), 500, 500, 100000, 2, now_
"""

UUID = """
create function notifier.bench_uuid(at timestamptz, number bigint) returns uuid language sql immutable as $$
  select (substr(notifier.uuid_floor(at)::text, 1, 14) || '7' || substr(md5(number::text), 1, 3)
          || '-8' || substr(md5(number::text), 4, 3) || '-' || lpad(to_hex(number), 12, '0'))::uuid
$$
"""


@dataclass(frozen=True)
class Crowd:
    """What a statement may be asked about."""

    now: datetime
    owner: int
    batch: int  # a small part of the queue also when that is small, or reading it whole would be right


async def fill(connection: Connection, rows: int) -> Crowd:
    """Fill a migrated, empty database. `rows`: notifications, a multiple of RUNS."""
    for month in range(MONTHS + 2):
        await connection.execute("select notifier.ensure_partitions($1)", NOW + timedelta(days=31 - 30 * month))
    await connection.execute(UUID)
    await connection.execute(
        f"do $do$ declare rows_ bigint := {rows}; runs_ bigint := {RUNS}; owner_ bigint := {OWNER};"
        f" months_ bigint := {MONTHS}; now_ timestamptz := '{NOW.isoformat()}'; begin {FILL}; end $do$"
    )
    await connection.execute("vacuum (analyze)")
    return Crowd(NOW, OWNER, min(BATCH, rows // 2000))
