-- name: add(name text, hash bytea, now timestamptz)
insert into notifier.api_key (name, hash, made_at) values (:name, :hash, :now)
on conflict (name) where revoked_at is null do nothing
returning id;

-- name: find(hash bytea)
select name, used_at from notifier.api_key where hash = :hash and revoked_at is null;

-- Written once a minute, not at every request.
-- name: note_use(hash bytea, now timestamptz)
update notifier.api_key set used_at = :now
 where hash = :hash and (used_at is null or used_at < :now - interval '1 minute');

-- name: revoke(name text, now timestamptz)
update notifier.api_key set revoked_at = :now where name = :name and revoked_at is null;

-- name: list_keys()
select name, made_at, used_at, revoked_at from notifier.api_key order by revoked_at is not null, name, made_at;
