-- facts(subjects text[], now timestamptz)
--
-- Where these cases stand now. A case without a stage is told as it is being worked on; one without a section of its own
-- is answered for by the district's office.
with freshness as materialized (
  select case
    when not pg_is_in_recovery() then now()
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then now()
    else pg_last_xact_replay_timestamp()
  end as as_of
)
select
  c.case_no::text                                  as subject,
  coalesce(c.completed_at is null and c.cancelled_at is null and c.agreed_on < today.day, false)::boolean as still_due,
  (case
     when c.cancelled_at is not null then 'case cancelled'
     when c.completed_at is not null then 'supplied on ' || (c.completed_at at time zone 'Asia/Taipei')::date
     when c.agreed_on is null then 'no supply date is agreed'
     when c.agreed_on >= today.day then 'agreed anew for ' || c.agreed_on
   end)::text                                      as reason,
  f.as_of::timestamptz                             as as_of,
  c.case_no::text                                  as case_no,
  c.agreed_on::date                                as agreed_on,
  coalesce(nullif(btrim(c.stage), ''), '處理')::text as stage,
  (c.stage_since at time zone 'Asia/Taipei')::timestamp as stage_since,
  c.delay_reason::text                             as delay_reason,
  c.proposed_dates::date[]                         as proposed_dates,
  coalesce(nullif(btrim(c.section), ''), o.section)::text as section,
  coalesce(nullif(btrim(c.section_phone), ''), o.phone)::text as section_phone
from freshness f
cross join source.supply_case c
cross join lateral (select (:now at time zone 'Asia/Taipei')::date as day) today
left join lateral (
  select min(s.section) as section, min(s.phone) as phone
  from source.office s
  where s.district = c.district and s.section = coalesce(nullif(btrim(c.section), ''), '業務組')
) o on true
where c.case_no = any(:subjects)
