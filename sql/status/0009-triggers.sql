-- Triggers: a file that is registered makes loops run the rules that may read it, for its run.

-- What a loop wants to be triggered by; it writes its own rows when it runs a rule.
create table rule_input (
  -- As in production_lease.
  holder uuid not null,
  rule text not null,
  -- A dsttype; the beginning of dsttypes if is_prefix; or a name that begins with a dsttype, such as that of a dataset.
  name text not null,
  is_prefix boolean not null,
  primary key (holder, rule, name, is_prefix)
);

-- Runs of which such a file was registered since the loop last ran the rule for them. Written in the transaction that marks
-- the file as registered, so none is lost.
create table triggered_run (
  holder uuid not null,
  rule text not null,
  run int not null,
  -- Counts the registrations: a row is removed after a pass only if it is as it was before the pass.
  arrivals bigint not null default 1,
  since timestamp not null default (now() at time zone 'utc'),
  primary key (holder, rule, run)
);

-- Null for a turn that had all runs of the rule to decide; else the number of runs that had triggered it.
alter table production_pass add column runs int;
