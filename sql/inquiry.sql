-- Everything sent and not sent to one customer.
-- Found first, then joined: with a limit as a parameter the planner would walk all notifications backwards instead.
-- name: by_account(account text, most integer)
with found as materialized (
  select m.id from notifier.notification m where m.account_no = :account
  union select a.notification_id from notifier.audience a where a.account_no = :account and a.notification_id is not null
)
select n.id, n.run_id, r.campaign, r.key as run_key, n.account_no, n.locale, n.prefers, n.held, n.outcome, n.reason, n.settled_at,
       n.expires_at, r.opened_at, s.state, s.due_at, s.channel, s.because,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.notification n join notifier.run r on r.id = n.run_id join notifier.standing s on s.id = n.id
 where n.id = any (array(select f.id from found f))
 order by n.id desc limit :most;

-- name: by_address(address text, most integer)
with found as materialized (
  select m.id from notifier.notification m where m.phone = :address
  union select m.id from notifier.notification m where m.email = :address
)
select n.id, n.run_id, r.campaign, r.key as run_key, n.account_no, n.locale, n.prefers, n.held, n.outcome, n.reason, n.settled_at,
       n.expires_at, r.opened_at, s.state, s.due_at, s.channel, s.because,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.notification n join notifier.run r on r.id = n.run_id join notifier.standing s on s.id = n.id
 where n.id = any (array(select f.id from found f))
 order by n.id desc limit :most;

-- name: excluded(account text, most integer)
select a.run_id, r.campaign, r.key as run_key, a.subject, a.occasion, a.reason, r.opened_at
  from notifier.audience a join notifier.run r on r.id = a.run_id
 where a.account_no = :account and a.fate = 'excluded'
 order by a.run_id desc limit :most;

-- name: attempts(notifications bigint[])
select t.id, t.notification_id, t.channel, t.step, t.tries, t.template, t.state, t.disposition, t.action, t.heard, t.machine,
       t.message, t.provider_ref, t.ended_at,
       (select r.body -> 'detail' from notifier.receipt r where r.attempt_id = t.id and r.key = 'last_heard') as last_heard
  from notifier.attempt t where t.notification_id = any (:notifications) order by t.id;

-- name: receipts(attempts uuid[])
select attempt_id, key, kind, status, at, body, copies, applied_at
  from notifier.receipt where attempt_id = any (:attempts) order by at, key;

-- name: suppressions(address text)
select id, purpose, reason, since, set_by, undone_at, undone_by, undone_because from notifier.suppression where address = :address order by id desc;

-- name: cell_reading(cell text)
select number, reason from notifier.number_book where cell = :cell;

-- name: by_id(notification bigint)
select n.id, n.run_id, r.campaign, r.key as run_key, n.account_no, n.locale, n.prefers, n.held, n.outcome, n.reason, n.settled_at,
       n.expires_at, r.opened_at, s.state, s.due_at, s.channel, s.because,
       array(select a.subject from notifier.audience a where a.notification_id = n.id order by 1) as subjects
  from notifier.notification n join notifier.run r on r.id = n.run_id join notifier.standing s on s.id = n.id
 where n.id = :notification;

-- The addresses of a customer's notifications: bans are kept by address.
-- name: addresses(notifications bigint[])
select distinct a.address
  from notifier.notification n, lateral (values (n.phone), (n.email)) as a(address)
 where n.id = any (:notifications) and a.address is not null
 order by 1;

-- One held notification with all it takes to send it after all.
-- name: held(notification bigint)
select n.id, n.run_id, n.phone, n.email, n.prefers, n.held, r.campaign, r.state as run_state,
       (select t.step from notifier.attempt t where t.notification_id = n.id order by t.id desc limit 1) as last_step
  from notifier.notification n join notifier.run r on r.id = n.run_id
 where n.id = :notification and n.held is not null and n.outcome is null;

-- name: sent_since(run bigint, since timestamptz) slow
select count(*)::integer from notifier.attempt where run_id = :run and id >= notifier.uuid_floor(:since);
