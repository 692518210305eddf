-- newest_case_event()
select max(e.event_id)::bigint as event_id from source.case_event e
