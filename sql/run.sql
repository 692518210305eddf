-- Opened exactly once: whoever comes second reads the run that the first one opened.
-- name: open_run(key text, campaign text, owner text, params jsonb, priority smallint, zone text, now timestamptz)
insert into notifier.run (key, campaign, owner, params, priority, zone, state, opened_at)
values (:key, :campaign, :owner, :params, :priority, :zone, 'planning', :now)
on conflict (key) do nothing
returning id;

-- name: by_key(key text)
select * from notifier.run where key = :key;

-- name: by_id(run bigint)
select * from notifier.run where id = :run;

-- name: list_runs(most integer) slow
select r.*, (select count(*)::integer from notifier.notification n where n.run_id = r.id) as notifications
  from notifier.run r order by r.id desc limit :most;

-- Runs whose audience is to be drawn, but for those that have to wait.
-- name: to_plan(later bigint[])
select id from notifier.run where state = 'planning' and not (id = any (:later))
 order by (waiting_for is not null), priority, id;

-- Ours to plan, unless a run of its campaign is being planned: they see what each other takes. Its row is not locked: a
-- person can cancel it while a slow source is selecting.
-- name: take_to_plan(run bigint)
select r.* from notifier.run r
 where r.id = :run and r.state = 'planning' and pg_try_advisory_xact_lock(hashtext('notifier.plan ' || r.campaign));

-- name: planned(run bigint, now timestamptz, state text, selected integer, already_told integer, next_expiry timestamptz)
update notifier.run set state = :state, planned_at = :now, selected = :selected, already_told = :already_told,
                        next_expiry = :next_expiry, waiting_for = null,
                        prepared_at = case when :state = 'open' then :now end
 where id = :run and state = 'planning';

-- A run whose recordings are to be made, and by nobody else until the moment given: the most urgent first.
-- name: take_to_prepare(preparer bigint, campaigns text[], now timestamptz, until timestamptz)
update notifier.run set preparer = :preparer, preparing_until = :until
 where id = (select id from notifier.run
              where state = 'preparing' and campaign = any (:campaigns) and (preparing_until is null or preparing_until < :now)
              order by priority, id
              limit 1
                for update skip locked)
returning *;

-- How far the preparer is. It does not answer a row when the run is another's by now, or was paused or cancelled.
-- name: go_on_preparing(run bigint, preparer bigint, until timestamptz, waiting_for text)
update notifier.run set preparing_until = :until, waiting_for = :waiting_for
 where id = :run and state = 'preparing' and preparer = :preparer
returning id;

-- name: prepared(run bigint, preparer bigint, now timestamptz)
with opened as (
  update notifier.run set state = 'open', prepared_at = :now, waiting_for = null
   where id = :run and state = 'preparing' and preparer = :preparer
  returning id
)
select id, pg_notify('notifier_wake', 'runs'), pg_notify('notifier_wake', 'lanes') from opened;

-- Whom a channel is to tell about what: for the words that its recordings are made of, in the order of their turns.
-- name: to_tell(run bigint, channel text, mark_due timestamptz, mark_id bigint, most integer)
select n.id as notification, q.due_at, n.locale,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.queue q
  join notifier.notification n on n.id = q.notification_id
 where q.channel = :channel and q.run_id = :run and (q.due_at, q.notification_id) > (:mark_due, :mark_id)
 order by q.due_at, q.notification_id
 limit :most;

-- name: how_many_to_tell(run bigint, channel text) slow
select count(*) from notifier.queue where run_id = :run and channel = :channel;

-- Whoever waits for a run, watches it or works on it is woken by its move. A run that was paused before its audience
-- was drawn goes back to having it drawn, and one that was paused before its recordings were made to having them made.
-- name: move(run bigint, from_states text[], to_state text, reason text, now timestamptz)
with moved as (
  update notifier.run
     set state = case when :to_state <> 'open' then :to_state
                      when planned_at is null then 'planning'
                      when prepared_at is null then 'preparing'
                      else 'open' end,
         reason = :reason, waiting_for = null, preparer = null, preparing_until = null,
         finished_at = case when :to_state in ('finished', 'cancelled', 'failed') then :now else finished_at end
   where id = :run and state = any (:from_states)
  returning state
)
select state, pg_notify('notifier_wake', 'runs'), pg_notify('notifier_wake', 'lanes'),
       pg_notify('notifier_wake', 'planner')
  from moved;

-- name: wait_for(run bigint, what text)
update notifier.run set waiting_for = :what where id = :run and waiting_for is distinct from :what;

-- name: open_runs()
select * from notifier.run where state not in ('finished', 'cancelled', 'failed') order by priority, id;

-- Runs with nothing left to send and nothing in flight, and whether something of them waits for a person. One that events
-- add to is over only when its day is.
-- name: drained(now timestamptz) slow
select r.id, r.state,
       exists (select from notifier.notification n where n.run_id = r.id and n.held is not null) as held
  from notifier.run r
 where r.state in ('open', 'waiting') and (r.accepts_until is null or r.accepts_until <= :now)
   and not exists (select from notifier.queue q where q.run_id = r.id)
   and not exists (select from notifier.in_flight f where f.run_id = r.id);

