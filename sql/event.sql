-- Events in, many in one commit. Writers take turns until they have committed: so ids rise in the order in which events
-- become visible, a later event of a subject never overtakes an earlier one, and two senders of the same events in
-- another order do not lock each other out. What is known already is counted when :recount says so; what cannot be
-- read (it has a reason) is kept once.
-- name: store(sources text[], event_ids text[], types text[], subjects text[], occurred timestamptz[], reasons text[], recount boolean, now timestamptz)
with turn as materialized (
  select pg_advisory_xact_lock(hashtext('notifier.event')) is not null as ours
), told as materialized (
  select e.* from turn t, unnest(:sources, :event_ids, :types, :subjects, :occurred, :reasons)
    with ordinality as e(source, event_id, type, subject, occurred_at, reason, place)
   where t.ours
), arrived as (
  select distinct on (t.source, t.event_id, t.reason)
         t.*, count(*) over (partition by t.source, t.event_id, t.reason)::integer as copies
    from told t order by t.source, t.event_id, t.reason, t.place
), taken as (
  insert into notifier.event (source, event_id, type, subject, occurred_at, received_at, state, copies)
  select a.source, a.event_id, a.type, a.subject, a.occurred_at, :now, 'pending', a.copies
    from arrived a where a.reason is null order by a.place
  on conflict (source, event_id) where state <> 'refused' do update set copies = event.copies + excluded.copies where :recount
  returning id, source, event_id
), refused as (
  insert into notifier.event (source, event_id, type, subject, occurred_at, received_at, state, reason, copies)
  select a.source, a.event_id, a.type, a.subject, a.occurred_at, :now, 'refused', a.reason, a.copies
    from arrived a where a.reason is not null order by a.place
  on conflict (source, event_id, reason) where state = 'refused' do update set copies = event.copies + excluded.copies where :recount
  returning id, source, event_id, reason
)
select id, source, event_id, null as reason from taken
union all
select id, source, event_id, reason from refused;

-- Our transaction lies idle while the source is slow to take a connection, which may be 10 s. Only rows that others pass
-- over are locked meanwhile.
-- name: be_patient()
select set_config('idle_in_transaction_session_timeout', '1min', true);

-- What a campaign is to handle, first come first served, and of each subject only the first: the next waits until that
-- one is done with by every campaign; of events that concern none, nobody waits for the end. Locked for the transaction,
-- so that two workers do not do the same work.
-- name: take(campaign text, types text[], known text[], later bigint[], most integer)
select e.id, e.type, e.subject, e.received_at, e.effects
  from notifier.event e
 where e.state = 'pending' and e.type = any (:types) and not e.effects ? :campaign and e.id <> all (:later)
   and not exists (select from notifier.event b
                    where b.subject = e.subject and b.state = 'pending' and b.id < e.id and b.type = any (:known))
 order by e.id
 limit :most
   for update of e skip locked;

-- name: note_effects(campaign text, events bigint[], effects text[], states text[], now timestamptz)
update notifier.event e
   set effects = e.effects || jsonb_build_object(:campaign, v.effect), state = v.state, waiting_for = null,
       handled_at = case when v.state <> 'pending' then :now end
  from unnest(:events, :effects, :states) as v(id, effect, state)
 where e.id = v.id and e.state = 'pending';

-- Events nobody asked for. A worker that lacks a campaign must not say so for those that have it: hence a while.
-- name: ignore_unknown(known text[], reason text, before timestamptz, most integer, now timestamptz)
update notifier.event e set state = 'ignored', reason = :reason, waiting_for = null, handled_at = :now
 where e.id = any (array(
         select p.id from notifier.event p
          where p.state = 'pending' and not (p.type = any (:known)) and p.received_at <= :before
          order by p.id limit :most for update skip locked));

-- Only what changes is written: while a source is away, this is said at every turn.
-- name: wait_for(events bigint[], what text)
update notifier.event set waiting_for = :what
 where id = any (:events) and state = 'pending' and waiting_for is distinct from :what;

-- The run that events of a day are told in. Open from the first: there is no audience to be drawn as a whole, and what is
-- urgent is not prepared.
-- name: open_standing(key text, campaign text, owner text, params jsonb, priority smallint, zone text, until timestamptz, now timestamptz)
insert into notifier.run (key, campaign, owner, params, priority, zone, state, opened_at, planned_at, prepared_at,
                          accepts_until)
values (:key, :campaign, :owner, :params, :priority, :zone, 'open', :now, :now, :now, :until)
on conflict (key) do nothing;

