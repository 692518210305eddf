-- One group role per kind of process; log-in roles are made members of them by whoever installs.
do $$
declare
  role text;
begin
  foreach role in array array['notifier_web', 'notifier_worker', 'notifier_scheduler', 'notifier_source_reader'] loop
    begin
      execute format('create role %I nologin', role);
    exception when duplicate_object or unique_violation then
      null;  -- roles belong to the server: another database of it has made them
    end;
  end loop;
end
$$;

grant usage on schema notifier to notifier_web, notifier_worker, notifier_scheduler;
grant select on public.notifier_migration to notifier_web, notifier_worker, notifier_scheduler;

-- Web takes callbacks in: it reads what an attempt said and writes receipts, nothing else.
grant select on notifier.attempt, notifier.run, notifier.budget to notifier_web;
grant select, insert, update on notifier.receipt to notifier_web;

-- Workers plan, send and record; schedulers open runs, look after what is silent, and alone keep the timetable.
grant select, insert, update, delete on all tables in schema notifier to notifier_worker, notifier_scheduler;
revoke insert, update, delete on notifier.schedule from notifier_worker;
grant usage on all sequences in schema notifier to notifier_worker, notifier_scheduler;
grant maintain on notifier.notification, notifier.queue, notifier.audience to notifier_worker;

revoke execute on function notifier.ensure_partitions(timestamptz) from public;
grant execute on function notifier.ensure_partitions(timestamptz)
  to notifier_web, notifier_worker, notifier_scheduler;
