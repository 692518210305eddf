-- The attempts that have receipts nobody has applied yet, with all it takes to judge them. Locked, so that two inboxes
-- do not do the same work; a change made meanwhile by a recorder is seen by the version.
-- name: with_news(most integer)
select a.id, a.notification_id, a.run_id, a.channel, a.step, a.tries, a.free, a.address, a.state, a.disposition,
       a.provider_ref, a.heard, a.machine, a.action, a.sequence, a.version,
       n.phone, n.email, n.prefers, n.locale, n.outcome, n.expires_at, r.campaign, r.zone, r.state as run_state,
       coalesce((select k.hours from notifier.number_memory k where k.number = a.address), 0) as hours
  from notifier.attempt a
  join notifier.notification n on n.id = a.notification_id
  join notifier.run r on r.id = a.run_id
 where a.id = any (array(
         select distinct x.attempt_id from notifier.receipt x
          where x.applied_at is null and exists (select from notifier.attempt t where t.id = x.attempt_id)
          order by 1 limit :most))
   for update of a skip locked;

-- name: news_of(attempts uuid[])
select attempt_id, key, kind, status, at, body
  from notifier.receipt where attempt_id = any (:attempts) and applied_at is null
 order by attempt_id, at, key;

-- The one place where an attempt's state, a notification's outcome and a return to the queue are written.
-- Verdicts name the version they were drawn from: one drawn from an older state changes nothing and is not returned.
-- follow: none | settle | queue | hold, and of attempts that had ended already: adjust (a late truth about a try that
-- another has followed), resume (the answer to a doubt that a person was asked about), revive (what was given up lives),
-- retract (it was not told after all).
-- earlier: the steps whose turn comes before this one; whoever waits at a later step is not brought back.
-- name: apply(now timestamptz, attempts uuid[], versions integer[], states text[], dispositions text[], refs text[], heard boolean[], machine boolean[], actions text[], sequences integer[], look timestamptz[], follows text[], outcomes text[], reasons text[], due timestamptz[], channels text[], steps smallint[], tries smallint[], free smallint[], earlier jsonb[], word_attempts uuid[], word_keys text[], word_kinds text[], word_statuses text[], word_at timestamptz[], word_bodies jsonb[])
with verdict as (
  select * from unnest(:attempts, :versions, :states, :dispositions, :refs, :heard, :machine, :actions, :sequences,
                       :look, :follows, :outcomes, :reasons, :due, :channels, :steps, :tries, :free, :earlier)
    as v(attempt_id, version, state, disposition, provider_ref, heard, machine, action, sequence,
         look_at, follow, outcome, reason, due_at, channel, step, tries, free, earlier)
), revived as (
  -- Back in flight, unless another attempt has taken the address: that one rings already.
  insert into notifier.in_flight (channel, address, attempt_id, notification_id, run_id, since, look_at)
  select a.channel, a.address, a.id, a.notification_id, a.run_id, :now, v.look_at
    from verdict v join notifier.attempt a on a.id = v.attempt_id and a.version = v.version
   where v.follow = 'revive' and a.address is not null
  on conflict do nothing
  returning attempt_id, notification_id
), drawn as (
  select v.*, v.follow = 'revive' and (v.attempt_id in (select r.attempt_id from revived r)) is not true as stays
    from verdict v
), moved as (
  update notifier.attempt a
     set state = case when v.stays then a.state else v.state end,
         disposition = case when v.stays then a.disposition else v.disposition end,
         provider_ref = v.provider_ref, heard = v.heard,
         machine = v.machine, action = v.action, sequence = v.sequence, version = a.version + 1,
         ended_at = case when v.state = 'ended' or v.stays then coalesce(a.ended_at, :now) end
    from drawn v
   where a.id = v.attempt_id and a.version = v.version
  returning v.*, a.notification_id, a.run_id, a.step as own_step, a.tries as own_tries, a.ended_at < :now as corrected
), said as (
  select * from unnest(:word_attempts, :word_keys, :word_kinds, :word_statuses, :word_at, :word_bodies)
    as w(attempt_id, key, kind, status, at, body)
   where (w.attempt_id in (select m.attempt_id from moved m)) is true
), words as (
  insert into notifier.receipt (attempt_id, key, kind, status, at, body, applied_at)
  select s.attempt_id, s.key, s.kind, s.status, s.at, s.body, :now from said s
  on conflict (attempt_id, key) do update set applied_at = coalesce(receipt.applied_at, excluded.applied_at)
), freed as (
  delete from notifier.in_flight f using moved m where f.attempt_id = m.attempt_id and m.state = 'ended'
), watched as (
  update notifier.in_flight f set look_at = m.look_at
    from moved m
   where f.attempt_id = m.attempt_id and m.state <> 'ended' and m.look_at is not null
), followed as (
  -- Two attempts of one notification may be judged together: what settles goes before what takes back, and that before
  -- what sends again.
  select distinct on (m.notification_id) m.* from moved m where m.follow <> 'none'
   order by m.notification_id, (m.follow = 'settle') desc, (m.outcome = 'acknowledged') desc nulls last,
            (m.follow = 'retract') desc, (m.follow = 'hold') desc, (m.follow = 'queue') desc
), told as (
  update notifier.notification n
     set outcome = case when f.follow = 'settle' then f.outcome else n.outcome end,
         held = case when f.follow = 'hold' then f.reason when f.follow = 'settle' then null else n.held end,
         reason = f.reason,
         settled_at = case when f.follow = 'settle' then :now else n.settled_at end
    from followed f
   where n.id = f.notification_id and f.follow in ('settle', 'hold')
     and (n.outcome is null
          or (f.follow = 'settle' and f.outcome in ('reached', 'acknowledged') and n.outcome <> 'acknowledged'))
), retracted as (
  -- Unless another attempt told it: a copy of the same mail, or a call.
  update notifier.notification n set outcome = f.outcome, reason = f.reason, settled_at = :now
    from followed f
   where n.id = f.notification_id and f.follow = 'retract' and n.outcome = 'reached'
     and not exists (select from notifier.attempt t left join moved m on m.attempt_id = t.id
                      where t.notification_id = n.id
                        and coalesce(m.disposition, t.disposition) in ('answered', 'delivered', 'accepted'))
), resumed as (
  -- What a person was asked has answered itself, if it is still what the notification is held for.
  update notifier.notification n
     set held = case when f.outcome is null and f.due_at is null then f.reason end,
         outcome = f.outcome, reason = f.reason, settled_at = case when f.outcome is not null then :now end
    from followed f
   where n.id = f.notification_id and (f.follow = 'resume' or (f.follow = 'revive' and not f.stays))
     and n.outcome is null and n.held in ('uncertain', 'unknown')
     and not exists (select from notifier.attempt t where t.notification_id = n.id and t.id > f.attempt_id)
  returning n.id
), queued as (
  insert into notifier.queue (notification_id, run_id, channel, due_at, step, tries, free)
  select f.notification_id, f.run_id, f.channel, f.due_at, f.step, f.tries, f.free
    from followed f
    join notifier.notification n on n.id = f.notification_id
   where (f.follow = 'queue' and n.outcome is null and n.held is null)
      or (f.follow = 'resume' and f.due_at is not null and f.notification_id in (select r.id from resumed r))
  on conflict (notification_id) do nothing
), adjusted as (
  -- Takes the lease away, too: whoever is about to make the next try finds it lost, and claims it anew as it is now.
  update notifier.queue q set channel = f.channel, step = f.step, tries = f.tries, free = f.free,
                              due_at = greatest(q.due_at, f.due_at), lease_owner = null, lease_until = null,
                              put_off_from = case when q.put_off_by is not null then greatest(q.put_off_from, f.due_at) end
    from followed f
   where f.follow in ('adjust', 'resume') and f.due_at is not null and q.notification_id = f.notification_id
     and ((q.step = f.step and q.tries <= f.tries) or f.earlier @> to_jsonb(q.step))
), recounted as (
  -- The next try is under way already: the one before it was spent, and that one is the last but so many.
  update notifier.attempt t set tries = f.own_tries + 1, version = t.version + 1
    from followed f
   where f.follow in ('adjust', 'resume') and (f.step <> f.own_step or f.tries > f.own_tries)
     and t.notification_id = f.notification_id and t.state <> 'ended'
     and t.step = f.own_step and t.tries <= f.own_tries and t.id <> all (:attempts)
), unqueued as (
  delete from notifier.queue q using followed f
   where f.follow = 'settle' and q.notification_id = f.notification_id
), recount as materialized (
  -- By whom no phone can have rung the household was not contacted; by whom that turns out to be wrong, it was.
  select notifier.household_key(n.phone, n.account_no) as key,
         jsonb_object_agg(m.attempt_id, case when m.state = 'ended' and m.disposition in
           ('failed', 'unexplained', 'cancelled', 'not_sent', 'not_created') then '-' else '' end) as signs
    from moved m
   cross join lateral (select n.phone, n.account_no from notifier.notification n where n.id = m.notification_id limit 1) n
   where m.corrected or (m.follow = 'revive' and not m.stays) or (m.state = 'ended' and m.disposition in
           ('failed', 'unexplained', 'cancelled', 'not_sent', 'not_created'))
   group by 1
), recounted_households as (
  update notifier.household h
     set version = h.version + 1,
         contacts = h.contacts || coalesce((
           select jsonb_object_agg(s.attempt, s.sign || ltrim(h.contacts ->> s.attempt, '-'))
             from jsonb_each_text(r.signs) as s(attempt, sign) where h.contacts ? s.attempt), '{}')
    from recount r
   where h.key = any (array(select k.key from recount k order by 1)) and h.key = r.key
), recalled as (
  delete from notifier.queue q using revived r where q.notification_id = r.notification_id
), released as (
  update notifier.audience a set released_at = :now
    from followed f
   where f.follow = 'settle' and f.outcome in ('cancelled', 'expired') and a.notification_id = f.notification_id
), retaken as (
  -- It was told after all: no later run may tell it again, unless one has begun to, or the customer has asked for time.
  update notifier.audience a set released_at = null
    from followed f
   where f.follow = 'settle' and f.outcome in ('reached', 'acknowledged') and a.notification_id = f.notification_id
     and a.released_at is not null
     and not exists (select from notifier.audience b
                      where b.campaign = a.campaign and b.subject = a.subject and b.occasion = a.occasion
                        and b.notification_id is not null and b.released_at is null)
     and not exists (select from notifier.posting_hold h
                      where h.subject = a.subject and h.attempt_id = f.attempt_id and h.reason <> 'already_paid')
)
select m.attempt_id as id from moved m;

