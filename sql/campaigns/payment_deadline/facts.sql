-- facts(subjects text[], now timestamptz)
--
-- What is true now for these bills: one row per bill that is known together with its account. A bill without an amount,
-- or whose account the source does not show, has no row, so that its notification is held: it must not pass for paid.
-- Duplicate account rows are folded; if they disagree, autopay in any of them spares the customer.
with freshness as materialized (
  -- A replica that has replayed all it received is as fresh as now, but only while it is receiving: a broken stream has
  -- nothing left to replay either.
  select case
    when not pg_is_in_recovery() then now()
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then now()
    else pg_last_xact_replay_timestamp()
  end as as_of
)
select
  b.bill_no::text        as subject,
  coalesce(b.paid_at is null and owed.amount > 0 and not a.autopay, false)::boolean as still_due,
  (case
     when b.paid_at is not null then 'paid at ' || left(paid.local::time::text, 5)
       || case when paid.local::date = (:now at time zone 'Asia/Taipei')::date then '' else ' on ' || paid.local::date end
     when owed.amount <= 0 then 'nothing owed'
     when a.autopay then 'autopay'
   end)::text            as reason,
  f.as_of::timestamptz   as as_of,
  b.bill_no::text        as bill_no,
  b.account_no::text     as account_no,
  a.customer_name::text  as customer_name,
  b.period::text         as period,
  owed.amount::numeric   as amount,
  b.due_on::date         as due_on,
  a.district::text       as district,
  o.section::text        as section,
  o.phone::text          as section_phone
from freshness f
cross join source.bill b
cross join lateral (select b.amount - coalesce(b.paid, 0) as amount) owed
cross join lateral (select b.paid_at at time zone 'Asia/Taipei' as local) paid
cross join lateral (
  select
    min(s.customer_name) as customer_name,
    min(s.district) as district,
    coalesce(bool_or(s.autopay), false) as autopay
  from source.account s
  where s.account_no = b.account_no
  having count(*) > 0
) a
left join lateral (
  select min(s.section) as section, min(s.phone) as phone
  from source.office s
  where s.district = a.district and s.section = '電費組'
) o on true
where b.bill_no = any(:subjects)
  and owed.amount is not null
