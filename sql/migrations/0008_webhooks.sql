-- Where answers go: to other systems by webhook, to the sections by mail, to the case system by a view.

-- Who is told of what goes into outbox.
create table notifier.subscriber (
  id              bigint generated always as identity primary key,
  name            text not null,
  url             text not null,
  secret          text not null,                 -- whsec_...; each delivery is signed with it, so no hash would do
  types           text[],                        -- null: every type
  made_at         timestamptz not null,
  failures        integer not null default 0,    -- deliveries that failed one after another
  failing_since   timestamptz,
  answer          text,                          -- what the last of them came to
  retry_at        timestamptz,                   -- nothing is sent to it before
  disabled_at     timestamptz,
  disabled_reason text,
  removed_at      timestamptz,
  check ((disabled_at is null) = (disabled_reason is null))
);
create unique index subscriber_name on notifier.subscriber (name) where removed_at is null;

-- A row of outbox becomes deliveries once. Its id does not say whether it has: ids become visible in another order.
alter table notifier.outbox add column spread_at timestamptz;
create index outbox_unspread on notifier.outbox (id) where spread_at is null;

-- One event for one subscriber. What a subscriber is told of one subject is one line: of it the lowest turn that is open
-- goes out, and the others wait. The line is a column of its own so that there is one index only to look it up by: of
-- several that begin with the subscriber, a database without statistics takes any, and looks through 300,000 for each.
create sequence notifier.delivery_turn;
create table notifier.delivery (
  id            bigint generated always as identity primary key,
  subscriber_id bigint not null,
  outbox_id     bigint not null,
  subject       text not null,
  line          text not null generated always as (subscriber_id::text || ' ' || subject) stored,
  turn          bigint not null default nextval('notifier.delivery_turn'),  -- a replay takes a new one
  state         text not null check (state in ('open', 'delivered', 'dead')),
  tries         smallint not null default 0,
  since         timestamptz not null,            -- waits since; also after a replay
  due_at        timestamptz not null,
  lease_owner   bigint,
  lease_until   timestamptz,
  answer        text,                            -- what the last try came to
  tried_at      timestamptz,
  ended_at      timestamptz,
  reason        text,                            -- why it is dead
  unique (subscriber_id, outbox_id)
) with (fillfactor = 70);
create index delivery_due on notifier.delivery (subscriber_id, due_at, turn) where state = 'open';
create index delivery_line on notifier.delivery (line, turn) where state = 'open';
create index delivery_since on notifier.delivery (subscriber_id, since) where state = 'open';
create index delivery_leased on notifier.delivery (subscriber_id) where lease_until is not null;
create index delivery_dead on notifier.delivery (subscriber_id) where state = 'dead';

-- Who has claimed, closed or put back an answer: the row of the answer itself knows only the last of each.
create table notifier.reply_move (
  id       bigint generated always as identity primary key,
  reply_id bigint not null,
  move     text not null check (move in ('claimed', 'closed', 'reopened')),
  by       text not null,
  note     text,
  at       timestamptz not null
);
create index reply_move_reply on notifier.reply_move (reply_id, id);

-- A section's open answers by mail: once for each moment of the schedule, whoever keeps it.
create table notifier.digest (
  id          bigint generated always as identity primary key,
  section     text not null,
  moment      timestamptz not null,
  reference   uuid not null default gen_random_uuid(),  -- makes the Message-ID: a repeat is the same mail
  state       text not null check (state in ('open', 'sent', 'nothing_new', 'refused', 'superseded')),
  replies     bigint[] not null default '{}',    -- which answers it lists
  overdue     integer not null default 0,
  message     jsonb,                             -- the exact words: account numbers are masked in them
  tries       smallint not null default 0,
  due_at      timestamptz not null,
  lease_until timestamptz,
  reason      text,                              -- why it is not sent
  ended_at    timestamptz,
  unique (section, moment)
);
create index digest_open on notifier.digest (due_at) where state = 'open';
alter table notifier.reply add column mailed_at timestamptz;  -- first listed in a digest that was sent

-- What the case system may read of answers.
create view notifier.answer as
select r.id, r.campaign, r.subjects, r.account_no, r.district, r.section, r.action, r.value, r.standing, r.at, r.due_at,
       case when r.closed_at is not null then 'closed' when r.claimed_at is not null then 'claimed' else 'open' end
         as state,
       r.claimed_by, r.claimed_at, r.closed_by, r.closed_at, r.note
  from notifier.reply r;

do $$
begin
  create role notifier_case_reader nologin;
exception when duplicate_object or unique_violation then
  null;  -- roles belong to the server: another database of it has made this one
end
$$;
grant usage on schema notifier to notifier_case_reader;
grant select on notifier.answer to notifier_case_reader;

grant select, update on notifier.subscriber to notifier_worker;
grant select, insert, update on notifier.subscriber to notifier_scheduler;
grant select, insert, update on notifier.delivery to notifier_worker, notifier_scheduler;
grant update (spread_at) on notifier.outbox to notifier_worker;
grant select, insert on notifier.reply_move to notifier_scheduler;
grant select, insert, update on notifier.digest to notifier_scheduler;
grant select on notifier.answer to notifier_scheduler;
grant usage on all sequences in schema notifier to notifier_worker, notifier_scheduler;
