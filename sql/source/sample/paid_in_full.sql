-- Which of the bills $1 are paid in full, and when, in real time, the last payment of each was written.
select b.bill_no, extract(epoch from max(p.received_at))::float8 as received
from billing.bill b
join billing.payment p on p.bill_no = b.bill_no
where b.bill_no = any($1::text[])
group by b.bill_no, b.amount
having sum(p.amount) >= b.amount
