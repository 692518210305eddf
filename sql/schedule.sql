-- name: ensure(name text, campaign text, cron text, params jsonb, next_at timestamptz)
insert into notifier.schedule (name, campaign, cron, params, next_at)
values (:name, :campaign, :cron, :params, :next_at)
on conflict (name) do update set campaign = excluded.campaign, params = excluded.params,
  cron = excluded.cron,
  next_at = case when schedule.cron = excluded.cron then schedule.next_at else excluded.next_at end;

-- name: due(now timestamptz)
select name, campaign, cron, params, policy, next_at from notifier.schedule where next_at <= :now order by next_at
   for update skip locked;

-- name: fired(name text, next_at timestamptz, last_at timestamptz, note text)
update notifier.schedule set next_at = :next_at, last_at = :last_at, note = :note where name = :name;

-- name: list_schedules()
select name, campaign, cron, params, policy, next_at, last_at, note from notifier.schedule order by name;
