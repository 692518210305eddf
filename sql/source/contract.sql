-- The contract between the utility's database and the notifier: seven read-only views in schema "source".
--
-- A utility maps its own tables to these columns (README.md beside this file) and changes nothing else; nothing else of
-- its database is read, and nothing at all is written. Columns beyond these are allowed and ignored.
-- `notifier check` reads the expected views, columns and types from this very file, so every line below is exact.
--
-- Cells are as real systems hold them: telephones are free text, names may be null, rows may repeat a person. Do not
-- clean them for us: what cannot be used is recorded with its reason, so that somebody can put it right at the source.
-- Each column: what it is | example | what null means. A moment is a timestamptz; a day is a date in Taiwan.

create schema source;

-- One row per electricity account. An account may appear more than once (two contact rows, an old and a new system).
create view source.account as select
  -- Account number (電號), 11 digits, text because zeros lead | '07130012340' | such a bill is recorded, not told
  null::text        as account_no,
  -- Name on the bill | '王示範' | the words address "the customer"
  null::text        as customer_name,
  -- Language of the words: 'zh-TW' or 'en' | 'zh-TW' | the default language; so is any code not known
  null::text        as locale,
  -- Channel asked to be told by: 'voice', 'sms' or 'email' | 'sms' | the campaign's order; so is any other word
  null::text        as prefers,
  -- Fixed line, free text | '07-300-0001 轉 12' | no fixed line
  null::text        as phone,
  -- Mobile, free text | '０９００－０００－００１' | no mobile
  null::text        as mobile,
  -- E-mail address, free text | 'someone@example.com' | no e-mail
  null::text        as email,
  -- Supply address | '高雄市楠梓區示範路 12 號' | not known
  null::text        as address,
  -- Service centre that answers for the account | '楠梓' | found by no run that names a district
  null::text        as district,
  -- Bills are debited by a bank: never reminded of a deadline | true | no
  null::boolean     as autopay,
  -- Life-support equipment at home: a person decides before any collection contact | true | no
  null::boolean     as life_support,
  -- Must not lose supply unwarned | 'aquaculture', 'precision electronics' | an ordinary customer
  null::text        as critical_kind;

-- One row per bill.
create view source.bill as select
  -- Bill number, unique | 'B202610000001' | never null
  null::text        as bill_no,
  -- Account the bill is for | '07130012340' | account lost: recorded, not told
  null::text        as account_no,
  -- Month or two months billed | '2026-10', '2026-09/2026-10' | not known
  null::text        as period,
  -- NT$ owed when the bill was issued; 0 and negative (a credit) occur | 1234 | never null
  null::numeric     as amount,
  -- NT$ received so far | 0, 500 | nothing received
  null::numeric     as paid,
  -- Day of issue | 2026-11-07 | not known
  null::date        as issued_on,
  -- Last day to pay without a late charge | 2026-12-05 | found by no run
  null::date        as due_on,
  -- When the payment that settled the bill was made | 2026-12-01 14:02+08 | something is owed, or nothing ever was
  null::timestamptz as paid_at;

