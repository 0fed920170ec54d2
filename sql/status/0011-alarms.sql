-- What needs a person, and the outbox of its notifications.
-- @see docs/alarms.md

-- A cause has one open row at most; what is over stays for 90 days.
create table alarm (
  id bigint generated always as identity primary key,
  -- KIND:THING, for example 'deadline:DST_CALO/running'.
  cause text not null,
  rule text,
  what text not null,
  advice text not null,
  raised_at timestamp not null default (now() at time zone 'utc'),
  cleared_at timestamp
);
create unique index alarm_open on alarm (cause text_pattern_ops) where cleared_at is null;
create index alarm_cleared on alarm (cleared_at) where cleared_at is not null;

-- Written in the statement that raises or clears, so none is lost; removed with its alarm.
create table notification (
  id bigint generated always as identity primary key,
  alarm_id bigint not null references alarm (id) on delete cascade,
  word text not null check (word in ('raised', 'cleared')),
  -- Nobody tries it before. Whoever takes it puts this a little ahead, so others leave it alone; if the sender dies, it is
  -- due again then.
  due_at timestamp not null default (now() at time zone 'utc'),
  failures int not null default 0,
  -- Channels that have taken it: a failure of one does not send it again to the others.
  delivered_to text[] not null default '{}',
  -- Why a channel refused it, the last time.
  problem text,
  done_at timestamp,
  unique (alarm_id, word)
);
create index notification_due on notification (due_at) where done_at is null;
