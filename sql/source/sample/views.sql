-- How the sample utility maps its tables to the contract. A worked example for your own mapping.

create schema if not exists source;

create or replace view source.account as
select
  a.account_no,
  c.name                      as customer_name,
  c.locale,
  c.prefers,
  k.phone,
  k.mobile,
  k.email,
  a.address,
  a.district,
  a.autopay_since is not null as autopay,
  a.life_support,
  a.critical_kind
from billing.account a
join billing.customer c on c.customer_id = a.customer_id
left join billing.contact k on k.account_no = a.account_no;

-- The sum is taken per bill, by index: a join to a grouped subquery would add up every payment ever made before it
-- could look at one bill.
create or replace view source.bill as
select
  b.bill_no,
  b.account_no,
  b.period,
  b.amount,
  coalesce(p.paid, 0) as paid,
  b.issued_on,
  b.due_on,
  case when p.paid >= b.amount then p.last_paid_at end as paid_at
from billing.bill b
left join lateral (
  select sum(p.amount) as paid, max(p.paid_at) as last_paid_at
  from billing.payment p
  where p.bill_no = b.bill_no
) p on true;

create or replace view source.supply_case as
select
  case_no, kind, account_no, applicant_name, locale, prefers, phone, mobile, email, district, accepted_at, agreed_on,
  stage, stage_since, delay_reason, proposed_dates, missing_papers, section, section_phone, due_on, completed_at,
  cancelled_at, updated_at
from billing.supply_application;

create or replace view source.outage as
select o.outage_no, a.account_no, o.starts_at, o.ends_at, o.reason, o.cancelled_at
from billing.outage o
join billing.outage_account a on a.outage_no = o.outage_no;

create or replace view source.office as
select district, section, phone, duty_email, duty_phone
from billing.office;

create or replace view source.meter_reading as
select m.account_no, m.meter_no, r.read_on, r.reading
from billing.meter m
join billing.meter_reading r on r.meter_no = m.meter_no;

create or replace view source.case_event as
select event_id, type, subject, occurred_at, data
from billing.event;