-- name: standing(key text)
select id, state, reason from notifier.run where key = :key;

-- Rule 7: what is added to a run is counted in the same transaction.
-- name: grow(run bigint, selected integer, already_told integer, next_expiry timestamptz)
update notifier.run
   set selected = selected + :selected, already_told = already_told + :already_told,
       next_expiry = least(next_expiry, :next_expiry)
 where id = :run and state in ('open', 'paused') and accepts_until is not null;

-- Two campaigns' triggers may draw one after another; the planner and they never at once. Not waited for: a run of
-- 1,000,000 is planned for half a minute.
-- name: try_turn(campaign text)
select pg_try_advisory_xact_lock(hashtext('notifier.plan ' || :campaign));

-- name: known(source text, event_ids text[])
select e.event_id from notifier.event e where e.source = :source and e.event_id = any (:event_ids);

-- name: acknowledged(campaign text, subjects text[])
select distinct a.subject
  from notifier.audience a join notifier.notification n on n.id = a.notification_id
 where a.campaign = :campaign and a.subject = any (:subjects) and a.released_at is null and n.outcome = 'acknowledged';

-- name: note_trigger(run bigint, campaign text, subjects text[], received timestamptz[])
update notifier.notification n set triggered_at = t.received_at
  from (select a.notification_id, max(v.received_at) as received_at
          from unnest(:subjects, :received) as v(subject, received_at)
          join notifier.audience a on a.campaign = :campaign and a.subject = v.subject and a.run_id = :run
         where a.notification_id is not null and a.released_at is null
         group by a.notification_id) t
 where n.id = t.notification_id;

-- Who of a campaign is still to be told about these subjects, with all that each would be told about.
-- name: open_about(campaign text, subjects text[])
select n.id,
       array(select b.subject from notifier.audience b where b.notification_id = n.id order by 1) as subjects
  from notifier.notification n
 where n.outcome is null
   and n.id in (select a.notification_id from notifier.audience a
                 where a.campaign = :campaign and a.subject = any (:subjects)
                   and a.notification_id is not null and a.released_at is null);

-- Their places in the queue, so that no lane turns one into an attempt meanwhile. In one order, or two would wait for
-- each other.
-- name: lock_queued(notifications bigint[])
select notification_id from notifier.queue where notification_id = any (:notifications)
 order by notification_id for update;

-- Whoever waits for a next try, or for a person, is not contacted any more. What is in flight ends by itself: nobody is
-- hung up on, and a try after it is preceded by facts. A lease of a lane is lost with the row.
-- A call that waits at the carrier need not be made; whose phone rings is not hung up on.
-- name: withdraw(notifications bigint[], reasons text[], now timestamptz)
with waiting as (
  select v.id, v.reason from unnest(:notifications, :reasons) as v(id, reason)
   where not exists (select from notifier.in_flight f where f.notification_id = v.id)
), unqueued as (
  delete from notifier.queue q using waiting w where q.notification_id = w.id
), unwanted as (
  update notifier.in_flight f set cancel_at = :now
   where f.notification_id = any (:notifications)
     and not exists (select from notifier.receipt r
                      where r.attempt_id = f.attempt_id and r.status in ('ringing', 'in-progress'))
)
update notifier.notification n
   set outcome = 'withdrawn', reason = w.reason, held = null, settled_at = :now
  from waiting w
 where n.id = w.id and n.outcome is null
returning n.id;

-- name: take_feed(name text, before timestamptz)
select name, highest, floor, next_floor, next_floor_at, read_at, waiting_for from notifier.feed
 where name = :name and (read_at is null or read_at <= :before)
   for update skip locked;

-- name: note_feed(name text, highest bigint, floor bigint, next_floor bigint, next_floor_at timestamptz, read_at timestamptz)
update notifier.feed
   set highest = :highest, floor = :floor, next_floor = :next_floor, next_floor_at = :next_floor_at,
       read_at = :read_at, waiting_for = null
 where name = :name;

-- name: feed_waits(name text, what text, now timestamptz)
update notifier.feed set waiting_for = :what, read_at = :now where name = :name;

-- name: feeds()
select name, highest, floor, next_floor, next_floor_at, read_at, waiting_for from notifier.feed order by name;

-- name: list_events(state text, subject text, most integer)
select id, source, event_id, type, subject, occurred_at, received_at, state, effects, reason, waiting_for, handled_at, copies
  from notifier.event
 where (:state = '' or state = :state) and (:subject = '' or subject = :subject)
 order by id desc
 limit :most;
