-- Not closed ones first come, first served: the nearest deadline is the first.
-- name: list_answers(section text, states text[], overdue_at timestamptz, most integer)
select id, campaign, subjects, account_no, district, section, action, value, standing, at, due_at, state, claimed_by,
       claimed_at, closed_by, closed_at, note
  from notifier.answer
 where (:section = '' or section = :section) and state = any (:states)
   and (:overdue_at is null or (state <> 'closed' and due_at < :overdue_at))
 order by state = 'closed', due_at, id
 limit :most;

-- name: find(reply bigint)
select id, campaign, subjects, account_no, district, section, action, value, standing, at, due_at, state, claimed_by,
       claimed_at, closed_by, closed_at, note
  from notifier.answer where id = :reply;

-- name: history(reply bigint)
select move, by, note, at from notifier.reply_move where reply_id = :reply order by id;

-- One who claims, closes or puts back, the trace of it, and what the world outside is told, or none of the three. Of two
-- at the same moment the second finds nothing to move. No name and no note goes out: those are read in the view.
-- name: move(reply bigint, move text, by text, note text, now timestamptz)
with moved as (
  update notifier.reply r
     set claimed_by = case :move when 'claimed' then :by when 'reopened' then null else r.claimed_by end,
         claimed_at = case :move when 'claimed' then :now when 'reopened' then null else r.claimed_at end,
         closed_by = case when :move = 'closed' then :by end,
         closed_at = case when :move = 'closed' then :now end,
         note = case when :move = 'closed' then :note end
   where r.id = :reply
     and case :move
           when 'claimed' then r.claimed_at is null and r.closed_at is null
           when 'closed' then r.closed_at is null
           else r.claimed_at is not null or r.closed_at is not null
         end
  returning r.*
), traced as (
  insert into notifier.reply_move (reply_id, move, by, note, at)
  select m.id, :move, :by, :note, :now from moved m
), told as (
  insert into notifier.outbox (type, subject, data, at)
  select 'reply.' || :move, coalesce(m.subjects[1], m.account_no, m.id::text),
         jsonb_build_object('reply', m.id, 'campaign', m.campaign, 'subjects', m.subjects, 'section', m.section,
                            'action', m.action, 'value', m.value),
         :now
    from moved m
)
select m.id from moved m;

-- name: overdue_by_section(now timestamptz)
select section, count(*) as answers from notifier.reply
 where closed_at is null and due_at < :now
 group by section order by section;
