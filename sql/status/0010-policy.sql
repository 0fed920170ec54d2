-- Decisions of the retry policy about failed and held attempts, and what products request because of them.

create table policy_action (
  cupsid int primary key,
  dstfile text not null,
  rule text not null,
  -- False: the decision is only reported.
  is_active boolean not null,
  -- none: no case of the policy matches.
  action text not null check (action in ('retry', 'give-up', 'pause', 'none')),
  case_number int,
  reason text not null,
  -- The earliest time of the retry.
  due_at timestamp,
  memory_mb int,
  disk_mb int,
  avoided_node text,
  decided_at timestamp not null default (now() at time zone 'utc'),
  -- When the attempt was retired for a retry, or the rule was paused.
  done_at timestamp
);
create index policy_action_rule on policy_action (rule) where done_at is null;

-- What the next attempts of a product request instead of what its rule requests.
create table product_request (
  dstfile text primary key,
  memory_mb int,
  disk_mb int,
  avoided_nodes text[] not null default '{}',
  changed_at timestamp not null default (now() at time zone 'utc')
);

create index production_status_failed on production_status (rule) where final_state = 'failed' and retired_at is null;
