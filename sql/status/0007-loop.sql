-- What loops know of each other, and what operators want to know of loops: who runs which production, what came of each
-- pass, and what waits. A production is named as in production_cursor.

create sequence production_fence;

-- One loop at a time runs a production. A lease that is not renewed in time may be taken by another loop, which gets a new
-- fence; whoever still believes in the old one is stopped at its next write.
create table production_lease (
  dsttype text not null,
  build text not null,
  tag text not null,
  version int not null,
  rule text not null,
  holder uuid not null,
  -- For people: account@host, and the number of the process there.
  held_by text not null,
  process int not null,
  fence bigint not null default nextval('production_fence'),
  taken_at timestamp not null default (now() at time zone 'utc'),
  expires_at timestamp not null,
  primary key (dsttype, build, tag, version)
);
create index production_lease_holder on production_lease (holder);

-- What came of each turn of a rule in a loop; kept for some days.
create table production_pass (
  id bigint generated always as identity primary key,
  holder uuid not null,
  held_by text not null,
  rule text not null,
  config text not null,
  -- Null where the rule could not be read.
  dsttype text,
  build text,
  tag text,
  version int,
  started_at timestamp not null,
  ended_at timestamp not null default (now() at time zone 'utc'),
  -- dispatched: it ran, also if nothing was ready. waited: the queue, the batch system or a person said no. elsewhere:
  -- another loop has the lease. failed: it could not run, or broke off.
  outcome text not null check (outcome in ('dispatched', 'waited', 'elsewhere', 'failed')),
  reason text,
  -- The measured value behind a wait.
  gauge jsonb,
  funnel jsonb,
  submitted int not null default 0,
  -- When the loop wants to run it again.
  next_at timestamp
);
create index production_pass_rule on production_pass (rule, id desc);
create index production_pass_ended on production_pass (ended_at);

-- A rule that no loop runs until a person resumes it.
create table rule_pause (
  rule text primary key,
  reason text not null,
  paused_by text not null,
  paused_at timestamp not null default (now() at time zone 'utc')
);
