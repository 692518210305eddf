-- audience(now timestamptz)
--
-- Who: the crew on duty for each reconnection that was asked for and is not done. The recipient is a colleague: the
-- telephone and the address are those of the contract view `office`. Each half hour is an occasion of its own, so that
-- whoever did not answer is asked again. A district without a crew on duty is listed with the reason.
select
  c.case_no::text                                  as subject,
  ('waiting ' || to_char(date_bin('30 minutes', :now at time zone 'Asia/Taipei', timestamp '2000-01-01'),
                         'YYYY-MM-DD HH24:MI'))::text as occasion,
  coalesce(c.account_no, c.case_no)::text          as account_no,
  null::text                                       as customer_name,
  'zh-TW'::text                                    as locale,
  null::text                                       as phone,
  o.duty_phone::text                               as mobile,
  o.duty_email::text                               as email,
  null::text                                       as prefers,
  c.district::text                                 as district,
  (case when o.duty_phone is null and o.duty_email is null then 'no_duty_crew' end)::text as exclude,
  null::text                                       as hold,
  (:now at time zone 'Asia/Taipei')::date          as deadline
from source.supply_case c
left join lateral (
  select min(s.duty_phone) as duty_phone, min(s.duty_email) as duty_email
  from source.office s
  where s.district = c.district
) o on true
where c.kind = 'reconnection'
  and c.completed_at is null
  and c.cancelled_at is null
  and c.accepted_at <= :now
  and c.accepted_at > :now - interval '3 days'
