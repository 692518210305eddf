-- overdue_cases(now timestamptz, section text, district text, stages text[], stage_days integer[], most integer)
--
-- Cases that are late, the latest first: past their agreed supply date, past the standard time limit of their kind, or
-- longer in a stage than that may take. `why` holds each that applies.
with today as (select (:now at time zone 'Asia/Taipei')::date as day), open_cases as (
  select c.case_no, c.kind, c.district, c.section, c.stage, c.agreed_on, c.due_on,
         (t.day - (c.stage_since at time zone 'Asia/Taipei')::date) as days_in_stage,
         l.days as stage_limit,
         t.day - c.agreed_on as past_agreed, t.day - c.due_on as past_due
    from source.supply_case c
   cross join today t
    left join unnest(:stages, :stage_days) as l(stage, days) on l.stage = c.stage
   where c.completed_at is null and c.cancelled_at is null
     and (:section = '' or c.section = :section)
     and (:district = '' or c.district = :district)
), judged as (
  select o.*, array_remove(array[
           case when o.past_agreed > 0 then 'agreed' end,
           case when o.past_due > 0 then 'limit' end,
           case when o.days_in_stage > o.stage_limit then 'stage' end], null) as why
    from open_cases o
)
select j.case_no, j.kind, j.district, j.section, j.stage, j.days_in_stage, j.stage_limit, j.agreed_on, j.due_on,
       greatest(j.past_agreed, j.past_due, j.days_in_stage - j.stage_limit) as days_late, j.why
  from judged j
 where j.why <> '{}'
 order by days_late desc, j.case_no
 limit :most
