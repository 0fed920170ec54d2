-- Loops: which loop runs which production, the result of each pass, and paused rules. A production is named as in
-- production_cursor.

create sequence production_fence;

-- One loop at a time runs a production. If a lease is not renewed in time, another loop may take it and gets a new fence;
-- writes with the old fence are refused.
create table production_lease (
  dsttype text not null,
  build text not null,
  tag text not null,
  version int not null,
  rule text not null,
  holder uuid not null,
  -- For display: account@host, and the process id there.
  held_by text not null,
  process int not null,
  fence bigint not null default nextval('production_fence'),
  taken_at timestamp not null default (now() at time zone 'utc'),
  expires_at timestamp not null,
  primary key (dsttype, build, tag, version)
);
create index production_lease_holder on production_lease (holder);

-- The result of each turn of a rule in a loop; kept for 30 days.
create table production_pass (
  id bigint generated always as identity primary key,
  holder uuid not null,
  held_by text not null,
  rule text not null,
  config text not null,
  -- Null if the rule could not be read.
  dsttype text,
  build text,
  tag text,
  version int,
  started_at timestamp not null,
  ended_at timestamp not null default (now() at time zone 'utc'),
  -- dispatched: the rule ran, also if nothing was ready. waited: it had to wait, or is paused. elsewhere: another loop has
  -- the lease. failed: it could not run, or broke off.
  outcome text not null check (outcome in ('dispatched', 'waited', 'elsewhere', 'failed')),
  reason text,
  -- How full the queue was.
  gauge jsonb,
  funnel jsonb,
  submitted int not null default 0,
  -- When the loop will run the rule again.
  next_at timestamp
);
create index production_pass_rule on production_pass (rule, id desc);
create index production_pass_ended on production_pass (ended_at);

-- A rule that no loop runs until it is resumed.
create table rule_pause (
  rule text primary key,
  reason text not null,
  paused_by text not null,
  paused_at timestamp not null default (now() at time zone 'utc')
);
