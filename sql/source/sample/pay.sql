-- Pay what is owed on bills $1 at the simulated moment $2, and say so as an event. received_at is real time, always.
with paid as (
  insert into billing.payment (bill_no, amount, paid_at)
  select b.bill_no, b.amount - b.paid, $2::timestamptz
  from source.bill b
  where b.bill_no = any($1::text[]) and b.amount > b.paid
  returning bill_no, amount, paid_at
)
insert into billing.event (type, subject, occurred_at, data)
select 'bill.paid', bill_no, paid_at, jsonb_build_object('amount', amount)
from paid
