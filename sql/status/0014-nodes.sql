-- Nodes on which many jobs fail quickly that do well elsewhere: jobs avoid them for a time.
-- @see docs/policy.md

create table bad_node (
  node text primary key,
  -- Null: a person has allowed it.
  reason text,
  found_at timestamp,
  -- Jobs may use it again from then on.
  expires_at timestamp,
  -- false: too many nodes are avoided already.
  may_be_avoided boolean not null default false,
  -- Since when new jobs avoid it; null: it is only reported.
  avoided_at timestamp,
  -- Whoever allowed it knew the failures until then: they are not counted again.
  allowed_at timestamp
);
