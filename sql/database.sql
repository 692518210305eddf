-- name: ensure_partitions(moment timestamptz)
select notifier.ensure_partitions(:moment), notifier.ensure_partitions(:moment + interval '1 month'),
       notifier.ensure_partitions(:moment - interval '1 month');

-- Sent once per batch of work, never per row: a NOTIFY serialises the commits that carry one.
-- name: wake(channel text, word text)
select pg_notify(:channel, :word);

-- name: server_time()
select clock_timestamp() as now;
