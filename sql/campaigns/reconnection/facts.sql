-- facts(subjects text[], now timestamptz)
with freshness as materialized (
  select case
    when not pg_is_in_recovery() then now()
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then now()
    else pg_last_xact_replay_timestamp()
  end as as_of
)
select
  c.case_no::text                                  as subject,
  coalesce(c.completed_at <= :now + interval '5 minutes' and c.cancelled_at is null, false)::boolean as still_due,
  (case
     when c.cancelled_at is not null then 'case cancelled'
     when c.completed_at is null or c.completed_at > :now + interval '5 minutes' then 'not completed after all'
   end)::text                                      as reason,
  f.as_of::timestamptz                             as as_of,
  c.case_no::text                                  as case_no,
  (c.completed_at at time zone 'Asia/Taipei')::timestamp as completed_at,
  coalesce(nullif(btrim(c.section), ''), o.section)::text as section,
  coalesce(nullif(btrim(c.section_phone), ''), o.phone)::text as section_phone
from freshness f
cross join source.supply_case c
left join lateral (
  select min(s.section) as section, min(s.phone) as phone
  from source.office s
  where s.district = c.district and s.section = coalesce(nullif(btrim(c.section), ''), '業務組')
) o on true
where c.case_no = any(:subjects)
