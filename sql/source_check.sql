-- What `notifier check` asks the catalogue of the utility's database, as the role that will read it. The catalogue
-- rather than information_schema: the latter hides what the role may not use, which is just what is looked for.

-- name: describe_schema(schema_name text)
-- One row, whether the schema exists or not.
select
  n.oid is not null                                                 as present,
  coalesce(has_schema_privilege(n.oid, 'USAGE'), false)             as usable
from (select) one
left join pg_catalog.pg_namespace n on n.nspname = :schema_name

-- name: list_columns(schema_name text)
-- One row per column of every view of the schema, with its type without length or precision.
select
  c.relname::text                                                   as view,
  a.attname::text                                                   as "column",
  format_type(a.atttypid, null)                                     as type,
  has_column_privilege(c.oid, a.attnum, 'SELECT')                   as readable
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where n.nspname = :schema_name and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by 1, a.attnum

-- name: describe_role()
-- Superuser counts also where it can be had by SET ROLE.
select
  current_user::text                                                as role,
  current_database()::text                                          as database,
  exists (
    select from pg_catalog.pg_roles r where r.rolsuper and pg_has_role(current_user, r.oid, 'MEMBER')
  )                                                                 as superuser,
  has_database_privilege(current_database(), 'CREATE')              as may_create

-- name: list_writable()
-- One row per schema in which the role may create or write, with the first table, what it may do there and how many
-- more there are: a complaint for each of a thousand tables would help nobody.
-- Temporary and system schemas do not count: nothing of the utility's is there.
with grants as (
  select
    c.relnamespace, c.relname,
    array_remove(array[
      case when has_table_privilege(c.oid, 'INSERT') or has_any_column_privilege(c.oid, 'INSERT') then 'INSERT' end,
      case when has_table_privilege(c.oid, 'UPDATE') or has_any_column_privilege(c.oid, 'UPDATE') then 'UPDATE' end,
      case when has_table_privilege(c.oid, 'DELETE') then 'DELETE' end,
      case when has_table_privilege(c.oid, 'TRUNCATE') then 'TRUNCATE' end
    ], null) as privileges
  from pg_catalog.pg_class c
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
),
schemas as (
  select n.oid, n.nspname, has_schema_privilege(n.oid, 'CREATE') as may_create
  from pg_catalog.pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
)
select
  s.nspname::text                                                   as schema,
  s.may_create                                                      as may_create,
  min(g.relname)::text                                              as first_table,
  greatest(count(g.relname) - 1, 0)                                 as more,
  (array_agg(array_to_string(g.privileges, ', ') order by g.relname))[1] as privileges
from schemas s
left join grants g on g.relnamespace = s.oid and g.privileges <> '{}'
group by s.nspname, s.may_create
having s.may_create or count(g.relname) > 0
order by 1
