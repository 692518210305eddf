-- audience(now timestamptz, accounts text[])
--
-- Where the accounts of an uploaded list are found: one row per account that the source knows. Rows of the list that
-- have no account, and what the list itself says of anybody, never come here: the planner adds them (planner.sql,
-- stage_list). Of an account that stands twice, the row with a mobile counts, then the one with a telephone.
select
  a.account_no::text     as subject,
  'account'::text        as occasion,
  a.account_no::text     as account_no,
  a.customer_name::text  as customer_name,
  a.locale::text         as locale,
  a.phone::text          as phone,
  a.mobile::text         as mobile,
  a.email::text          as email,
  a.prefers::text        as prefers,
  a.district::text       as district,
  null::text             as exclude,
  null::text             as hold,
  (:now at time zone 'Asia/Taipei')::date as deadline
from (
  select distinct on (s.account_no) s.*
  from source.account s
  where s.account_no = any(:accounts)
  order by s.account_no, s.mobile is null, s.phone is null, s.email is null, s.mobile, s.phone
) a
