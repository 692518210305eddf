-- Rows of outbox become deliveries, each once, whatever the order in which they become visible. One process at a time:
-- so turns become visible as they rise, and nothing of a subject is overtaken by what comes behind it. For a subscriber
-- that is disabled a delivery is dead from the first, and can be replayed. Behind one that waits for its next try, a
-- delivery is not due before that.
-- name: spread(now timestamptz, most integer)
with turn as materialized (
  select pg_try_advisory_xact_lock(hashtext('notifier.delivery')) as ours
), taken as materialized (
  select o.id, o.type, o.subject
    from turn t, notifier.outbox o
   where t.ours and o.spread_at is null
   order by o.id
   limit :most
     for update of o skip locked
), opened as (
  insert into notifier.delivery (subscriber_id, outbox_id, subject, state, since, due_at, ended_at, reason)
  select s.id, t.id, t.subject, case when s.disabled_at is null then 'open' else 'dead' end, :now,
         greatest(:now, (select d.due_at from notifier.delivery d
                          where d.line = s.id::text || ' ' || t.subject and d.state = 'open'
                          order by d.turn desc limit 1)),
         case when s.disabled_at is not null then :now end, s.disabled_reason
    from taken t
    join notifier.subscriber s on s.removed_at is null and (s.types is null or t.type = any (s.types))
   order by t.id
)
update notifier.outbox o set spread_at = :now from taken t where o.id = t.id;

-- The first open delivery of each line, where it is due. To one subscriber only so many go at the same time, over
-- all workers; to one in :trouble a single one at its hour, by whoever comes first.
-- name: claim(lease bigint, until timestamptz, most integer, trouble integer, now timestamptz)
with probing as (
  update notifier.subscriber s set retry_at = :until
   where s.removed_at is null and s.disabled_at is null and s.failures >= :trouble
     and (s.retry_at is null or s.retry_at <= :now)
  returning s.id
), ready as (
  select s.id, :most - (select count(*) from notifier.delivery l
                         where l.subscriber_id = s.id and l.lease_until > :now) as room
    from notifier.subscriber s
   where s.removed_at is null and s.disabled_at is null and s.failures < :trouble
     and (s.retry_at is null or s.retry_at <= :now)
  union all
  select p.id, 1 from probing p
), picked as (
  select p.id
    from ready r
   cross join lateral (
     select d.id
       from notifier.delivery d
      where d.subscriber_id = r.id and d.state = 'open' and d.due_at <= :now
        and (d.lease_until is null or d.lease_until <= :now)
        and d.turn = (select b.turn from notifier.delivery b
                       where b.line = d.line and b.state = 'open'
                       order by b.turn limit 1)
      order by d.due_at, d.turn
      limit greatest(r.room, 0)
        for update of d skip locked) p
)
update notifier.delivery d
   set lease_owner = :lease, lease_until = :until, tries = d.tries + 1, tried_at = :now
  from picked p, notifier.subscriber s, notifier.outbox o
 where d.id = p.id and s.id = d.subscriber_id and o.id = d.outbox_id
returning d.id, d.lease_owner as lease, d.tries, s.id as subscriber_id, s.name as subscriber, s.url, s.secret,
          o.event_id, o.type, o.subject, o.at, o.data;

-- What deliveries came to, where they are still ours. Whatever waits behind one waits as long as it does, and is due
-- when it is over: otherwise each claim would look through all that may not go yet.
-- name: record(deliveries bigint[], leases bigint[], states text[], answers text[], reasons text[], dues timestamptz[], now timestamptz)
with told as (
  select * from unnest(:deliveries, :leases, :states, :answers, :reasons, :dues)
    as t(id, lease, state, answer, reason, due_at)
), recorded as (
  update notifier.delivery d
     set state = t.state, answer = t.answer, reason = t.reason, due_at = coalesce(t.due_at, d.due_at),
         lease_owner = null, lease_until = null, ended_at = case when t.state <> 'open' then :now end
    from told t
   where d.id = t.id and d.lease_owner = t.lease
  returning d.id, d.line, d.turn, d.state, d.due_at
), behind as (
  update notifier.delivery f set due_at = case when r.state = 'open' then r.due_at else :now end
    from recorded r
   cross join lateral (select b.id from notifier.delivery b
                        where b.line = r.line and b.state = 'open' and b.turn > r.turn
                        order by b.turn) n
   where f.id = n.id and f.state = 'open' and f.lease_owner is null
     and case when r.state = 'open' then f.due_at < r.due_at else f.due_at > :now end
)
select id from recorded;

-- Success puts a subscriber right; failures in a row put it off, longer each time, five minutes at most. Answers who
-- was in trouble and is not any more.
-- name: note_health(subscribers bigint[], well boolean[], failed integer[], answers text[], not_before timestamptz[], trouble integer, now timestamptz)
with heard as (
  select h.*, s.failures as before
    from unnest(:subscribers, :well, :failed, :answers, :not_before) as h(id, well, failed, answer, not_before)
    join notifier.subscriber s on s.id = h.id
   where not h.well or s.failures > 0
   order by s.id
     for update of s
)
update notifier.subscriber s
   set failures = case when h.well then 0 else s.failures + h.failed end,
       failing_since = case when not h.well then coalesce(s.failing_since, :now) end,
       answer = case when not h.well then h.answer end,
       retry_at = case when not h.well then greatest(h.not_before, case
         when s.failures + h.failed >= :trouble
         then :now + least(interval '5 minutes',
                           interval '5 seconds' * 2 ^ least(s.failures + h.failed - :trouble, 10)) end) end
  from heard h
 where s.id = h.id
