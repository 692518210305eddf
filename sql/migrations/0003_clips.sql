-- Recorded words. A clip is found by what was asked for, never by its sound: the same text gives other bytes each time.
create table notifier.clip (
  key      bytea primary key,                    -- HMAC of engine, voice, version, locale, pace and words
  engine   text not null,
  locale   text not null,
  slow     boolean not null,
  words    text,                                 -- null when they belong to one customer
  audio    bytea,                                -- 8 kHz mono G.711 mu-law without a header; null while it is being made
  maker    bigint,                               -- who is making it
  until    timestamptz,                          -- ... and when somebody else may
  made_at  timestamptz
);
alter table notifier.clip alter column audio set storage external;  -- mu-law does not compress, and is read by the part

-- Keys that belong to this database alone: clip keys and audio addresses are made with them, so that nobody can guess
-- one. 244 random bits.
create table notifier.seal (
  name   text primary key,
  value  bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
insert into notifier.seal (name) values ('audio');

grant select on notifier.clip, notifier.seal to notifier_web;
grant select, insert, update, delete on notifier.clip to notifier_worker, notifier_scheduler;
grant select on notifier.seal to notifier_worker, notifier_scheduler;
