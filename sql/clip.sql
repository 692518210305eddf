-- name: made(keys bytea[])
select key from notifier.clip where key = any (:keys) and audio is not null;

-- name: audio(keys bytea[])
select key, audio from notifier.clip where key = any (:keys) and audio is not null;

-- name: sizes(keys bytea[])
select key, octet_length(audio) as size from notifier.clip where key = any (:keys) and audio is not null;

-- Whoever enters a clip first makes it; a maker that died loses it after its time. In the order of the keys, so that two
-- makers with overlapping wishes never wait for each other in turn.
-- name: claim(keys bytea[], engine text, locales text[], slow boolean[], words text[], maker bigint, now timestamptz, until timestamptz)
insert into notifier.clip as c (key, engine, locale, slow, words, maker, until)
select w.key, :engine, w.locale, w.slow, w.words, :maker, :until
  from unnest(:keys, :locales, :slow, :words) as w(key, locale, slow, words)
 order by w.key
on conflict (key) do update set maker = excluded.maker, until = excluded.until
  where c.audio is null and c.until < :now
returning key;

-- name: keep(keys bytea[], audio bytea[], maker bigint, now timestamptz)
update notifier.clip c set audio = k.audio, made_at = :now, maker = null, until = null
  from unnest(:keys, :audio) as k(key, audio)
 where c.key = k.key and c.maker = :maker
returning c.key;

-- What could not be made is nobody's again.
-- name: give_up(keys bytea[], maker bigint)
delete from notifier.clip where key = any (:keys) and maker = :maker and audio is null;

-- name: seal(name text)
select value from notifier.seal where name = :name;
