-- The claim: one statement, committed at once. Rows already past the caller's low-water mark are not looked at again,
-- so that dead index entries behind it cost nothing while a long report holds the vacuum horizon (154,000 rows/s
-- instead of 17,000). ctid = any(array(...)) keeps the sub-select from being pulled up and run per row.
-- Touches only the lease columns, which no index holds: the update stays HOT.
-- With each come the bans on its addresses, the suspension that lasts longest over it, and of its subjects those that
-- are not waited for in the books.
-- name: claim(channel text, run bigint, owner bigint, now timestamptz, until timestamptz, mark_due timestamptz, mark_id bigint, purpose text, most integer)
with claimed as (
  update notifier.queue q
     set lease_owner = :owner, lease_until = :until
   where q.ctid = any (array(
           select w.ctid from notifier.queue w
            where w.channel = :channel and w.run_id = :run
              and (w.due_at, w.notification_id) >= (:mark_due, :mark_id) and w.due_at <= :now
              and (w.lease_until is null or w.lease_until < :now)
            order by w.due_at, w.notification_id
            limit :most
            for update skip locked))
  returning q.notification_id, q.due_at, q.step, q.tries, q.free, q.because
), suspended as materialized (
  select s.id, s.district, s.until, s.reason from notifier.suspension s
   where s.ended_at is null and s.until > :now and :purpose = any (s.purposes)
)
select c.notification_id as id, c.due_at, c.step, c.tries, c.free, c.because,
       n.account_no, n.locale, n.district, n.phone, n.email, n.prefers, n.expires_at, n.outcome,
       n.triggered_at,
       about.subjects, about.grace_until,
       leave.id as suspended_by, leave.until as suspended_until, leave.reason as suspended_because,
       array(select s.address from notifier.suppression s
              where s.address in (n.phone, n.email) and s.undone_at is null
                and (s.purpose is null or s.purpose = :purpose)) as suppressed
  from claimed c
  join notifier.notification n on n.id = c.notification_id
 cross join lateral (
         select coalesce(array_agg(a.subject order by a.subject) filter (where h.until is null), '{}') as subjects,
                min(h.until) as grace_until
           from notifier.audience a
           left join lateral (select g.until from notifier.posting_hold g
                               where g.subject = a.subject and g.until > :now limit 1) h on true
          where a.notification_id = c.notification_id) about
  left join lateral (select s.id, s.until, s.reason from suspended s
                      where s.district is null or s.district = n.district
                      order by s.until desc, s.id limit 1) leave on true
 order by c.due_at, c.notification_id;

-- What each channel and open run could send now: which runs a lane turns to, most urgent first.
-- name: due_runs(channel text, now timestamptz)
select r.id, r.campaign, r.priority, r.params
  from notifier.run r
 where r.state = 'open'
   and exists (select from notifier.queue q where q.channel = :channel and q.run_id = r.id and q.due_at <= :now
                 and (q.lease_until is null or q.lease_until < :now))
 order by r.priority, r.id;

-- What is leased is somebody's, or will be found by the next poll after its lease: a lane that counted it would turn
-- every 2 ms until then.
-- name: next_due(channel text)
select min(least_due) from notifier.run r,
       lateral (select min(q.due_at) as least_due from notifier.queue q
                 where q.channel = :channel and q.run_id = r.id and q.lease_until is null) due
 where r.state = 'open';

