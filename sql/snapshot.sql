-- What the reader says to the utility's database besides the campaigns' own queries.

-- name: allow(milliseconds text)
select set_config('statement_timeout', :milliseconds, true);

-- name: source_time()
select clock_timestamp();
