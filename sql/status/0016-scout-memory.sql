-- How much memory the jobs of a production request because its first jobs, the scouts, used that much.
-- @see docs/commands/ramenya.md

create table scout_memory (
  dsttype text not null,
  build text not null,
  tag text not null,
  version int not null,
  rule text not null,
  -- What the rule asked for: it is decided again if this changes.
  settings jsonb not null,
  -- Scouts whose peak was measured, and the percentile of their peaks.
  measured int not null,
  peak_mb double precision not null,
  memory_mb int not null,
  decided_at timestamp not null default (now() at time zone 'utc'),
  primary key (dsttype, build, tag, version)
);
