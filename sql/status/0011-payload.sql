-- What jobs ran: the snapshots of payloads that they stage from, and where their content came from.

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

alter table submission
  add column payload text,
  add column payload_origin jsonb,
  add column overridden text;
create index submission_payload on submission (payload) where payload is not null;

-- A setup is what ran, so another content is another setup.
alter table production_setup add column payload text;
drop index production_setup_identity;
create unique index production_setup_identity
  on production_setup (name, build, dbtag, hash, coalesce(revision, -1), coalesce(payload, ''), dirty);

-- Credentials in addresses were stored as they stood in the checkout's configuration.
update production_setup set repo = regexp_replace(regexp_replace(regexp_replace(repo,
    '^((?:git\+)?ssh(?:\+git)?://[^:@/?#]*):[^/?#]*@', '\1@', 'i'),
    '^((?!(?:git\+)?ssh(?:\+git)?:)[a-z][a-z0-9+.-]*://)[^/?#]*@', '\1', 'i'),
    '^(https?://[^?#]*)[?#].*$', '\1', 'i')
  where repo ~* '^[a-z][a-z0-9+.-]*://(?:[^/?#]*@|.*[?#])';
