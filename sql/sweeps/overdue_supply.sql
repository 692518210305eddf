-- overdue_supply(now timestamptz)
--
-- Agreed supply dates that have passed, whether anybody reported it or not: one event a day for each. What was told is not
-- told again; what was not, because it expired or its run was cancelled, is asked for anew.
select
  'case.overdue'::text                             as type,
  c.case_no::text                                  as subject,
  (c.agreed_on || ' on ' || (:now at time zone 'Asia/Taipei')::date)::text as occasion
from source.supply_case c
where c.agreed_on < (:now at time zone 'Asia/Taipei')::date
  and c.completed_at is null
  and c.cancelled_at is null
  and c.kind is distinct from 'complaint'
