-- Whose names files have, and what jobs ran.

-- Whose a file name is: the product that staged it out, or is about to. The catalog finds files by name alone, so a name
-- belongs to one product, whatever the directory. Kept here and not read from the events, whose detail may be dropped
-- after some months. A name that is not here was put there by no attempt of this site.
-- @see docs/events.md

create table file_owner (
  lfn text primary key,
  dstfile text not null,
  cupsid int not null,
  claimed_at timestamp not null default (now() at time zone 'utc')
);

-- The snapshots of payloads that jobs stage from, and where their content came from.
create table payload_snapshot (
  hash text primary key,
  size_bytes bigint not null,
  file_count int not null,
  directory text not null,
  made_at timestamp not null default (now() at time zone 'utc'),
  used_at timestamp not null default (now() at time zone 'utc'),
  pruned_at timestamp
);

-- Stays when the snapshot itself is pruned.
create table payload_file (
  payload text not null references payload_snapshot (hash) on delete cascade,
  path text not null,
  kind text not null check (kind in ('file', 'program', 'link', 'directory', 'in-place')),
  sha256 text not null,
  size_bytes bigint not null,
  target text,
  primary key (payload, path)
);
create index payload_file_sha256 on payload_file (sha256);
