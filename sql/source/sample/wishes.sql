-- How the customers of bills $1 can be told, and by which channel they asked to be.
select b.bill_no, a.prefers, a.phone, a.mobile, a.email
from source.bill b
join source.account a on a.account_no = b.account_no
where b.bill_no = any($1::text[])
