-- Lists that the office uploads: whom a care call goes to, and what its words may say. Personal data from end to end:
-- dropping a list erases its rows, and keeps that there was one.
create table notifier.list (
  id           bigint generated always as identity primary key,
  name         text not null,
  digest       bytea not null,                   -- SHA-256 of the file: the same content under the same name is one list
  columns      jsonb not null,                   -- [{"name": "day", "title": "日期", "cells": 3, "dates": 3, "numbers": 0}]
  district     text,                             -- whose office answers where a row has no account
  taken        integer not null,
  bad          integer not null,
  uploaded_at  timestamptz not null,
  dropped_at   timestamptz
);
create unique index list_name on notifier.list (name) where dropped_at is null;

-- One row of the file, by its line there. A bad one is kept with the reason, and told nobody.
create table notifier.list_row (
  list_id     bigint not null,
  line        integer not null,
  account_no  text,
  telephone   text,                              -- E.164; null where there is an account: the source knows its addresses
  locale      text,
  cells       jsonb not null,                    -- name -> {"text": as it stands, "date": ..., "number": ...} as it reads
  reason      text,                              -- why it is bad
  primary key (list_id, line),
  check (reason is not null or (account_no is null) <> (telephone is null))
);

grant select, insert, update on notifier.list to notifier_scheduler;
grant select, insert, delete on notifier.list_row to notifier_scheduler;
grant select on notifier.list, notifier.list_row to notifier_worker;
grant usage on all sequences in schema notifier to notifier_scheduler;
