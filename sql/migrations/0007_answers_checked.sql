-- A day that a customer has just chosen is looked up while the customer is on the line.
grant select on notifier.audience to notifier_web;

-- When the carrier is to be asked not to make a call that is still queued there: what it would tell is true no more.
alter table notifier.in_flight add column cancel_at timestamptz;
create index in_flight_cancel on notifier.in_flight (cancel_at) where cancel_at is not null;
