-- What customers answer, and where it goes.

-- One answer of one customer: a key that asks the office for something, or chooses. Written in the transaction that
-- applies the receipt of the key, together with its row in outbox.
create table notifier.reply (
  id              bigint generated always as identity primary key,
  attempt_id      uuid not null unique,          -- one call, one answer: a later word of the same call corrects nothing
  notification_id bigint not null,
  run_id          bigint not null,
  campaign        text not null,
  subjects        text[] not null,               -- the bills or cases the call was about
  account_no      text,
  district        text,
  section         text not null,                 -- who is to act on it
  action          text not null,
  value           text,                          -- what was chosen: a day, morning or afternoon
  key             text not null,
  standing        text not null check (standing in ('holds', 'not_offered', 'unchecked')),  -- by the facts, at that moment
  at              timestamptz not null,
  due_at          timestamptz not null,          -- until when somebody should have acted on it
  claimed_by      text,
  claimed_at      timestamptz,
  closed_by       text,
  closed_at       timestamptz,
  note            text                           -- how it was closed, in the words of who closed it
);
create index reply_open on notifier.reply (section, due_at) where closed_at is null;
create index reply_account on notifier.reply (account_no);
create index reply_notification on notifier.reply (notification_id);

-- What the world outside is told, in the order in which it happened. A row here is committed with what it tells of.
create table notifier.outbox (
  id         bigint generated always as identity primary key,
  event_id   uuid not null unique default gen_random_uuid(),  -- the same in every delivery and replay
  type       text not null,                      -- 'reply.received', ...
  subject    text not null,                      -- its order is kept
  data       jsonb not null,                     -- no telephone, no address, no name
  at         timestamptz not null
);
create index outbox_subject on notifier.outbox (subject, id);

-- "I have paid", "I will pay by then", "may I pay later": until then no reminder of this bill.
alter table notifier.posting_hold add column reason text not null default 'already_paid';

-- What each key of the call offered, as it was told: the days that were proposed are part of a case's history.
alter table notifier.attempt add column offered jsonb;

grant select, insert, update on notifier.reply to notifier_worker, notifier_scheduler;
grant select, insert on notifier.outbox to notifier_worker, notifier_scheduler;
grant usage on all sequences in schema notifier to notifier_worker, notifier_scheduler;
