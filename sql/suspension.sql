-- name: begin(district text, purposes text[], reason text, until timestamptz, set_by text, now timestamptz)
with begun as (
  insert into notifier.suspension (district, purposes, reason, since, until, set_by)
  values (:district, :purposes, :reason, :now, :until, :set_by)
  returning id
)
select id, pg_notify('notifier_wake', 'lanes'), pg_notify('notifier_wake', 'runs') from begun;

-- Before its time. What it put off is brought back by the keeper, and what others forbid put off again.
-- name: end_one(suspension bigint, ended_by text, now timestamptz)
with ended as (
  update notifier.suspension
     set ended_at = :now, ended_by = :ended_by, asked = asked + 1
   where id = :suspension and ended_at is null and until > :now
  returning id
)
select id from ended;

-- name: standing(now timestamptz)
select id, district, purposes, reason, since, until, set_by, ended_at, ended_by
  from notifier.suspension where ended_at is null and until > :now order by until desc, id;

-- name: history(most integer)
select id, district, purposes, reason, since, until, set_by, ended_at, ended_by
  from notifier.suspension order by id desc limit :most;

-- How many wait in the queue whom a suspension of this district and these campaigns would concern.
-- name: waiting(district text, campaigns text[]) slow
select count(*)::integer
  from notifier.run r
  join notifier.queue q on q.run_id = r.id
  join notifier.notification n on n.id = q.notification_id
 where r.state not in ('finished', 'cancelled', 'failed') and r.campaign = any (:campaigns)
   and (:district is null or n.district = :district);

-- What has been asked of the keeper and not carried out.
-- name: to_carry_out(now timestamptz)
select id, district, purposes, reason, since, until, set_by, ended_at, ended_by, asked
  from notifier.suspension
 where carried_out < asked and (ended_at is not null or until > :now)
 order by (ended_at is null), id;

-- name: carried_out(suspension bigint, asked integer)
update notifier.suspension set carried_out = greatest(carried_out, :asked) where id = :suspension;

-- Somebody may have queued what he did not know to be put off.
-- name: ask_again(now timestamptz)
update notifier.suspension set asked = asked + 1 where ended_at is null and until > :now;

-- Puts off a page of the queue: what the suspension forbids is due when it is over and its campaign may contact again.
-- What a worker holds at this moment is put off by the worker.
-- name: put_off(suspension bigint, campaigns text[], opens timestamptz[], after bigint, now timestamptz, most integer) slow
with page as materialized (
  select q.notification_id from notifier.queue q
   where q.notification_id > :after order by q.notification_id limit :most
), forbidden as materialized (
  select q.notification_id, c.opens, s.id, s.reason
    from page p
    join notifier.queue q on q.notification_id = p.notification_id
    join notifier.run r on r.id = q.run_id
    join unnest(:campaigns, :opens) as c(campaign, opens) on c.campaign = r.campaign
    join notifier.suspension s on s.id = :suspension and s.ended_at is null and s.until > :now
    join notifier.notification n on n.id = q.notification_id
   where (s.district is null or n.district = s.district) and q.due_at < c.opens
     and (q.lease_until is null or q.lease_until < :now)
     for update of q skip locked
), moved as (
  update notifier.queue q
     set due_at = f.opens, put_off_from = coalesce(q.put_off_from, q.due_at), put_off_by = f.id,
         because = 'suspended: ' || f.reason
    from forbidden f where q.notification_id = f.notification_id
)
select max(p.notification_id) from page p;

-- Brings back a page of what the suspension had put off: due when it was due before.
-- name: bring_back(suspension bigint, after bigint, most integer) slow
with page as materialized (
  select q.notification_id from notifier.queue q
   where q.notification_id > :after order by q.notification_id limit :most
), brought as (
  update notifier.queue q
     set due_at = q.put_off_from, put_off_from = null, put_off_by = null, because = null
    from page p
   where q.notification_id = p.notification_id and q.put_off_by = :suspension
)
select max(p.notification_id) from page p;
