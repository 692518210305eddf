-- What audience.sql selects lands here by binary COPY, cell by cell as the source holds it. The names, the order and
-- the types are the contract of every audience.sql.
-- name: create_staging()
create temporary table staging (
  subject text, occasion text, account_no text, customer_name text, locale text, phone text, mobile text, email text,
  prefers text, district text, exclude text, hold text, deadline date
) on commit drop;

-- Two runs of one campaign draw their audiences one after the other: the second sees what the first has taken. Both may
-- take minutes, and our transaction lies idle while a source is slow to take a connection.
-- name: take_turns(campaign text) slow
select set_config('lock_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '1min', true),
       pg_advisory_xact_lock(hashtext('notifier.plan ' || :campaign));

-- Of a campaign that tells an uploaded list: in staging is by now what the source knows of the list's accounts. Its rows
-- take their place, with these addresses; one that has a telephone only is called there and nowhere else. `names` and
-- `kinds`: what the words cannot do without, as text, date or number; `used`: all they may say. Rows of which the words
-- say the same are one occasion, so that one household hears it once.
-- name: stage_list(list bigint, template text, names text[], kinds text[], used text[]) slow
with found as (
  delete from staging returning *
)
insert into staging
select 'L' || r.list_id || '-' || r.line,
       :template || ' ' || left(md5(concat_ws(chr(31),
         (select jsonb_object_agg(u.name, r.cells -> u.name)::text from unnest(:used) as u(name) where r.cells ? u.name),
         case when 'account_no' = any (:used) then r.account_no end,
         case when 'customer_name' = any (:used) then f.customer_name end)), 12),
       coalesce(r.account_no, ''), coalesce(r.cells -> 'name' ->> 'text', f.customer_name),
       coalesce(r.locale, f.locale), coalesce(r.telephone, f.phone), f.mobile, f.email, f.prefers,
       coalesce(f.district, l.district),
       case
         when r.account_no is not null and f.account_no is null then 'unknown_account'
         else (select case when r.cells ? n.name then 'not_a_' || n.kind else 'missing_value' end || ': ' || n.name
                 from unnest(:names, :kinds) as n(name, kind)
                where r.cells -> n.name ->> n.kind is null
                limit 1)
       end,
       null, f.deadline
  from notifier.list_row r
  join notifier.list l on l.id = r.list_id
  left join found f on f.account_no = r.account_no
 where r.list_id = :list and r.reason is null;

-- name: analyze_staging() slow
analyze staging;

-- Telephone cells nobody has read before: only these pass through Python.
-- name: unread_cells() slow
select distinct c.cell
  from staging s, lateral (values (s.phone), (s.mobile)) as c(cell)
 where c.cell is not null and not exists (select from notifier.number_book b where b.cell = c.cell);

-- name: keep_numbers(cells text[], numbers text[], reasons text[])
insert into notifier.number_book (cell, number, reason)
select * from unnest(:cells, :numbers, :reasons)
on conflict (cell) do nothing;

-- Who is in, who is out and why. `first_steps` holds the first step that a recipient is told by, at 1 + (8 times the place
-- among `preferences` of what is preferred, else 0) + (1 if a telephone) + (2 if it is a mobile) + (4 if an e-mail address);
-- -1 where no step can be taken.
-- name: screen(campaign text, purpose text, now timestamptz, zone text, expiry_days integer, expiry_at time, locales text[], default_locale text, merge boolean, preferences text[], first_steps smallint[], again text) slow
create temporary table screened on commit drop as
with numbered as (
  select coalesce(s.subject, '') as subject, coalesce(s.occasion, '') as occasion, s.account_no, s.customer_name,
         s.locale, s.phone, s.mobile, s.email, s.prefers, s.district, s.exclude, s.hold, s.deadline,
         s.subject is null or s.occasion is null as about_nothing, row_number() over () as row_no
    from staging s
), fresh as (
  select n.*, row_number() over (partition by n.subject, n.occasion order by n.row_no) as copy
    from numbered n
   where not exists (select from notifier.audience a
                      where a.campaign = :campaign and a.subject = n.subject and a.occasion = n.occasion
                        and a.notification_id is not null and a.released_at is null)
), addressed as (
  select f.subject, f.occasion, f.account_no, f.customer_name, f.district, f.exclude, f.deadline, f.copy,
         f.about_nothing,
         coalesce(f.hold, case when :again is not null and exists (
           select from notifier.audience a
            where a.campaign = :campaign and a.subject = f.subject
              and a.notification_id is not null and a.released_at is null) then :again end) as hold,
         coalesce(nullif(btrim(f.locale), ''), :default_locale) as locale,
         (:preferences)[array_position(:preferences, lower(btrim(f.prefers)))] as prefers,
         coalesce(m.number, p.number) as listed_number,
         coalesce(m.reason, p.reason, 'no_telephone') as number_reason,
         case when btrim(f.email) ~ '^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$' then lower(btrim(f.email)) end as listed_email,
         ((coalesce(f.deadline, (:now at time zone :zone)::date) + :expiry_days) + :expiry_at) at time zone :zone as expires_at
    from fresh f
    left join notifier.number_book m on m.cell = f.mobile
    left join notifier.number_book p on p.cell = f.phone
), allowed as (
  select a.*,
         case when sn.address is null then a.listed_number end as number,
         case when se.address is null then a.listed_email end as email,
         sn.address is not null or se.address is not null as some_suppressed
    from addressed a
    left join lateral (select s.address from notifier.suppression s where s.address = a.listed_number
                         and s.undone_at is null and (s.purpose is null or s.purpose = :purpose) limit 1) sn on true
    left join lateral (select s.address from notifier.suppression s where s.address = a.listed_email
                         and s.undone_at is null and (s.purpose is null or s.purpose = :purpose) limit 1) se on true
), routed as (
  select l.*,
         (:first_steps)[1 + 8 * coalesce(array_position(:preferences, l.prefers), 0)
                        + case when l.number is null then 0 when l.number like '+8869%' then 3 else 1 end
                        + case when l.email is null then 0 else 4 end] as first_step
    from allowed l
), judged as (
  select r.*,
         case
           when r.about_nothing then 'no_subject'
           when r.copy > 1 then 'duplicate_row'
           when r.exclude is not null then r.exclude
           when not (r.locale = any (:locales)) then 'unknown_locale'
           when r.expires_at <= :now then 'past_deadline'
           when h.reason = 'promise' then 'promise'
           when h.reason = 'extension' then 'extension'
           when h.subject is not null then 'posting_hold'
           when r.first_step < 0 and r.some_suppressed then 'suppressed'
           when r.first_step < 0 then 'no_address: ' || r.number_reason
         end as out_because
    from routed r
    left join notifier.posting_hold h on h.subject = r.subject and h.until > :now
), grouped as (
  select j.*,
         case when :merge and j.hold is null then coalesce(j.number, j.email) || ' ' || j.occasion
              else j.subject || ' ' || j.occasion end as household
    from judged j
), suspended as materialized (
  select s.id, s.district, s.until from notifier.suspension s
   where s.ended_at is null and s.until > :now and :purpose = any (s.purposes)
)
select g.subject, g.occasion, g.account_no, g.locale, g.district, g.number, g.email, g.prefers, g.hold, g.out_because,
       g.first_step, g.household,
       case when g.out_because is null
            then row_number() over (partition by g.household, g.out_because is null order by g.deadline, g.subject) end as turn,
       max(g.expires_at) over (partition by g.household, g.out_because is null) as expires_at,
       (select s.id from suspended s where s.district is null or s.district = g.district
         order by s.until desc, s.id limit 1) as suspended_by
  from grouped g;

-- name: count_staged() slow
select (select count(*)::integer from staging) as staged, (select count(*)::integer from screened) as selected,
       (select count(*)::integer from screened where out_because is not null) as excluded,
       (select min(expires_at) from screened where turn = 1) as next_expiry;

-- The preflight's view of the same table.
-- name: preview() slow
select (select jsonb_object_agg(reason, n) from (select out_because as reason, count(*) as n from screened
          where out_because is not null group by 1) e) as excluded,
       (select jsonb_object_agg(hold, n) from (select hold, count(*) as n from screened
          where turn = 1 and hold is not null group by 1) h) as held,
       (select jsonb_agg(to_jsonb(s)) from (select first_step as step, prefers, count(*) as notifications from screened
          where turn = 1 and hold is null group by 1, 2 order by 1, 2) s) as first_steps,
       (select jsonb_object_agg(suspended_by, n) from (select suspended_by, count(*) as n from screened
          where turn = 1 and hold is null and suspended_by is not null group by 1) p) as suspended,
       (select count(*)::integer from screened where turn > 1) as merged,
       (select count(*)::integer from screened where turn = 1) as notifications,
       (select count(*)::integer from screened where turn = 1 and number is not null) as with_phone,
       (select count(*)::integer from screened where turn = 1 and number like '+8869%') as with_mobile,
       (select count(*)::integer from screened where turn = 1 and email is not null) as with_email,
       (select jsonb_object_agg(locale, n) from (select locale, count(*) as n from screened
          where turn = 1 group by 1) l) as locales;

-- What the drawing makes of these subjects.
-- name: fates(subjects text[]) slow
select s.subject, c.subject is null as already_told, c.out_because, c.hold, c.first_step, c.prefers, c.household
  from (select distinct subject, occasion from staging where subject = any (:subjects)) s
  left join screened c on c.subject = s.subject and c.occasion = s.occasion
                      and c.out_because is distinct from 'duplicate_row'
 order by s.subject;

-- A few notifications as they would be sent, spread over locales and household sizes.
-- name: samples(most integer) slow
select s.locale, s.first_step, min(s.account_no) as account_no, array_agg(s.subject order by s.subject) as subjects
  from screened s
 where s.out_because is null and s.hold is null
 group by s.household, s.locale, s.first_step
 order by row_number() over (partition by s.locale, count(*) order by s.household), count(*) desc
 limit :most;

-- Of an audience that was restricted to some subjects, what became of each.
-- name: by_subject(subjects text[])
select v.subject,
       exists (select from staging s where s.subject = v.subject) as selected,
       exists (select from screened s where s.subject = v.subject and s.out_because is null) as tellable,
       (select min(s.out_because) from screened s where s.subject = v.subject) as out_because
  from unnest(:subjects) as v(subject);

-- Whoever is left alone by a suspension is due when it is over: `opens`, by suspension.
-- name: fan_out(run bigint, campaign text, due_at timestamptz, plan_channels text[], suspensions bigint[], opens timestamptz[], reasons text[]) slow
with put_off as materialized (
  select * from unnest(:suspensions, :opens, :reasons) as p(id, opens, reason)
), lead as materialized (
  select nextval('notifier.notification_id_seq') as id, s.* from screened s where s.turn = 1
), recipients as (
  insert into notifier.notification (id, run_id, account_no, locale, district, phone, email, prefers, expires_at, held)
  select l.id, :run, l.account_no, l.locale, l.district, l.number, l.email, l.prefers, l.expires_at, l.hold from lead l
), queued as (
  insert into notifier.queue (notification_id, run_id, channel, due_at, step, because, put_off_by, put_off_from)
  select l.id, :run, (:plan_channels)[1 + l.first_step], coalesce(p.opens, :due_at), l.first_step, p.reason, p.id,
         case when p.id is not null then :due_at end
    from lead l left join put_off p on p.id = l.suspended_by
   where l.hold is null order by l.id
)
insert into notifier.audience (run_id, campaign, subject, occasion, account_no, fate, reason, notification_id)
select :run, :campaign, s.subject, s.occasion, s.account_no,
       case when s.out_because is not null then 'excluded' when s.turn = 1 then 'lead' else 'merged' end,
       s.out_because, l.id
  from screened s
  left join lead l on s.out_because is null and l.household = s.household;

-- So that the first claims after a large fan-out are planned on what is there, not on what was.
-- name: analyze_notifications() slow
analyze notifier.notification, notifier.queue, notifier.audience;