-- Rule 1: the attempt is on disk before the request leaves. The queue row, held by our lease, becomes an attempt and
-- a place in flight in one statement; whoever finds the address busy, over its cap or no line free stays queued.
-- A lease that ran out, or a run paused since the claim, writes nothing. "(x in (select ...)) is true" is a hashed
-- look-up; as a join of CTEs, whose size the planner cannot know, it compared every attempt with every other.
-- Nor does it write what a suspension set since the claim forbids: that is claimed again, and put off.
-- A household is counted before its attempt is placed, and only by whoever saw its last version: of two workers with two
-- campaigns one finds the address busy. `counted` without `written`: somebody else was at the address after all.
-- name: write_ahead(owner bigint, channel text, purpose text, now timestamptz, look_at timestamptz, day_start timestamptz, cap integer, per_day integer, per_week integer, lines integer, notifications bigint[], attempts uuid[], addresses text[], templates text[], messages jsonb[], offers jsonb[])
with asked as (
  select * from unnest(:notifications, :attempts, :addresses, :templates, :messages, :offers)
    with ordinality as a(notification_id, attempt_id, address, template, message, offered, turn)
), suspended as materialized (
  select s.district from notifier.suspension s
   where s.ended_at is null and s.until > :now and :purpose = any (s.purposes)
), mine as materialized (
  select a.*, q.run_id, q.step, q.tries, q.free, notifier.household_key(n.phone, n.account_no) as household
    from asked a
    join notifier.queue q on q.notification_id = a.notification_id
    join notifier.run r on r.id = q.run_id
    join notifier.notification n on n.id = q.notification_id
   where q.lease_owner = :owner and q.lease_until >= :now and r.state = 'open' and n.outcome is null and n.held is null
     and not exists (select from suspended s where s.district is null or s.district = n.district)
     for update of q
), weighed as (
  select m.*, h.version, c.contacts,
         row_number() over (partition by m.address order by m.turn) as turn_at_address,
         row_number() over (partition by m.household order by m.turn) as turn_at_household,
         exists (select from notifier.in_flight f where f.channel = :channel and f.address = m.address) as busy,
         :per_week is not null and (c.today >= :per_day or c.this_week >= :per_week) as capped,
         -- Sub-selects, not a join: before the tables have statistics a join was hashed whole for every attempt.
         (select coalesce(sum((select count(*) from notifier.attempt t
                    where t.notification_id = n.id and t.channel = :channel
                      and t.id >= notifier.uuid_floor(:day_start)
                      and (t.disposition is null
                           or t.disposition not in ('failed', 'unexplained', 'cancelled', 'not_sent', 'not_created')))), 0)
            from notifier.notification n where n.phone = m.address or n.email = m.address) as rung_today
    from mine m
    left join lateral (select k.version, k.contacts from notifier.household k where k.key = m.household limit 1) h on true
    left join lateral (
           select coalesce(jsonb_object_agg(k.attempt, k.purpose), '{}') as contacts,
                  count(*) filter (where k.purpose = :purpose) as this_week,
                  count(*) filter (where k.purpose = :purpose
                                     and k.attempt::uuid >= notifier.uuid_floor(:now - interval '1 day')) as today
             from jsonb_each_text(h.contacts) as k(attempt, purpose)
            where k.attempt::uuid >= notifier.uuid_floor(:now - interval '7 days')) c on true
), fit as (
  select w.* from weighed w
   where w.turn_at_address = 1 and (w.turn_at_household = 1 or :per_week is null)
     and w.rung_today < :cap and not w.capped and not w.busy
   order by w.turn limit :lines
), counted as (
  insert into notifier.household (key, contacts, version, last_at)
  select f.household, f.contacts || jsonb_build_object(f.attempt_id::text, :purpose), coalesce(f.version, 0) + 1, :now
    from fit f where :per_week is not null
   order by f.household  -- two workers never wait for each other's households in turn
  on conflict (key) do update
     set contacts = excluded.contacts, version = excluded.version, last_at = excluded.last_at
   where household.version = excluded.version - 1
  returning key
), placed as (
  insert into notifier.in_flight (channel, address, attempt_id, notification_id, run_id, since, look_at)
  select :channel, f.address, f.attempt_id, f.notification_id, f.run_id, :now, :look_at from fit f
   where :per_week is null or (f.household in (select c.key from counted c)) is true
   order by f.address  -- ... nor for each other's addresses
  on conflict do nothing
  returning attempt_id, notification_id
), left_queue as (
  delete from notifier.queue q using placed p where q.notification_id = p.notification_id
), written as (
  insert into notifier.attempt (id, notification_id, run_id, channel, step, tries, free, address, template, message,
                                offered)
  select f.attempt_id, f.notification_id, f.run_id, :channel, f.step, f.tries, f.free, f.address, f.template, f.message,
         f.offered
    from fit f where (f.attempt_id in (select p.attempt_id from placed p)) is true
)
select a.attempt_id,
       case
         when a.attempt_id in (select p.attempt_id from placed p) then 'written'
         when a.attempt_id not in (select w.attempt_id from weighed w) then 'lost'
         when a.attempt_id in (select w.attempt_id from weighed w where w.rung_today >= :cap) then 'capped'
         when a.attempt_id in (select w.attempt_id from weighed w
                                where w.turn_at_address = 1 and (w.turn_at_household = 1 or :per_week is null)
                                  and not w.busy)
          and a.attempt_id not in (select f.attempt_id from fit f) then 'no_line'
         else 'address_busy'
       end as verdict,
       (a.attempt_id in (select f.attempt_id from fit f where (f.household in (select c.key from counted c)) is true))
         as counted,
       null::jsonb as contacts
  from asked a
 where (a.attempt_id in (select w.attempt_id from weighed w where w.capped and w.rung_today < :cap)) is not true
union all
select w.attempt_id, 'household', false, w.contacts from weighed w where w.capped and w.rung_today < :cap;

-- Households that were counted for attempts which were not written after all.
-- name: uncount(notifications bigint[], attempts uuid[])
update notifier.household h set contacts = h.contacts - u.attempts, version = h.version + 1
  from (select notifier.household_key(n.phone, n.account_no) as key, array_agg(a.attempt_id::text) as attempts
          from unnest(:notifications, :attempts) as a(notification_id, attempt_id)
          join notifier.notification n on n.id = a.notification_id
         group by 1) u
 where h.key = u.key;

