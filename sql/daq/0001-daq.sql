-- The DAQ's own tables, as rule queries read them. Made on an embedded site only: elsewhere they belong to others.
create table filelist (
  filename text not null,
  runnumber int not null,
  hostname text,
  sequence int,
  firstevent bigint,
  lastevent bigint,
  events bigint,
  status int,
  md5sum text,
  ctime timestamp,
  mtime timestamp,
  size bigint,
  transferred_bytes_hpss bigint,
  transferred_bytes_sdcc bigint,
  transferred_to_hpss boolean not null default false,
  transferred_to_sdcc boolean not null default false,
  primary key (filename)
);
create index filelist_run on filelist (runnumber);

create table run (
  runnumber int primary key,
  runtype text,
  eventsinrun bigint,
  brtimestamp timestamp,
  ertimestamp timestamp
);
