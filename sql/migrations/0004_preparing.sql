-- Between its audience and its first call, a run has its recordings made. By one worker, for as long as it says so.
alter table notifier.run drop constraint run_state_check;
alter table notifier.run add constraint run_state_check check (state in
  ('planning', 'preparing', 'open', 'paused', 'waiting', 'finished', 'cancelled', 'failed'));
alter table notifier.run
  add column preparer        bigint,             -- who makes the recordings
  add column preparing_until timestamptz;        -- ... and when somebody else may
