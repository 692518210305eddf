-- The role that reads the source: SELECT on the seven contract views and nothing else. It cannot log in; grant it to
-- the login the notifier uses. Run again whenever you like, also for several databases of one server at once: the role
-- belongs to the server, the grants to the database.

do $$
begin
  create role notifier_source_reader nologin;
  alter role notifier_source_reader set default_transaction_read_only = on;
exception
  -- Two installations at the same moment meet at the unique index of pg_authid.
  when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema source to notifier_source_reader;

grant select on
  source.account, source.bill, source.supply_case, source.outage, source.office, source.meter_reading, source.case_event
to notifier_source_reader;
