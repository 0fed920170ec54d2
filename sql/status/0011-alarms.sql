-- Alarms, which need a person, and the outbox of their notifications.
-- @see docs/alarms.md

-- A cause has at most one open row. Cleared rows are kept for 90 days.
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

-- Written in the statement that raises or clears the alarm, so none is lost; removed with the alarm.
create table notification (
  id bigint generated always as identity primary key,
  alarm_id bigint not null references alarm (id) on delete cascade,
  word text not null check (word in ('raised', 'cleared')),
  -- The earliest time of the next try. A sender moves it forward while it delivers, so that others leave it alone; if the
  -- sender dies, the notification is due again at that time.
  due_at timestamp not null default (now() at time zone 'utc'),
  failures int not null default 0,
  -- Channels that have accepted it: they do not get it again when another channel fails.
  delivered_to text[] not null default '{}',
  -- The latest error of a channel.
  problem text,
  done_at timestamp,
  unique (alarm_id, word)
);
create index notification_due on notification (due_at) where done_at is null;
