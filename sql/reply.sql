-- What a call was about, for a day that its customer has just chosen.
-- name: about(attempt uuid)
select r.campaign,
       array(select a.subject from notifier.audience a where a.notification_id = t.notification_id order by 1) as subjects
  from notifier.attempt t
  join notifier.run r on r.id = t.run_id
 where t.id = :attempt;

-- Answers with what the world outside is told of them, in one statement and so in one commit. A call answers once: what
-- is heard of it a second time changes nothing. Work for nobody is closed as it comes.
-- name: store(attempts uuid[], actions text[], keys text[], chosen text[], standings text[], at timestamptz[], due timestamptz[], kinds text[], now timestamptz)
with told as (
  select distinct on (v.attempt_id) v.*
    from unnest(:attempts, :actions, :keys, :chosen, :standings, :at, :due, :kinds)
      as v(attempt_id, action, key, value, standing, at, due_at, kind)
   order by v.attempt_id, v.at
), placed as (
  insert into notifier.reply (attempt_id, notification_id, run_id, campaign, subjects, account_no, district, section,
                              action, value, key, standing, at, due_at, closed_by, closed_at)
  select t.id, t.notification_id, t.run_id, r.campaign,
         array(select a.subject from notifier.audience a where a.notification_id = t.notification_id order by 1),
         n.account_no, n.district, coalesce(t.offered ->> 'section', r.owner),
         coalesce(v.kind, v.action), v.value, v.key, v.standing, v.at, v.due_at,
         case when v.kind is null then 'system' end, case when v.kind is null then :now end
    from told v
    join notifier.attempt t on t.id = v.attempt_id
    join notifier.run r on r.id = t.run_id
    join notifier.notification n on n.id = t.notification_id
  on conflict (attempt_id) do nothing
  returning *
)
insert into notifier.outbox (type, subject, data, at)
select 'reply.received', coalesce(p.subjects[1], p.account_no),
       jsonb_build_object('reply', p.id, 'attempt', p.attempt_id, 'campaign', p.campaign, 'subjects', p.subjects,
                          'account_no', p.account_no, 'district', p.district, 'section', p.section, 'action', p.action,
                          'value', p.value, 'key', p.key, 'standing', p.standing, 'at', p.at, 'due_at', p.due_at,
                          'open', p.closed_at is null),
       :now
  from placed p
 order by p.at, p.id;

-- Reminders of these bills rest. Who has promised, or asked for time, may be reminded once more when that is over.
-- name: rest(attempts uuid[], until timestamptz[], reasons text[], again boolean[], now timestamptz)
with asked as (
  select * from unnest(:attempts, :until, :reasons, :again) as v(attempt_id, until, reason, again)
), resting as (
  insert into notifier.posting_hold as h (subject, until, attempt_id, reason)
  select distinct on (a.subject) a.subject, v.until, v.attempt_id, v.reason
    from asked v
    join notifier.attempt t on t.id = v.attempt_id
    join notifier.audience a on a.notification_id = t.notification_id
   order by a.subject, v.until desc
  on conflict (subject) do update set until = greatest(h.until, excluded.until), reason = excluded.reason
)
update notifier.audience a set released_at = :now
  from asked v join notifier.attempt t on t.id = v.attempt_id
 where v.again and a.notification_id = t.notification_id and a.released_at is null;

-- All that is known of a case's days: when each agreed day had slipped, what was proposed in which call, what was chosen.
-- name: history(subject text)
select r.opened_at as at, 'slipped' as what, substring(a.occasion from '\d{4}-\d\d-\d\d') as day,
       null::uuid as attempt_id, null as key, null as standing
  from notifier.audience a join notifier.run r on r.id = a.run_id
 where a.subject = :subject and a.fate in ('lead', 'merged')
union all
select to_timestamp(('x' || substr(replace(t.id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0), 'proposed',
       o.value, t.id, o.key, null
  from notifier.audience a
  join notifier.attempt t on t.notification_id = a.notification_id
 cross join jsonb_each_text(t.offered -> 'days') o
 where a.subject = :subject
union all
select p.at, 'chosen', p.value, p.attempt_id, p.key, p.standing
  from notifier.reply p
 where p.subjects @> array[:subject] and p.action = 'choose_date'
 order by 1, 2, 3;