-- Callbacks come in here, many in one commit. A word told again is counted, not stored twice.
-- name: store_receipts(attempts uuid[], keys text[], kinds text[], statuses text[], at timestamptz[], bodies jsonb[])
insert into notifier.receipt (attempt_id, key, kind, status, at, body)
select * from unnest(:attempts, :keys, :kinds, :statuses, :at, :bodies)
on conflict (attempt_id, key) do update set copies = receipt.copies + 1;

-- With what its receipts say, applied or not: a call asks on before anybody has read the last of them.
-- name: message_of(attempt uuid)
select t.channel, t.message,
       coalesce(t.machine, told.machine, false) and not coalesce(told.person, false) as machine,
       coalesce(told.unplayed, false) as unplayed
  from notifier.attempt t,
       lateral (select bool_or(r.body ->> 'machine' = 'true') as machine, bool_or(r.body ->> 'machine' = 'false') as person,
                       bool_or(r.status = 'unplayed') as unplayed
                  from notifier.receipt r where r.attempt_id = t.id) told
 where t.id = :attempt;

-- name: messages_of(attempts uuid[])
select id, message from notifier.attempt where id = any (:attempts) and message is not null;

-- All that the provider has told us about these attempts, applied or not, as it came.
-- name: told_of(attempts uuid[])
select attempt_id, key, kind, status, at, body
  from notifier.receipt where attempt_id = any (:attempts) and kind in ('callback', 'poll')
 order by attempt_id, at, key;

