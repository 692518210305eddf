-- audience(now timestamptz, hours integer)
--
-- Who: every reconnection that was completed within the last `hours`. A supply that came back twice is told twice.
select
  c.case_no::text                                  as subject,
  ('completed ' || to_char(c.completed_at at time zone 'Asia/Taipei', 'YYYY-MM-DD HH24:MI'))::text as occasion,
  coalesce(c.account_no, c.case_no)::text          as account_no,
  c.applicant_name::text                           as customer_name,
  c.locale::text                                   as locale,
  c.phone::text                                    as phone,
  c.mobile::text                                   as mobile,
  c.email::text                                    as email,
  c.prefers::text                                  as prefers,
  c.district::text                                 as district,
  null::text                                       as exclude,
  null::text                                       as hold,
  (c.completed_at at time zone 'Asia/Taipei')::date as deadline
from source.supply_case c
where c.kind = 'reconnection'
  and c.completed_at > :now - make_interval(hours => :hours)
  and c.completed_at <= :now + interval '5 minutes'
  and c.cancelled_at is null
