#!/bin/sh
# Run by the postgres image when its volume is new: the databases, their owner, and a log-in per kind of process.
# What each may do hangs on the group roles, and those get their grants from the migrations. The passwords are read by
# psql itself, so that no list of processes shows them.
set -eu
export SECRETS="${SECRETS:-/run/secrets}"
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set owner_password `cat "$SECRETS/owner_password"`
\set web_password `cat "$SECRETS/web_password"`
\set worker_password `cat "$SECRETS/worker_password"`
\set scheduler_password `cat "$SECRETS/scheduler_password"`
\set source_password `cat "$SECRETS/source_password"`
\set district_password `cat "$SECRETS/district_password"`

create role notifier_web nologin;
create role notifier_worker nologin;
create role notifier_scheduler nologin;
create role notifier_source_reader nologin;
create role notifier_case_reader nologin;

-- CREATEROLE because the migrations and sql/source/reader.sql say `create role` first and then find it made.
create role notifier_owner login createrole password :'owner_password';
create role notifier_web_login login password :'web_password' in role notifier_web;
create role notifier_worker_login login password :'worker_password' in role notifier_worker;
create role notifier_scheduler_login login password :'scheduler_password' in role notifier_scheduler;
create role notifier_source_login login password :'source_password' in role notifier_source_reader;
alter role notifier_source_login set default_transaction_read_only = on;

create database notifier owner notifier_owner;
revoke all on database notifier from public;
grant connect on database notifier to notifier_web, notifier_worker, notifier_scheduler, notifier_case_reader;

-- The make-believe utility of the profile `sandbox`; it stays empty where a real one is read.
create role district_owner login createrole password :'district_password';
create database district owner district_owner;
revoke all on database district from public;
grant connect on database district to notifier_source_reader;
SQL
