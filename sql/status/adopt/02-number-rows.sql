-- Every row has a number of its own: the original says so, but a table that was restored or copied may have lost it.
do $$
declare
  name text;
begin
  foreach name in array array[
    'production_setup', 'production_status', 'production_cursor', 'production_quality', 'dataset_status', 'cups_stats',
    'invalid_run_list'
  ]
  loop
    if exists (
      select from pg_attribute a
      where a.attrelid = name::regclass and a.attname = 'id' and a.attidentity = '' and not a.atthasdef
    ) then
      execute format('create sequence if not exists %I owned by %I.id', name || '_id_seq', name);
      execute format(
        'select setval(%L, greatest((select max(id) from %I), (select last_value from %I), 1))',
        quote_ident(name || '_id_seq'), name, name || '_id_seq'
      );
      execute format('alter table %I alter column id set default nextval(%L)', name, quote_ident(name || '_id_seq'));
    end if;
  end loop;
end
$$;

-- Nothing refers to the entries of the list of invalid runs, so those without a number, or with another's, get one.
update invalid_run_list set id = nextval(pg_get_serial_sequence('invalid_run_list', 'id'))
where ctid in (
  select ctid from (select ctid, id, row_number() over (partition by id order by ctid) as copy from invalid_run_list) i
  where id is null or copy > 1
);

do $$
declare
  name text;
begin
  foreach name in array array[
    'production_status', 'production_setup', 'production_cursor', 'production_quality', 'dataset_status', 'cups_stats'
  ]
  loop
    continue when exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'id'
      where i.indrelid = name::regclass and i.indisunique and i.indpred is null and i.indnkeyatts = 1
        and i.indkey[0] = a.attnum
    );
    execute format('alter table %I add constraint %I unique (id)', name, name || '_id_key');
  end loop;
end
$$;
