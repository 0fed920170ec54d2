-- Triggers: a file that is registered makes loops run the rules that may read it, for its run.

-- The inputs that trigger a rule in a loop. Each loop writes its own rows when it runs the rule.
create table rule_input (
  -- The loop, as in production_lease.
  holder uuid not null,
  rule text not null,
  -- A dsttype, a prefix of dsttypes (is_prefix), or a name that begins with a dsttype, such as that of a dataset.
  name text not null,
  is_prefix boolean not null,
  primary key (holder, rule, name, is_prefix)
);

-- Runs with a newly registered input file, until the loop has run the rule for them. Written in the transaction that marks
-- the file as registered, so none is lost.
create table triggered_run (
  holder uuid not null,
  rule text not null,
  run int not null,
  -- Counts the registrations: after a pass, a row is removed only if no file arrived during the pass.
  arrivals bigint not null default 1,
  since timestamp not null default (now() at time zone 'utc'),
  primary key (holder, rule, run)
);

-- The number of runs that triggered the turn; null if it was a turn for all runs of the rule.
alter table production_pass add column runs int;