-- A run that waits for a person while something of it was released at the same moment goes on.
-- name: reopen_released()
update notifier.run r set state = 'open', reason = null
 where r.state = 'waiting' and exists (select from notifier.queue q where q.run_id = r.id);

-- Of how many subjects the last run of this campaign with these parameters knew whom to tell, told before or not. A join
-- that loses rows shows here, and nowhere else: nobody misses who was never selected.
-- name: tellable_before(campaign text, params jsonb, run bigint) slow
select r.selected + r.already_told
       - (select count(*)::integer from notifier.audience a where a.run_id = r.id and a.fate = 'excluded')
  from notifier.run r
 where r.campaign = :campaign and r.params = :params and r.planned_at is not null and (:run = 0 or r.id < :run)
 order by r.id desc limit 1;

-- Rule 7, in figures: selected = merged + excluded + holdout + one outcome each (+ held + still open, while it lasts).
-- name: tally(run bigint) slow
select (select jsonb_object_agg(fate, n) from (select fate, count(*) as n from notifier.audience
          where run_id = :run group by fate) f) as fates,
       (select jsonb_object_agg(reason, n) from (select coalesce(reason, '') as reason, count(*) as n
          from notifier.audience where run_id = :run and fate = 'excluded' group by reason) e) as excluded,
       (select jsonb_object_agg(outcome, n) from (select coalesce(outcome, case when held is null then 'open' else 'held' end)
          as outcome, count(*) as n from notifier.notification where run_id = :run group by 1) o) as outcomes,
       (select jsonb_object_agg(reason, n) from (select outcome || ': ' || reason as reason, count(*) as n
          from notifier.notification where run_id = :run and outcome in ('withdrawn', 'suppressed', 'expired', 'cancelled')
          group by 1) w) as reasons,
       (select jsonb_object_agg(held, n) from (select held, count(*) as n from notifier.notification
          where run_id = :run and held is not null and outcome is null group by held) h) as held,
       (select jsonb_object_agg(disposition, n) from (
          select t.channel || ' ' || coalesce(t.disposition, t.state) as disposition, count(*) as n
            from notifier.notification n join notifier.attempt t on t.notification_id = n.id
           where n.run_id = :run
           group by 1) d) as attempts;

-- name: progress(run bigint, now timestamptz) slow
select (select count(*)::integer from notifier.in_flight where run_id = :run) as in_flight,
       count(*) filter (where q.due_at <= :now)::integer as due_now,
       count(*) filter (where q.due_at > :now)::integer as due_later,
       min(q.due_at) filter (where q.due_at > :now) as next_due_at,
       max(q.due_at) as last_due_at
  from notifier.queue q where q.run_id = :run;

-- name: queued_by_step(run bigint) slow
select q.channel, q.step, q.tries, n.prefers, count(*)::integer as notifications, min(q.due_at) as first_due_at,
       max(q.due_at) as last_due_at
  from notifier.queue q join notifier.notification n on n.id = q.notification_id
 where q.run_id = :run group by 1, 2, 3, 4 order by 2, 3, 4 nulls first;

-- Why some of a run are not sent yet although their turn has come.
-- name: put_back(run bigint) slow
select because, count(*)::integer as notifications, min(due_at) as next_due_at
  from notifier.queue where run_id = :run and because is not null group by because order by 2 desc, 1;

-- name: unsure(run bigint)
select count(*)::integer as attempts, max(f.look_at) as until
  from notifier.in_flight f join notifier.attempt a on a.id = f.attempt_id
 where f.run_id = :run and a.state = 'uncertain';

-- The last attempts of a run, for the watch that pauses it when something is plainly wrong.
-- name: recent_dispositions(run bigint, since timestamptz) slow
select coalesce(disposition, state) as disposition, count(*)::integer as attempts
  from notifier.attempt
 where run_id = :run and id >= notifier.uuid_floor(:since) and disposition is not null
 group by 1;

-- name: held(run bigint, most integer) slow
select n.id, n.run_id, n.account_no, n.held, n.locale from notifier.notification n
 where n.held is not null and n.outcome is null and (:run = 0 or n.run_id = :run) order by n.id limit :most;

-- A person's decision about what is held: send it after all ...
-- name: release_held(notification bigint, channel text, step smallint, now timestamptz)
with freed as (
  update notifier.notification set held = null, reason = null
   where id = :notification and held is not null and outcome is null returning id, run_id, expires_at
), queued as (
  insert into notifier.queue (notification_id, run_id, channel, due_at, step)
  select id, run_id, :channel, :now, :step from freed on conflict do nothing
), reopened as (
  update notifier.run r set state = case when r.state = 'waiting' then 'open' else r.state end,
                            next_expiry = least(r.next_expiry, f.expires_at)
    from freed f where r.id = f.run_id
)
select id, pg_notify('notifier_wake', 'lanes') from freed;

-- ... or close it, because it was dealt with otherwise.
-- name: close_held(notification bigint, reason text, now timestamptz)
with closed as (
  update notifier.notification
     set held = null, outcome = 'suppressed', reason = :reason, settled_at = :now
   where id = :notification and held is not null and outcome is null
  returning id
)
select id from closed;
