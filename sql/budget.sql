-- A second's worth of pace, granted under the row's lock. What is not used lapses with the worker's window.
-- `span` is how many seconds of the clock one grant covers. What lies further in the future than anybody writes it was
-- written by a clock that was astray, and must not stop the channel until that moment has come.
-- name: grant(channel text, now timestamptz, span double precision, most integer, urgent boolean)
with held as materialized (
  select b.*, least(greatest(b.burst, b.rate * :span),
                    b.tokens + b.rate * greatest(extract(epoch from :now - b.refilled_at), 0)) as full_tokens,
         case when b.most_in_flight is null then :most
              else b.most_in_flight - case when :urgent then 0 else b.reserved end
                   - (select count(*) from notifier.in_flight f where f.channel = b.channel) end as lines
    from notifier.budget b where b.channel = :channel for update
), granted as (
  select h.*,
         case
           when h.paused is not null and h.paused_until is null then 0
           when h.paused is not null and h.paused_until > :now
            and h.paused_until <= :now + make_interval(secs => greatest(660, 2 * :span)) then 0
           when h.paused is not null then least(1, :most)   -- half open: one request finds out
           else greatest(0, least(:most, floor(h.full_tokens), h.lines))
         end::integer as amount
    from held h
), taken as (
  update notifier.budget b
     set tokens = case when g.paused is null then g.full_tokens - g.amount else 0 end,  -- nothing is saved up in a pause
         refilled_at = case when b.refilled_at > :now + make_interval(secs => 2 * :span) then :now
                            else greatest(b.refilled_at, :now) end,
         paused_until = case when g.paused is not null and g.amount > 0
                             then :now + make_interval(secs => greatest(5, :span)) else b.paused_until end
    from granted g where b.channel = g.channel
)
select g.amount, g.rate, g.paused, g.most_in_flight from granted g;

-- The lines that are really free, under the row's lock: grants of two workers may overlap, calls may not.
-- name: lock_lines(channel text, urgent boolean)
select b.most_in_flight - case when :urgent then 0 else b.reserved end as most
  from notifier.budget b where b.channel = :channel and b.most_in_flight is not null for update;

-- name: count_in_flight(channel text)
select count(*)::integer from notifier.in_flight where channel = :channel;

-- name: set_up(channel text, rate double precision, burst double precision, most_in_flight integer, reserved integer, now timestamptz)
insert into notifier.budget (channel, rate, burst, most_in_flight, reserved, refilled_at)
values (:channel, :rate, :burst, :most_in_flight, :reserved, :now)
on conflict (channel) do update
   set rate = excluded.rate, burst = excluded.burst, most_in_flight = excluded.most_in_flight,
       reserved = excluded.reserved;

-- The breaker: after five requests in a row that found the provider unavailable, nobody asks for a while, and longer each time.
-- name: note_trouble(channel text, reason text, now timestamptz, times integer)
update notifier.budget
   set trouble = trouble + :times,
       paused = case when trouble + :times >= 5 then :reason else paused end,
       paused_until = case when trouble + :times >= 5
                           then :now + make_interval(secs => least(600, 15 * power(2, least(6, (trouble + :times) / 5))))
                           else paused_until end
 where channel = :channel and (paused is null or paused_until is not null)
returning paused;

-- name: note_success(channel text)
update notifier.budget set trouble = 0, paused = null, paused_until = null
 where channel = :channel and (trouble > 0 or (paused is not null and paused_until is not null));

-- name: pause(channel text, reason text)
update notifier.budget set paused = :reason, paused_until = null where channel = :channel and paused is distinct from :reason;

-- A probe's pause yields to a person's, and lifts only its own.
-- name: pause_by_probe(channel text, reason text)
update notifier.budget set paused = :reason, paused_until = null
 where channel = :channel
   and (paused is null or paused_until is not null or (paused like 'probe: %' and paused <> :reason));

-- name: lift_probe(channel text)
update notifier.budget set paused = null, paused_until = null, trouble = 0
 where channel = :channel and paused like 'probe: %';

-- name: resume(channel text)
update notifier.budget set paused = null, paused_until = null, trouble = 0 where channel = :channel and paused is not null;

-- name: list_budgets()
select b.channel, b.rate, b.most_in_flight, b.paused, b.paused_until,
       (select count(*)::integer from notifier.in_flight f where f.channel = b.channel) as in_flight
  from notifier.budget b order by b.channel;
