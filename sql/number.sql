-- What attempts made since the last time, and before `upto`, say of their numbers; once each, whoever learns. Of a log
-- that nobody has learnt from only what is younger than `since` is read.
-- name: learn(channels text[], zone text, since timestamptz, upto timestamptz) slow
with mark as materialized (
  select greatest(l.learnt_to, :since) as learnt_to from notifier.number_learning l for update skip locked
), fresh as materialized (
  select t.address as number, t.ended_at as at, t.disposition,
         extract(hour from t.ended_at at time zone :zone)::integer as hour,
         max(t.ended_at) filter (where t.disposition in ('answered', 'hung_up', 'wrong_person'))
           over (partition by t.address) as heard_at
    from notifier.attempt t
   where t.id >= notifier.uuid_floor((select m.learnt_to from mark m)) and t.id < notifier.uuid_floor(:upto)
     and t.channel = any (:channels) and t.state = 'ended' and t.address is not null
     and t.disposition in ('answered', 'hung_up', 'wrong_person', 'machine', 'no_answer', 'busy', 'declined', 'refused',
                           'unexplained')
), told as (
  select f.number, count(*)::integer as tries, max(f.at) as last_at, f.heard_at,
         coalesce(bit_or(1 << f.hour) filter (where f.disposition in ('answered', 'hung_up')), 0) as hours,
         count(*) filter (where f.silent)::integer as silent, min(f.at) filter (where f.silent) as silent_since,
         coalesce(bool_or(f.silent and f.disposition = 'machine'), false) as machine,
         (array_agg(f.disposition order by f.at desc)
            filter (where f.disposition in ('answered', 'hung_up', 'wrong_person', 'refused', 'unexplained')))[1] as verdict,
         min(f.at) filter (where f.disposition in ('wrong_person', 'refused', 'unexplained')) as verdict_at
    from (select *, disposition in ('no_answer', 'machine') and (heard_at is null or at > heard_at) as silent
            from fresh) f
   group by f.number, f.heard_at
), learnt as (
  insert into notifier.number_memory as k
    (number, hours, tries, silent, silent_since, machine, heard_at, bad, bad_since, last_at)
  select t.number, t.hours, t.tries, t.silent, t.silent_since, t.machine, t.heard_at,
         case when t.verdict not in ('answered', 'hung_up') then t.verdict end,
         case when t.verdict not in ('answered', 'hung_up') then t.verdict_at end, t.last_at
    from told t
   order by t.number
  on conflict (number) do update
     set hours = k.hours | excluded.hours, tries = k.tries + excluded.tries,
         silent = excluded.silent + case when excluded.heard_at is null then k.silent else 0 end,
         silent_since = case when excluded.heard_at is null then coalesce(k.silent_since, excluded.silent_since)
                             else excluded.silent_since end,
         machine = excluded.machine or (k.machine and excluded.heard_at is null),
         heard_at = coalesce(excluded.heard_at, k.heard_at),
         bad = case when excluded.bad is null and excluded.heard_at is null then k.bad else excluded.bad end,
         bad_since = case when excluded.bad is null and excluded.heard_at is null or k.bad = excluded.bad then k.bad_since
                          else excluded.bad_since end,
         last_at = excluded.last_at
  returning k.number
)
update notifier.number_learning l set learnt_to = :upto
 where exists (select from mark) and (l.learnt_to is null or l.learnt_to < :upto)
returning (select count(*)::integer from learnt) as numbers;

-- name: forget(before timestamptz) slow
delete from notifier.number_memory where last_at < :before;

-- Numbers that are wrong or never answer, and accounts of whom no number can be read: for the office to mend, by account.
-- What the office has mended since, as the last run saw it, is left out.
-- name: repairs(silent integer) slow
select n.account_no, b.cell, m.number,
       coalesce(m.bad, case when m.machine then 'machine' else 'no_answer' end) as reason,
       coalesce(m.bad_since, m.silent_since) as since, m.last_at, m.tries
  from notifier.number_memory m
 cross join lateral (select k.account_no, max(k.id) as id from notifier.notification k
                      where k.phone = m.number group by k.account_no) n
  left join lateral (select k.cell from notifier.number_book k where k.number = m.number order by k.cell limit 1) b on true
 where (m.bad is not null or m.silent >= :silent)
   and not exists (select from notifier.notification k
                    where k.account_no = n.account_no and k.id > n.id and k.phone is distinct from m.number)
union all
select l.account_no, null, null, l.reason, l.since, l.opened_at, 0
  from (select distinct on (a.account_no) a.account_no, a.fate, a.reason, r.opened_at,
               min(r.opened_at) filter (where starts_with(a.reason, 'no_address: ')) over (partition by a.account_no) as since
          from notifier.audience a join notifier.run r on r.id = a.run_id
         where a.account_no is not null
         order by a.account_no, a.run_id desc) l
 where l.fate = 'excluded' and starts_with(l.reason, 'no_address: ')
 order by account_no, number nulls last;
