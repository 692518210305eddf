-- Everything sent and not sent to one customer.
-- name: by_account(account text, most integer)
select n.id, n.run_id, r.campaign, r.key as run_key, n.account_no, n.locale, n.held, n.outcome, n.reason, n.settled_at, n.expires_at,
       r.opened_at, s.state, s.due_at, s.channel,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.notification n join notifier.run r on r.id = n.run_id join notifier.standing s on s.id = n.id
 where n.id in (select m.id from notifier.notification m where m.account_no = :account
                union select a.notification_id from notifier.audience a
                       where a.account_no = :account and a.notification_id is not null)
 order by n.id desc limit :most;

-- name: by_address(address text, most integer)
select n.id, n.run_id, r.campaign, r.key as run_key, n.account_no, n.locale, n.held, n.outcome, n.reason, n.settled_at, n.expires_at,
       r.opened_at, s.state, s.due_at, s.channel,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.notification n join notifier.run r on r.id = n.run_id join notifier.standing s on s.id = n.id
 where n.phone = :address or n.email = :address
 order by n.id desc limit :most;

-- name: excluded(account text, most integer)
select a.run_id, r.campaign, r.key as run_key, a.subject, a.occasion, a.reason, r.opened_at
  from notifier.audience a join notifier.run r on r.id = a.run_id
 where a.account_no = :account and a.fate = 'excluded'
 order by a.run_id desc limit :most;

-- name: attempts(notifications bigint[])
select t.id, t.notification_id, t.channel, t.step, t.tries, t.template, t.state, t.disposition, t.action, t.heard, t.machine,
       t.message, t.provider_ref, t.ended_at
  from notifier.attempt t where t.notification_id = any (:notifications) order by t.id;

-- name: receipts(attempts uuid[])
select attempt_id, key, kind, status, at, body, copies, applied_at
  from notifier.receipt where attempt_id = any (:attempts) order by at, key;

-- name: suppressions(address text)
select id, purpose, reason, since, undone_at from notifier.suppression where address = :address order by id desc;

-- name: cell_reading(cell text)
select number, reason from notifier.number_book where cell = :cell;
