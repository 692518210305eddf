-- By which channel the customer asked to be told: voice, sms or email. Null: the campaign's order.
alter table notifier.notification add column prefers text;