-- Households nobody has contacted for so long that it does not count any more.
-- name: forget_households(before timestamptz, most integer) slow
delete from notifier.household h
 where h.ctid = any (array(select k.ctid from notifier.household k where k.last_at < :before
                            limit :most for update skip locked));

-- Everything that can become of a leased notification short of an attempt. Fenced by the lease.
-- kind: settle | hold | put_back (due_at, channel, step, tries and free say where to, put_off_by by which suspension).
-- name: dispose(owner bigint, now timestamptz, notifications bigint[], kinds text[], outcomes text[], reasons text[], due timestamptz[], put_off_by bigint[], channels text[], steps smallint[], tries smallint[], free smallint[])
with verdict as (
  select * from unnest(:notifications, :kinds, :outcomes, :reasons, :due, :put_off_by, :channels, :steps, :tries, :free)
    as v(notification_id, kind, outcome, reason, due_at, put_off_by, channel, step, tries, free)
), mine as materialized (
  select v.* from verdict v
    join notifier.queue q on q.notification_id = v.notification_id
   where q.lease_owner = :owner and q.lease_until >= :now
     for update of q
), returned as (
  update notifier.queue q
     set lease_owner = null, lease_until = null, due_at = m.due_at, channel = m.channel, step = m.step,
         tries = m.tries, free = m.free, because = m.reason, put_off_by = m.put_off_by,
         put_off_from = case when m.put_off_by is not null then coalesce(q.put_off_from, q.due_at) end
    from mine m where q.notification_id = m.notification_id and m.kind = 'put_back'
), gone as (
  delete from notifier.queue q using mine m where q.notification_id = m.notification_id and m.kind <> 'put_back'
), told as (
  update notifier.notification n
     set outcome = case when m.kind = 'settle' then m.outcome end,
         held = case when m.kind = 'hold' then m.reason end,
         reason = m.reason,
         settled_at = case when m.kind = 'settle' then :now end
    from mine m
   where n.id = m.notification_id and m.kind <> 'put_back' and n.outcome is null
), released as (
  update notifier.audience a set released_at = :now
    from mine m
   where a.notification_id = m.notification_id and m.kind = 'settle' and m.outcome in ('cancelled', 'expired')
)
select count(*)::integer as disposed from mine;

-- A worker that gives back what it claimed and did not look at.
-- name: give_back(owner bigint, notifications bigint[])
update notifier.queue set lease_owner = null, lease_until = null
 where lease_owner = :owner and notification_id = any (:notifications);

-- Runs that have something to sweep: cancelled, or with notifications whose time has passed. What was in flight when a
-- run was cancelled comes back within the day, or when a provider that was away for weeks can be asked again.
-- name: to_sweep(now timestamptz) slow
select r.id from notifier.run r
 where (r.state not in ('finished', 'cancelled', 'failed') and r.next_expiry <= :now)
    or (r.state = 'cancelled' and r.finished_at > :now - interval '40 days'
        and (exists (select from notifier.queue q where q.run_id = r.id)
             or exists (select from notifier.notification n where n.run_id = r.id and n.held is not null)));

-- Settles, in portions, whatever is queued of the run that was cancelled or whose time has passed; what a cancelled run
-- holds for a person needs no decision any more.
-- name: sweep(run bigint, now timestamptz, most integer) slow
with ended as materialized (
  select q.notification_id, case when r.state = 'cancelled' then 'cancelled' else 'expired' end as outcome,
         case when r.state = 'cancelled' then coalesce(r.reason, 'run cancelled')
              else coalesce(q.because, 'its time had passed') end as reason
    from notifier.run r
    join notifier.queue q on q.run_id = r.id
    join notifier.notification n on n.id = q.notification_id
   where r.id = :run and (q.lease_until is null or q.lease_until < :now)
     and (r.state = 'cancelled' or n.expires_at <= :now)
   limit :most
     for update of q skip locked
), undecided as materialized (
  select n.id as notification_id, 'cancelled' as outcome, coalesce(r.reason, 'run cancelled') as reason
    from notifier.run r join notifier.notification n on n.run_id = r.id
   where r.id = :run and r.state = 'cancelled' and n.held is not null
   limit :most
     for update of n skip locked
), gone as (
  delete from notifier.queue q using ended e where q.notification_id = e.notification_id
), settled as (
  select * from ended union all select * from undecided
), told as (
  update notifier.notification n set outcome = s.outcome, reason = s.reason, held = null, settled_at = :now
    from settled s where n.id = s.notification_id and n.outcome is null
), released as (
  update notifier.audience a set released_at = :now from settled s where a.notification_id = s.notification_id
)
select count(*)::integer from settled;

-- When the next notification of the run expires: until then it need not be swept again.
-- name: note_expiry(run bigint) slow
update notifier.run r
   set next_expiry = (select min(n.expires_at)
                        from (select q.notification_id from notifier.queue q where q.run_id = r.id
                              union all select f.notification_id from notifier.in_flight f where f.run_id = r.id) o
                        join notifier.notification n on n.id = o.notification_id)
 where r.id = :run;
