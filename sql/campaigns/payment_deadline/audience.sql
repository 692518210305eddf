-- audience(now timestamptz, days integer, district text)
--
-- Who: every unpaid bill that falls due from today to `days` days on, both included, of accounts that are not debited
-- by a bank. `district` null or '' means all. A bill that cannot be told (see `exclude`) is listed with the reason
-- rather than left out, so that the run adds up. Rows repeat where the account view repeats: the planner merges them.
--
-- The coalesce changes no row. A bare "is null" on a computed column is taken to keep one row in 200, where nearly all
-- are kept; the nested loops chosen for it took 11 s for 1,000,000 bills of the sample source instead of 5 to 7.
select
  b.bill_no::text        as subject,
  'deadline'::text       as occasion,
  b.account_no::text     as account_no,
  a.customer_name::text  as customer_name,
  a.locale::text         as locale,
  a.phone::text          as phone,
  a.mobile::text         as mobile,
  a.email::text          as email,
  a.prefers::text        as prefers,
  a.district::text       as district,
  (case
     when b.amount - coalesce(b.paid, 0) = 0 then 'nothing_owed'
     when b.amount - coalesce(b.paid, 0) < 0 then 'negative_amount'
     when b.account_no is null or b.account_no !~ '^[0-9]{11}$' then 'no_account_no'
   end)::text            as exclude,
  (case when a.life_support then 'life_support' end)::text as hold,
  b.due_on::date         as deadline
from source.bill b
left join source.account a on a.account_no = b.account_no
where b.due_on >= (:now at time zone 'Asia/Taipei')::date
  and b.due_on <= (:now at time zone 'Asia/Taipei')::date + :days
  and coalesce(b.paid_at is null, true)
  and a.autopay is not true
  and (coalesce(:district, '') = '' or a.district = :district)
