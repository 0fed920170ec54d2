-- What SLURP needs of a file catalog that others made, and is not there: columns, and the keys that its upserts name.
create table if not exists files (
  lfn text not null,
  full_host_name text not null,
  full_file_path text not null
);
create table if not exists datasets (
  filename text not null,
  runnumber int not null,
  segment int not null,
  dataset text not null,
  dsttype text not null
);
alter table files
  add column if not exists time timestamp,
  add column if not exists size bigint,
  add column if not exists md5 text;
alter table datasets
  add column if not exists size bigint,
  add column if not exists events bigint;

do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('files', 'lfn, full_host_name, full_file_path'),
      ('datasets', 'filename, dataset')
    ) as w (name, columns)
  loop
    continue when exists (
      select from pg_constraint where conrelid = wanted.name::regclass and conname = wanted.name || '_pkey'
    );
    execute format(
      'alter table %I add constraint %I %s (%s)', wanted.name, wanted.name || '_pkey',
      case when exists (select from pg_constraint where conrelid = wanted.name::regclass and contype = 'p')
           then 'unique' else 'primary key' end,
      wanted.columns
    );
  end loop;
end
$$;