returning s.id, h.well and h.before >= :trouble as recovered;

-- Of a subscriber that is well again: the few it was tried with need not wait for their hours.
-- name: bring_forward(subscribers bigint[], now timestamptz)
update notifier.delivery set due_at = :now
 where subscriber_id = any (:subscribers) and state = 'open' and due_at > :now and lease_owner is null;

-- What waits for a subscriber that gets nothing more, and what has waited too long.
-- name: give_up(before timestamptz, too_old text, removed text, most integer, now timestamptz)
with late as (
  select d.id, d.reason
    from notifier.subscriber s
   cross join lateral (
     select o.id,
            case when s.removed_at is not null then :removed else coalesce(s.disabled_reason, :too_old) end as reason
       from notifier.delivery o
      where o.subscriber_id = s.id and o.state = 'open' and (o.lease_until is null or o.lease_until <= :now)
        and o.since < case when s.removed_at is null and s.disabled_at is null then :before else 'infinity' end
      order by o.since
      limit :most
        for update of o skip locked) d
)
update notifier.delivery d
   set state = 'dead', reason = l.reason, ended_at = :now, lease_owner = null, lease_until = null
  from late l
 where d.id = l.id
returning d.subscriber_id;

-- name: add(name text, url text, secret text, types text[], now timestamptz)
insert into notifier.subscriber (name, url, secret, types, made_at)
values (:name, :url, :secret, :types, :now)
on conflict (name) where removed_at is null do nothing
returning id;

-- name: list_subscribers()
select s.id, s.name, s.url, s.types, s.made_at, s.failures, s.failing_since, s.answer, s.retry_at, s.disabled_at,
       s.disabled_reason,
       (select count(*) from notifier.delivery d where d.subscriber_id = s.id and d.state = 'open') as waiting,
       (select count(*) from notifier.delivery d where d.subscriber_id = s.id and d.state = 'dead') as dead
  from notifier.subscriber s
 where s.removed_at is null
 order by s.name;

-- name: find(name text)
select id, name, url, secret, disabled_reason from notifier.subscriber where name = :name and removed_at is null;

-- name: disable(subscriber bigint, reason text, now timestamptz)
update notifier.subscriber set disabled_at = :now, disabled_reason = :reason
 where id = :subscriber and disabled_at is null and removed_at is null;

-- name: enable(subscriber bigint)
update notifier.subscriber
   set disabled_at = null, disabled_reason = null, failures = 0, failing_since = null, answer = null, retry_at = null
 where id = :subscriber and disabled_at is not null and removed_at is null;

-- name: remove(subscriber bigint, now timestamptz)
update notifier.subscriber set removed_at = :now where id = :subscriber and removed_at is null;

-- To the end of the line, in the order of the events: nothing is in flight behind what is replayed.
-- name: replay(subscriber bigint, deliveries bigint[], since timestamptz, states text[], now timestamptz) slow
with turn as materialized (
  select pg_advisory_xact_lock(hashtext('notifier.delivery')) is not null as ours
), chosen as materialized (
  select d.id
    from turn t, notifier.delivery d
    join notifier.outbox o on o.id = d.outbox_id
   where t.ours and d.subscriber_id = :subscriber and d.state = any (:states)
     and (d.id = any (:deliveries) or o.at >= :since)
   order by d.outbox_id
     for update of d
), placed as materialized (
  select c.id, nextval('notifier.delivery_turn') as turn from chosen c
)
update notifier.delivery d
   set state = 'open', turn = p.turn, tries = 0, since = :now, due_at = :now, reason = null, ended_at = null
  from placed p
 where d.id = p.id;

-- An event for one subscriber, which whoever made it sends at once.
-- name: open_test(subscriber bigint, type text, subject text, lease bigint, until timestamptz, now timestamptz)
with made as (
  insert into notifier.outbox (type, subject, data, at, spread_at) values (:type, :subject, '{}', :now, :now)
  returning *
), opened as (
  insert into notifier.delivery (subscriber_id, outbox_id, subject, state, tries, since, due_at, tried_at, lease_owner,
                                 lease_until)
  select :subscriber, m.id, m.subject, 'open', 1, :now, :now, :now, :lease, :until from made m
  returning *
)
select d.id, d.lease_owner as lease, d.tries, s.id as subscriber_id, s.name as subscriber, s.url, s.secret,
       m.event_id, m.type, m.subject, m.at, m.data
  from opened d, made m, notifier.subscriber s
 where s.id = d.subscriber_id;

-- name: list_deliveries(subscriber text, state text, most integer, now timestamptz)
select d.id, s.name as subscriber, o.event_id, o.type, d.subject, o.at, d.state, d.tries, d.due_at, d.answer,
       d.tried_at, d.ended_at, d.reason, d.lease_until > :now as in_flight
  from notifier.delivery d
  join notifier.subscriber s on s.id = d.subscriber_id
  join notifier.outbox o on o.id = d.outbox_id
 where (:subscriber = '' or s.name = :subscriber) and (:state = '' or d.state = :state)
 order by d.id desc
 limit :most;
