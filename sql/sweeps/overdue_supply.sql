-- overdue_supply(now timestamptz)
--
-- Agreed supply dates that have passed, whether anybody reported it or not: one event for each date.
select
  'case.overdue'::text                             as type,
  c.case_no::text                                  as subject,
  c.agreed_on::text                                as occasion
from source.supply_case c
where c.agreed_on < (:now at time zone 'Asia/Taipei')::date
  and c.completed_at is null
  and c.cancelled_at is null
  and c.kind is distinct from 'complaint'