-- What the keeper must ask the provider about.
-- name: silent(now timestamptz, most integer)
select f.attempt_id as id, f.channel, f.address, f.since, f.misses, a.provider_ref, a.state, a.message
  from notifier.in_flight f
  join notifier.attempt a on a.id = f.attempt_id
 where f.look_at <= :now
 order by f.look_at
 limit :most
   for update of f skip locked;

-- Claims the look-ups for a while, so that two keepers do not ask the same twice.
-- name: postpone_look(attempts uuid[], look_at timestamptz)
update notifier.in_flight set look_at = :look_at where attempt_id = any (:attempts);

-- Calls that the provider is to be asked not to make, for one worker at a time.
-- name: take_unwanted(now timestamptz, again_at timestamptz, most integer)
with taken as (
  select f.attempt_id, f.channel from notifier.in_flight f
   where f.cancel_at <= :now
   order by f.cancel_at
   limit :most
     for update skip locked
), put_off as (
  update notifier.in_flight f set cancel_at = :again_at from taken t where f.attempt_id = t.attempt_id
)
select t.attempt_id, t.channel, a.provider_ref from taken t join notifier.attempt a on a.id = t.attempt_id;

-- name: note_cancelled(attempts uuid[])
update notifier.in_flight set cancel_at = null where attempt_id = any (:attempts);

-- Counts only for the keeper that looked first: two look-ups of one moment are one.
-- name: note_miss(attempt uuid, seen smallint, look_at timestamptz)
update notifier.in_flight set misses = misses + 1, look_at = :look_at
 where attempt_id = :attempt and misses = :seen
returning misses;

-- A look-up by numbers must not find another attempt's call.
-- name: bound_elsewhere(address text, attempt uuid)
select t.provider_ref
  from notifier.notification n join notifier.attempt t on t.notification_id = n.id
 where (n.phone = :address or n.email = :address) and t.provider_ref is not null and t.id <> :attempt;

-- name: suppress(addresses text[], purposes text[], reasons text[], attempts uuid[], now timestamptz)
insert into notifier.suppression (address, purpose, reason, attempt_id, since)
select s.address, s.purpose, s.reason, s.attempt_id, :now
  from unnest(:addresses, :purposes, :reasons, :attempts) as s(address, purpose, reason, attempt_id)
on conflict (address, coalesce(purpose, '')) where undone_at is null do nothing;
