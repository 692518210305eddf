-- A run of its own for one test, with its only notification already leased to whoever sends it. Its time is over from
-- the start: whatever would follow from the one attempt finds it expired, so that the run ends by itself.
-- name: open_test(key text, campaign text, owner text, params jsonb, priority smallint, zone text, now timestamptz, account_no text, locale text, phone text, email text, subject text, channel text, step smallint, lease_owner bigint, lease_until timestamptz)
with opened as (
  insert into notifier.run (key, campaign, owner, params, priority, zone, state, opened_at, planned_at, selected,
                            next_expiry)
  values (:key, :campaign, :owner, :params, :priority, :zone, 'open', :now, :now, 1, :now)
  returning id
), told as (
  insert into notifier.notification (run_id, account_no, locale, phone, email, expires_at)
  select o.id, :account_no, :locale, :phone, :email, :now from opened o
  returning id, run_id
), listed as (
  insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, notification_id)
  select t.run_id, :campaign, :subject, 'test', :account_no, 'lead', t.id from told t
), queued as (
  insert into notifier.queue (notification_id, run_id, channel, due_at, step, lease_owner, lease_until)
  select t.id, t.run_id, :channel, :now, :step, :lease_owner, :lease_until from told t
)
select t.id as notification, t.run_id as run from told t;
