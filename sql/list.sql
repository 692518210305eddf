-- Uploads of one name take turns until they commit: the second finds the list of the first.
-- name: take_turns(name text)
select pg_advisory_xact_lock(hashtext('notifier.list ' || :name));

-- name: by_name(name text)
select * from notifier.list where name = :name and dropped_at is null;

-- name: latest(most integer)
select * from notifier.list where dropped_at is null order by id desc limit :most;

-- name: insert_list(name text, digest bytea, columns jsonb, district text, taken integer, bad integer, now timestamptz)
insert into notifier.list (name, digest, columns, district, taken, bad, uploaded_at)
values (:name, :digest, :columns, :district, :taken, :bad, :now)
returning *;

-- name: bad_rows(list bigint, most integer)
select line, reason from notifier.list_row where list_id = :list and reason is not null order by line limit :most;

-- name: reasons(list bigint) slow
select regexp_replace(reason, ': .*', '') as reason, count(*)::integer as rows
  from notifier.list_row where list_id = :list and reason is not null group by 1 order by 2 desc, 1;

-- The accounts whose addresses the source is asked for.
-- name: accounts(list bigint) slow
select coalesce(array_agg(account_no), '{}') from notifier.list_row
 where list_id = :list and reason is null and account_no is not null;

-- What the words may say of these rows.
-- name: rows_of(lists bigint[], lines integer[])
select r.list_id, r.line, r.account_no, r.cells, l.district, l.columns
  from unnest(:lists, :lines) as asked(list_id, line)
  join notifier.list_row r using (list_id, line)
  join notifier.list l on l.id = r.list_id
 where r.reason is null;

-- Runs that would still tell rows of the list.
-- name: runs_using(campaigns text[], name text)
select id from notifier.run
 where campaign = any (:campaigns) and params ->> 'list' = :name
   and state not in ('finished', 'cancelled', 'failed')
 order by id;

-- The rows are erased, and what was read from their telephones with them; that there was a list is kept.
-- name: drop_list(list bigint, now timestamptz) slow
with gone as (
  delete from notifier.list_row where list_id = :list returning telephone
), unread as (
  delete from notifier.number_book b using gone g where b.cell = g.telephone
)
update notifier.list set dropped_at = :now, columns = '[]' where id = :list and dropped_at is null;
