-- How many attempts of a rule failed lately, and the breaker that pauses a rule whose failure rate jumps.
-- @see docs/policy.md

-- An attempt enters it once, when it ends: no other report touches these columns.
create index production_status_ended on production_status (rule, final_state, ended) where final_state is not null;

create table rule_breaker (
  rule text primary key,
  -- Null: the failure rate is as usual.
  opened_at timestamp,
  -- false: it is only reported, the rule is not paused.
  is_active boolean not null default false,
  reason text,
  -- The failures that opened it ended from here on.
  counted_from timestamp,
  -- Whoever resumed the rule knew the failures until then: they are not counted again.
  resumed_at timestamp
);
