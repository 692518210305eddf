-- Who is left alone for a while, how often anybody may be contacted, and who decided so.

-- One switch: nobody of a district is contacted for these purposes until it is over. It ends by itself, or is ended. Rows
-- are kept: they say who set it, why, and who ended it.
create table notifier.suspension (
  id           bigint generated always as identity primary key,
  district     text,                             -- null: everywhere
  purposes     text[] not null,
  reason       text not null,
  since        timestamptz not null,
  until        timestamptz not null,
  set_by       text not null,
  ended_at     timestamptz,                      -- before its time
  ended_by     text,
  -- What is in the queue is moved by the keeper, in portions: as often as it was asked to, until it has.
  asked        integer not null default 1,
  carried_out  integer not null default 0,
  check (until > since),
  check ((ended_at is null) = (ended_by is null))
);

-- Why something is not sent yet although its turn has come, and by which suspension it was put off, and from when.
alter table notifier.queue
  add column because      text,
  add column put_off_by   bigint,
  add column put_off_from timestamptz;

-- How often a household was contacted in the last seven days, by attempt and purpose: {"<attempt>": "collection"}; of an
-- attempt by which no phone can have rung, "-collection". Changed only by whoever saw its last version, so that two
-- workers never count past each other.
create table notifier.household (
  key      bigint primary key,                   -- a hash of the telephone, or of the account of those who have none
  contacts jsonb not null,
  version  integer not null,                     -- rises with every change
  last_at  timestamptz not null                  -- of the newest contact; rows are deleted seven days later
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Of 15,000,000 households two share a key with a probability of 1 in 160,000: then they share a cap.
create function notifier.household_key(phone text, account_no text) returns bigint
  language sql immutable parallel safe as $$
  select hashtextextended(coalesce(phone, account_no), 0)
$$;

alter table notifier.suppression
  add column set_by         text,                -- null: the customer, or the provider
  add column undone_by      text,
  add column undone_because text;
create index suppression_address on notifier.suppression (address);

create or replace view notifier.standing as
select n.id,
       case
         when n.outcome is not null then 'settled'
         when n.held is not null then 'held'
         when f.attempt_id is not null then 'in_flight'
         when q.lease_until is not null then 'leased'
         else 'pending'
       end as state,
       q.channel, q.due_at, q.step, q.tries, q.because
  from notifier.notification n
  left join notifier.queue q on q.notification_id = n.id
  left join notifier.in_flight f on f.notification_id = n.id;

grant select, update on notifier.suspension to notifier_worker;
grant select, insert, update on notifier.suspension to notifier_scheduler;
grant select, insert, update, delete on notifier.household to notifier_worker, notifier_scheduler;
grant select, insert, update on notifier.suppression to notifier_web;
grant usage on all sequences in schema notifier to notifier_worker, notifier_scheduler;

-- What is known of a telephone by its calls: learnt by the keeper, some time after they ended.
create table notifier.number_memory (
  number       text primary key,                 -- E.164
  hours        integer not null,                 -- bit h: the customer picked up between h and h + 1, local time
  tries        integer not null,
  silent       integer not null,                 -- in a row by which nobody was reached, up to the last
  silent_since timestamptz,
  machine      boolean not null,                 -- of these, one was answered by a machine
  heard_at     timestamptz,                      -- when somebody last picked up
  bad          text,                             -- how a try ended that says the number is wrong: wrong_person, ...
  bad_since    timestamptz,
  last_at      timestamptz not null
) with (fillfactor = 80);
create index number_memory_bad on notifier.number_memory (number) where bad is not null or silent >= 5;
create index number_book_number on notifier.number_book (number) where number is not null;

-- Up to which moment attempts have been learnt from. One row, locked by whoever learns.
create table notifier.number_learning (learnt_to timestamptz);
insert into notifier.number_learning values (null);

grant select on notifier.number_memory to notifier_worker;
grant select, insert, update, delete on notifier.number_memory to notifier_scheduler;
grant select, update on notifier.number_learning to notifier_scheduler;
