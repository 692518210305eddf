-- What the reader says to the utility's database besides the campaigns' own queries.

-- name: allow(milliseconds text)
select set_config('statement_timeout', :milliseconds, true);

-- name: source_time()
select clock_timestamp();

-- How far what a snapshot shows is behind: a replica that has replayed all it received is not, but only while it is
-- receiving.
-- name: lag()
select case
         when not pg_is_in_recovery() then interval '0'
         when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then interval '0'
         else coalesce(clock_timestamp() - pg_last_xact_replay_timestamp(), interval '1 year')
       end as lag;
