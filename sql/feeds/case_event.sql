-- case_events(after bigint, known bigint[], most integer)
--
-- What has become visible above `after`, but for what is known already: of 10,000 ids read again at every turn, only
-- those that are new travel. A join, since "not any" is hashed by PostgreSQL 15 and later only.
select
  e.event_id::bigint         as event_id,
  e.type::text               as type,
  e.subject::text            as subject,
  e.occurred_at::timestamptz as occurred_at
from source.case_event e
where e.event_id > :after
  and not exists (select from unnest(:known) as k(event_id) where k.event_id = e.event_id)
order by e.event_id
limit :most
