-- Up to $2 bills a customer could pay now ($1), in an order that looks random and repeats with the seed ($3).
select b.bill_no
from source.bill b
join billing.account a on a.account_no = b.account_no
where b.due_on >= ($1::timestamptz at time zone 'Asia/Taipei')::date
  and b.paid_at is null
  and b.amount > b.paid
  and a.autopay_since is null
order by hashtextextended(b.bill_no, $3::bigint)
limit $2::integer
