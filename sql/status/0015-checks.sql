-- Checks that loops make seldom, and the deadlines that rules have of their own.

-- When a check was last made: several loops and hosts share its interval.
create table site_check (
  name text primary key,
  done_at timestamp not null default (now() at time zone 'utc')
);

-- Kept here for those who do not read rule files: the gateway, and the commands that show what is stuck.
create table rule_deadline (
  rule text not null,
  state text not null,
  seconds double precision not null check (seconds > 0),
  primary key (rule, state)
);
