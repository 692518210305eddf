-- name: ensure(name text, campaign text, cron text, params jsonb, next_at timestamptz)
insert into notifier.schedule (name, campaign, cron, params, next_at)
values (:name, :campaign, :cron, :params, :next_at)
on conflict (name) do update set campaign = excluded.campaign, params = excluded.params,
  cron = excluded.cron,
  next_at = case when schedule.cron = excluded.cron then schedule.next_at else excluded.next_at end;

-- What is due; and what fired at a moment yet to come, because the clock was set back since. A scheduler whose clock has
-- jumped is given nothing: it would open the run of another day. It finds out by itself only some seconds later.
-- name: due(now timestamptz, set_back timestamptz, real_now timestamptz)
select name, campaign, cron, params, policy, next_at, last_at, note from notifier.schedule
 where (next_at <= :now or last_at > :set_back)
   and :real_now between clock_timestamp() - interval '2 seconds' and clock_timestamp() + interval '2 seconds'
 order by next_at
   for update skip locked;

-- name: note(name text, next_at timestamptz, last_at timestamptz, note text)
update notifier.schedule set next_at = :next_at, last_at = :last_at, note = :note where name = :name;

-- name: list_schedules()
select name, campaign, cron, params, policy, next_at, last_at, note from notifier.schedule order by name;
