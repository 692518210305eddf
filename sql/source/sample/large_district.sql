-- A large district for benchmarks, made by the server itself: sandbox.accounts accounts, each with one settled bill and
-- one that falls due within three days of sandbox.today. Nobody is debited by a bank, so the audience is everybody.
-- One telephone in a hundred is dirt, one account in twenty-five shares its neighbour's.

insert into billing.office (district, section, phone, duty_email, duty_phone)
select district, section, '07-200-0' || d || '0' || s, 'duty.' || d || '@example.com', '07-200-0' || d || '99'
from unnest(array['楠梓', '左營', '岡山', '鳳山', '小港']) with ordinality as districts (district, d)
cross join unnest(array['業務組', '電費組', '設計組', '工務段']) with ordinality as sections (section, s);

insert into billing.customer (customer_id, name, locale)
select
  n,
  case when n % 200 <> 0 then
    (array['王', '林', '陳', '黃', '張', '李', '吳'])[1 + n % 7] || (array['示範', '樣本', '範例', '虛構'])[1 + n % 4]
  end,
  case when n % 16 = 0 then 'en' when n % 25 <> 0 then 'zh-TW' end
from generate_series(1, current_setting('sandbox.accounts')::integer) n;

select setval(pg_get_serial_sequence('billing.customer', 'customer_id'), current_setting('sandbox.accounts')::integer);

insert into billing.account (account_no, customer_id, address, district)
select
  '07' || lpad(n::text, 8, '0') || '0', n, '高雄市示範路 ' || n || ' 號',
  (array['楠梓', '左營', '岡山', '鳳山', '小港'])[1 + n % 5]
from generate_series(1, current_setting('sandbox.accounts')::integer) n;

insert into billing.contact (account_no, phone, mobile, email)
select
  '07' || lpad(n::text, 8, '0') || '0',
  case n % 100 when 7 then '07-300-0001 轉 12' when 8 then '07-' || (3000000 + n % 1000000)::text end,
  case
    when n % 100 in (7, 8) then null
    when n % 25 = 0 then '09' || lpad(((n - 1) % 90000000)::text, 8, '0')
    else '09' || lpad((n % 90000000)::text, 8, '0')
  end,
  case when n % 2 = 0 then 'customer.' || n || '@example.com' end
from generate_series(1, current_setting('sandbox.accounts')::integer) n;

insert into billing.bill (bill_no, account_no, period, amount, issued_on, due_on)
select
  'B' || lpad(n::text, 9, '0') || bill.suffix, '07' || lpad(n::text, 8, '0') || '0', to_char(bill.due_on, 'YYYY-MM'),
  100 + n % 9000, bill.due_on - 28, bill.due_on
from generate_series(1, current_setting('sandbox.accounts')::integer) n
cross join lateral (values
  ('1', current_setting('sandbox.today')::date - 58),
  ('2', current_setting('sandbox.today')::date + n % 4)
) bill (suffix, due_on);

insert into billing.payment (bill_no, amount, paid_at)
select
  'B' || lpad(n::text, 9, '0') || '1', 100 + n % 9000,
  current_setting('sandbox.today')::date - 60 + interval '10 hours'
from generate_series(1, current_setting('sandbox.accounts')::integer) n;
