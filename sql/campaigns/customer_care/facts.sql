-- facts(subjects text[], accounts text[], districts text[])
--
-- What the source says now of the rows of an uploaded list: `accounts` and `districts` are what the list says of each
-- subject, the account null where it gives a telephone only. A row whose account the source does not know any more has
-- no row here, so that its notification is held. Nothing ends a care call but that: it is due until it is told.
with freshness as materialized (
  select case
    when not pg_is_in_recovery() then now()
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then now()
    else pg_last_xact_replay_timestamp()
  end as as_of
)
select
  r.subject::text        as subject,
  true                   as still_due,
  null::text             as reason,
  f.as_of::timestamptz   as as_of,
  r.account_no::text     as account_no,
  a.customer_name::text  as customer_name,
  coalesce(a.district, r.district)::text as district,
  o.section::text        as section,
  o.phone::text          as section_phone
from freshness f
cross join unnest(:subjects, :accounts, :districts) as r(subject, account_no, district)
cross join lateral (
  select min(s.customer_name) as customer_name, min(s.district) as district, count(*) as known
  from source.account s
  where s.account_no = r.account_no
) a
left join lateral (
  select min(s.section) as section, min(s.phone) as phone
  from source.office s
  where s.district = coalesce(a.district, r.district) and s.section = '業務組'
) o on true
where r.account_no is null or a.known > 0
