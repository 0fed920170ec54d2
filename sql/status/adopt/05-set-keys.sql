-- Keys, defaults and references as ../0001-attempts.sql has them.

alter table production_status
  alter column dsttype set not null,
  alter column dstname set not null,
  alter column dstfile set not null,
  alter column run set not null,
  alter column segment set not null,
  alter column nsegments set not null,
  alter column nsegments set default 0,
  alter column inputs set not null,
  alter column prod_id set not null,
  alter column cluster set not null,
  alter column cluster set default 0,
  alter column process set not null,
  alter column process set default 0,
  alter column status set not null,
  alter column flags set default 0,
  alter column flags set not null,
  alter column nevents set default 0,
  alter column nevents set not null;
alter table dataset_status
  alter column lastrun set default 0,
  alter column lastrun set not null,
  alter column revision set default 0,
  alter column revision set not null,
  alter column nsegments set default 0,
  alter column nsegments set not null,
  alter column parent set default 'DAQ';
alter table production_quality
  alter column stat_id drop not null,
  alter column qual drop not null;
alter table cups_stats
  alter column started drop not null,
  alter column ended drop not null,
  alter column nattempts drop not null,
  alter column exception drop not null;

update invalid_run_list set
  last_run = coalesce(last_run, -1), first_segment = coalesce(first_segment, 0),
  last_segment = coalesce(last_segment, 99999), created_at = coalesce(created_at, now() at time zone 'utc'),
  expires_at = coalesce(expires_at, '2161-10-11')
where last_run is null or first_segment is null or last_segment is null or created_at is null or expires_at is null;
alter table invalid_run_list
  alter column last_run set not null,
  alter column first_segment set not null,
  alter column last_segment set not null,
  alter column created_at set not null,
  alter column expires_at set not null,
  alter column last_run set default -1,
  alter column first_segment set default 0,
  alter column last_segment set default 99999,
  alter column created_at set default (now() at time zone 'utc'),
  alter column expires_at set default '2161-10-11';

-- Without version is version 0 there: null would be no part of a key.
update production_cursor set version = 0 where version is null;

do $$
declare
  wanted record;
  present record;
begin
  for wanted in
    select * from (values
      -- The key of the original lacks the revision, so one payload could not have two.
      ('production_setup', array['id']),
      ('production_status', array['id', 'run', 'segment', 'prod_id']),
      ('production_cursor', array['dsttype', 'build', 'tag', 'version']),
      ('production_quality', array['id', 'dstname', 'run', 'segment']),
      ('dataset_status', array['dstname', 'run', 'lastrun']),
      ('cups_stats', array['dstname', 'run', 'segment', 'update']),
      ('invalid_run_list', array['id'])
    ) as w (name, columns)
  loop
    select k.conname as name, array_agg(a.attname::text order by c.position) as columns into present
    from pg_constraint k
    cross join unnest(k.conkey) with ordinality as c (number, position)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number
    where k.conrelid = wanted.name::regclass and k.contype = 'p'
    group by k.conname;
    continue when present.columns = wanted.columns;
    if present.name is not null then
      execute format('alter table %I drop constraint %I', wanted.name, present.name);
    end if;
    execute format(
      'alter table %I add constraint %I primary key (%s)',
      wanted.name, wanted.name || '_pkey', (select string_agg(format('%I', c), ', ') from unnest(wanted.columns) c)
    );
  end loop;
end
$$;

-- A reference that was lost is made again for what comes; rows that refer to nothing are no reason to refuse.
do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('production_status', 'prod_id', 'production_setup'),
      ('production_quality', 'stat_id', 'production_status')
    ) as w (name, reference, target)
  loop
    continue when exists (
      select from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and k.conkey = array[a.attnum]
      where k.conrelid = wanted.name::regclass and k.contype = 'f' and a.attname = wanted.reference
    );
    execute format(
      'alter table %I add constraint %I foreign key (%I) references %I (id) not valid',
      wanted.name, wanted.name || '_' || wanted.reference || '_fkey', wanted.reference, wanted.target
    );
    begin
      execute format(
        'alter table %I validate constraint %I', wanted.name, wanted.name || '_' || wanted.reference || '_fkey'
      );
    exception when foreign_key_violation then
      null;
    end;
  end loop;
end
$$;
