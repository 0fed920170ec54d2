-- The file catalog: where files are, and what they hold. Constraint names are part of the contract.
create table files (
  lfn text not null,
  full_host_name text not null,
  full_file_path text not null,
  time timestamp,
  size bigint,
  md5 text,
  constraint files_pkey primary key (lfn, full_host_name, full_file_path)
);

create table datasets (
  filename text not null,
  runnumber int not null,
  segment int not null,
  size bigint,
  dataset text not null,
  dsttype text not null,
  events bigint,
  firstevent bigint,
  lastevent bigint,
  tag text,
  status int,
  daqhost text,
  constraint datasets_pkey primary key (filename, dataset)
);
create index datasets_run on datasets (runnumber, dsttype, dataset);
create index datasets_filename on datasets (filename text_pattern_ops);
