-- What the demo asks of the delivery log afterwards, to lay it beside the carrier's ledger.

-- name: attempts(run bigint) slow
select t.id, t.notification_id, t.channel, t.step, t.tries, coalesce(t.disposition, t.state) as disposition,
       case when t.channel = 'voice' then t.message end as message
  from notifier.attempt t where t.run_id = :run;

-- What the case system triggers meanwhile is told in runs of its own.
-- name: other_attempts(run bigint) slow
select t.id, t.notification_id, t.channel, t.step, t.tries, coalesce(t.disposition, t.state) as disposition,
       null::jsonb as message
  from notifier.attempt t where t.run_id <> :run;

-- name: subjects(run bigint) slow
select a.notification_id, a.subject from notifier.audience a
 where a.run_id = :run and a.notification_id is not null;

-- Of a household that is told together, the lead is asked what is preferred.
-- name: leads(run bigint) slow
select a.notification_id, a.subject from notifier.audience a where a.run_id = :run and a.fate = 'lead';

-- name: phones(run bigint) slow
select distinct phone from notifier.notification where run_id = :run and phone is not null;

-- Customers worth a look: tried on most channels, withdrawn because they paid, left out.
-- name: examples(run bigint) slow
select (select n.account_no from notifier.notification n
          join notifier.attempt t on t.notification_id = n.id
         where n.run_id = :run group by n.id
         order by count(distinct t.channel) desc, count(*) desc, n.id limit 1) as called,
       (select n.account_no from notifier.notification n
         where n.run_id = :run and n.outcome = 'withdrawn'
         order by exists (select from notifier.attempt t where t.notification_id = n.id) desc, n.id limit 1) as withdrawn,
       (select a.account_no from notifier.audience a
         where a.run_id = :run and a.fate = 'excluded' and a.reason like 'no_address: %' order by 1 limit 1) as excluded;

-- name: clips() slow
select audio, words from notifier.clip where audio is not null;
