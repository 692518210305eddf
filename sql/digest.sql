-- Whoever is first has the moment; everybody else is given nothing. Older ones that were not sent are in it.
-- name: open(section text, moment timestamptz, now timestamptz)
with opened as (
  insert into notifier.digest (section, moment, state, due_at)
  values (:section, :moment, 'open', :now)
  on conflict (section, moment) do nothing
  returning id
), older as (
  update notifier.digest d set state = 'superseded', ended_at = :now
    from opened o
   where d.section = :section and d.state = 'open' and d.moment < :moment
     and (d.lease_until is null or d.lease_until <= :now)
)
select id from opened;

-- Overdue ones first, then what no mail has told yet.
-- name: to_list(section text, now timestamptz, most integer)
select id, campaign, subjects, account_no, district, action, value, standing, at, due_at, due_at < :now as overdue,
       mailed_at is null as new, claimed_by
  from notifier.reply
 where section = :section and closed_at is null
 order by due_at < :now desc, mailed_at is null desc, due_at, id
 limit :most;

-- name: count_open(section text, now timestamptz)
select count(*) as open, count(*) filter (where due_at < :now) as overdue,
       count(*) filter (where mailed_at is null) as new
  from notifier.reply
 where section = :section and closed_at is null;

-- name: write(digest bigint, replies bigint[], overdue integer, message jsonb)
update notifier.digest set replies = :replies, overdue = :overdue, message = :message where id = :digest;

-- name: close(digest bigint, state text, reason text, now timestamptz)
update notifier.digest set state = :state, reason = :reason, ended_at = :now, lease_until = null where id = :digest;

-- name: claim(sections text[], until timestamptz, now timestamptz)
update notifier.digest d set lease_until = :until, tries = d.tries + 1
 where d.id = (select o.id from notifier.digest o
                where o.state = 'open' and o.section = any (:sections) and o.due_at <= :now
                  and (o.lease_until is null or o.lease_until <= :now)
                order by o.due_at limit 1 for update skip locked)
returning d.id, d.section, d.moment, d.reference, d.replies, d.message, d.tries;

-- name: put_off(digest bigint, due_at timestamptz, reason text)
update notifier.digest set due_at = :due_at, reason = :reason, lease_until = null where id = :digest and state = 'open';

-- name: note_mailed(replies bigint[], now timestamptz)
update notifier.reply set mailed_at = :now where id = any (:replies) and mailed_at is null;

-- name: latest()
select distinct on (section) section, moment, state, reason, tries from notifier.digest
 order by section, moment desc;
