-- By staff or another system; a ban that stands already is left as it is.
-- name: add(address text, purpose text, reason text, set_by text, now timestamptz)
with added as (
  insert into notifier.suppression (address, purpose, reason, since, set_by)
  values (:address, :purpose, :reason, :now, :set_by)
  on conflict (address, coalesce(purpose, '')) where undone_at is null do nothing
  returning id, address, purpose, reason, since, set_by, undone_at, undone_by, undone_because
)
select true as fresh, a.* from added a
union all
select false, s.id, s.address, s.purpose, s.reason, s.since, s.set_by, s.undone_at, s.undone_by, s.undone_because
  from notifier.suppression s
 where s.address = :address and s.purpose is not distinct from :purpose and s.undone_at is null;

-- Whoever undoes one says who he is and why; the row stays.
-- name: undo(suppression bigint, undone_by text, undone_because text, now timestamptz)
update notifier.suppression
   set undone_at = :now, undone_by = :undone_by, undone_because = :undone_because
 where id = :suppression and undone_at is null
returning id, address, purpose, reason, since, set_by, undone_at, undone_by, undone_because;

-- name: standing(purpose text, after bigint, most integer)
select id, address, purpose, reason, since, set_by, undone_at, undone_by, undone_because
  from notifier.suppression
 where undone_at is null and (:purpose is null or purpose is null or purpose = :purpose) and (:after = 0 or id < :after)
 order by id desc
 limit :most;

-- name: history(address text)
select id, address, purpose, reason, since, set_by, undone_at, undone_by, undone_because
  from notifier.suppression where address = :address order by id desc;
