-- What happened elsewhere and may concern a customer: told to us over HTTP, or read from source.case_event. Of an event
-- nothing is kept but what it is about: what is true is asked of the source, not of whoever reports it.
-- Rows of the closed states may be deleted from the left of event_closed, in portions, whenever they are old enough: one
-- that comes again after that is handled again, and finds its occasion told.
create table notifier.event (
  id           bigint generated always as identity primary key,  -- in the order of arrival: inserts take turns
  source       text not null,
  event_id     text not null,
  type         text,
  subject      text,
  occurred_at  timestamptz,                      -- as its source says; nothing hangs on it
  received_at  timestamptz not null,             -- real time: facts older than that do not know of it
  state        text not null check (state in ('pending', 'handled', 'ignored', 'refused')),
  effects      jsonb not null default '{}',      -- campaign -> what it came to there
  reason       text,                             -- why it was ignored or refused
  waiting_for  text,                             -- what keeps it from being handled, while that lasts
  handled_at   timestamptz,                      -- real time
  copies       integer not null default 1        -- how often it was sent to us
) with (fillfactor = 80);
create unique index event_once on notifier.event (source, event_id) where state <> 'refused';
create unique index event_refused on notifier.event (source, event_id, reason) where state = 'refused';
create index event_pending on notifier.event (id) where state = 'pending';
-- Beside event_subject, which a backlog that has no statistics yet would be joined by: 100,000 events, minutes a portion.
create index event_turn on notifier.event (subject, id) where state = 'pending';
create index event_subject on notifier.event (subject, id);
create index event_closed on notifier.event (received_at) where state <> 'pending';

-- How far an append-only view of the source has been read.
create table notifier.feed (
  name          text primary key,
  highest       bigint,                          -- id seen so far; null: never read
  floor         bigint,                          -- what was the highest at least ten minutes ago
  next_floor    bigint,                          -- ... and what will be the floor when it is as old
  next_floor_at timestamptz,                     -- real time
  read_at       timestamptz,                     -- real time of the last reading
  waiting_for   text
);
insert into notifier.feed (name) values ('source.case_event');

-- Who may send us events. A key has 256 random bits, so that a plain hash of it can be kept.
create table notifier.api_key (
  id         bigint generated always as identity primary key,
  name       text not null,
  hash       bytea not null unique,              -- SHA-256
  made_at    timestamptz not null,
  used_at    timestamptz,                        -- to the minute
  revoked_at timestamptz
);
create unique index api_key_name on notifier.api_key (name) where revoked_at is null;

-- A run that events add to, day by day: until then it is not over, however empty its queue.
alter table notifier.run add column accepts_until timestamptz;
-- The real time of the event that asked for it: facts that are older do not know of it.
alter table notifier.notification add column triggered_at timestamptz;

grant select, insert on notifier.event to notifier_web;
grant update (copies) on notifier.event to notifier_web;
grant select on notifier.api_key to notifier_web;
grant update (used_at) on notifier.api_key to notifier_web;
grant select, insert, update, delete on notifier.event to notifier_worker, notifier_scheduler;
grant select, update on notifier.feed to notifier_worker;
grant select on notifier.feed to notifier_scheduler;
grant select, insert, update on notifier.api_key to notifier_scheduler;