-- One row per application for supply or complaint.
create view source.supply_case as select
  -- Acceptance number (受理號碼), unique | 'S202600001' | never null
  null::text        as case_no,
  -- 'new', 'increase', 'reconnection', 'complaint', ... | 'new' | not known
  null::text        as kind,
  -- Account | '07130012340' | a new customer has none yet
  null::text        as account_no,
  -- Who applied | '林樣本' | not known
  null::text        as applicant_name,
  -- As source.account.locale
  null::text        as locale,
  -- As source.account.prefers
  null::text        as prefers,
  -- As source.account.phone
  null::text        as phone,
  -- As source.account.mobile
  null::text        as mobile,
  -- As source.account.email
  null::text        as email,
  -- Service centre that handles the case | '岡山' | not known
  null::text        as district,
  -- When the application was accepted | 2026-10-01 09:30+08 | never null
  null::timestamptz as accepted_at,
  -- The agreed supply date; moves when it is negotiated anew | 2026-11-20 | none agreed yet
  null::date        as agreed_on,
  -- Where it stands: '受理', '設計', '施工', '送電', ... | '設計' | not known
  null::text        as stage,
  -- Since when it stands there | 2026-10-10 15:00+08 | not known
  null::timestamptz as stage_since,
  -- Why it is late, in plain words a customer can be told | '管線單位尚未同意路證' | no reason entered
  null::text        as delay_reason,
  -- New supply dates the section can offer | {2026-12-01,2026-12-08} | none; an empty array means the same
  null::date[]      as proposed_dates,
  -- All papers still missing, never a part of them | {'土地使用同意書'} | none; an empty array means the same
  null::text[]      as missing_papers,
  -- Section that handles it: '業務組', '設計組', '工務段' | '設計組' | the district's office answers
  null::text        as section,
  -- Its telephone, as it is to be printed and read out | '07-300-0102' | the district's office answers
  null::text        as section_phone,
  -- Standard time limit of this kind of case (complaints too) | 2026-11-30 | no limit
  null::date        as due_on,
  -- Supply is on (for a complaint: closed) | 2026-11-20 16:45+08 | not yet
  null::timestamptz as completed_at,
  -- Withdrawn by the applicant or the office | 2026-11-01 10:00+08 | not cancelled
  null::timestamptz as cancelled_at,
  -- Last change of the case | 2026-11-01 10:00+08 | never null
  null::timestamptz as updated_at;

-- One row per planned outage and affected account.
create view source.outage as select
  -- Outage number; repeats for each account | 'O20260001' | never null
  null::text        as outage_no,
  -- Affected account | '07130012340' | never null
  null::text        as account_no,
  -- Planned beginning | 2026-12-10 09:00+08 | never null
  null::timestamptz as starts_at,
  -- Planned end | 2026-12-10 12:00+08 | never null
  null::timestamptz as ends_at,
  -- Why, in plain words a customer can be told | '更換變壓器' | not stated
  null::text        as reason,
  -- When it was called off | 2026-12-08 17:00+08 | it stands
  null::timestamptz as cancelled_at;

-- Who answers for a district; every message names a section and its telephone. One row per district and section.
create view source.office as select
  -- Service centre | '楠梓' | never null
  null::text        as district,
  -- '業務組', '電費組', ... | '電費組' | never null
  null::text        as section,
  -- Telephone, as it is to be printed and read out | '07-300-0101' | messages that name it are held
  null::text        as phone,
  -- After-hours duty crew, e-mail | 'duty@example.com' | no after-hours hand-over by e-mail
  null::text        as duty_email,
  -- After-hours duty crew, telephone | '07-300-0199' | no after-hours hand-over by telephone
  null::text        as duty_phone;

-- Last readings, for the plausibility of a reading a customer reports.
create view source.meter_reading as select
  -- Account | '07130012340' | never null
  null::text        as account_no,
  -- Meter number | 'M00001234' | not known
  null::text        as meter_no,
  -- Day of the reading | 2026-11-01 | never null
  null::date        as read_on,
  -- Index read, kWh | 12345 | no reading could be taken
  null::numeric     as reading;

-- Append-only: what happened to a case or bill. A source may also NOTIFY channel 'case_event' when a row arrives; the
-- notifier does not depend on it.
create view source.case_event as select
  -- Increases when made, but may become visible out of order: an overlap is read again | 1042 | never null
  null::bigint      as event_id,
  -- 'case.accepted', 'case.papers_missing', 'case.delayed', 'case.completed', 'case.cancelled', 'bill.paid',
  -- 'complaint.closed', ...; a type not known is ignored | 'case.completed' | never null
  null::text        as type,
  -- case_no or bill_no | 'S202600001' | never null
  null::text        as subject,
  -- When it happened, which may be before it was entered | 2026-11-20 16:45+08 | never null
  null::timestamptz as occurred_at,
  -- Whatever else the source says; nothing in it is needed | {"stage": "送電"} | nothing more
  null::jsonb       as data;
