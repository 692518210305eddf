-- Between its audience and its first call, a run has its recordings made. By one worker, for as long as it says so.
alter table notifier.run drop constraint run_state_check;
alter table notifier.run add constraint run_state_check check (state in
  ('planning', 'preparing', 'open', 'paused', 'waiting', 'finished', 'cancelled', 'failed'));
alter table notifier.run
  add column preparer        bigint,             -- who makes the recordings
  add column preparing_until timestamptz;        -- ... and when somebody else may
-- Runs that were planned before there were recordings are not sent back to have theirs made.
alter table notifier.run add column prepared_at timestamptz;
update notifier.run set prepared_at = planned_at;

-- True: a machine has answered. False: somebody has pressed a key, and no detection counts any more. Null: not known.
alter table notifier.attempt alter column machine drop not null, alter column machine drop default;
