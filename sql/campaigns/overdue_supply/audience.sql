-- audience(now timestamptz, district text)
--
-- Who: every case whose agreed supply date has passed and that is neither completed nor cancelled. The agreed date is the
-- occasion: the same delay is told once, however often it is reported; a date agreed anew that slips again is another.
-- A new customer has no account yet: the case stands in its place. `district` null or '' means all.
select
  c.case_no::text                                  as subject,
  ('agreed ' || c.agreed_on)::text                 as occasion,
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
  (:now at time zone 'Asia/Taipei')::date          as deadline
from source.supply_case c
where c.agreed_on < (:now at time zone 'Asia/Taipei')::date
  and c.completed_at is null
  and c.cancelled_at is null
  and c.kind is distinct from 'complaint'
  and (coalesce(:district, '') = '' or c.district = :district)
