-- The raw file catalog, as rule queries read it. Made on an embedded site only.
create table datasets (
  filename text not null,
  runnumber int not null,
  segment int not null,
  size bigint,
  dataset text not null default 'raw',
  dsttype text,
  events bigint,
  firstevent bigint,
  lastevent bigint,
  daqhost text,
  status int,
  constraint datasets_pkey primary key (filename, dataset)
);
create index datasets_run on datasets (runnumber, dsttype, dataset);
