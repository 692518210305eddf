-- reconnection(now timestamptz, closes time, warning interval)
--
-- Reconnections asked for and not done: at risk `warning` before the office closes, handed over to the crew on duty when it
-- has closed, and again every half hour until somebody has taken it over; and those done that nobody reported. Cases older
-- than three days are on the overdue list, not here.
with moment as (
  select (:now at time zone 'Asia/Taipei') as local, (:now at time zone 'Asia/Taipei')::date as day
), waiting as (
  select c.case_no, m.local, m.day,
         to_char(date_bin('30 minutes', m.local, timestamp '2000-01-01'), 'YYYY-MM-DD HH24:MI') as slot
    from source.supply_case c, moment m
   where c.kind = 'reconnection'
     and c.completed_at is null
     and c.cancelled_at is null
     and c.accepted_at <= :now
     and c.accepted_at > :now - interval '3 days'
)
select 'case.same_day_at_risk'::text as type, w.case_no::text as subject, w.day::text as occasion
  from waiting w
 where w.local::time >= :closes - :warning and w.local::time < :closes
union all
select 'case.handed_over'::text, w.case_no::text, w.slot::text
  from waiting w
 where w.local::time >= :closes or w.local::time < time '08:00'
union all
select 'case.completed'::text, c.case_no::text, to_char(c.completed_at at time zone 'Asia/Taipei', 'YYYY-MM-DD HH24:MI')
  from source.supply_case c
 where c.kind = 'reconnection'
   and c.completed_at > :now - interval '2 hours'
   and c.completed_at <= :now
   and c.cancelled_at is null
