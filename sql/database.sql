-- name: ensure_partitions(moment timestamptz) slow
select notifier.ensure_partitions(:moment), notifier.ensure_partitions(:moment + interval '1 month'),
       notifier.ensure_partitions(:moment - interval '1 month');

-- Sent once per batch of work, never per row: a NOTIFY serialises the commits that carry one.
-- name: wake(channel text, word text)
select pg_notify(:channel, :word);

-- Whether what answers could keep what is told to it: a standby could not.
-- name: read_only()
select current_setting('transaction_read_only')::boolean;

-- name: server_time()
select clock_timestamp() as now;
