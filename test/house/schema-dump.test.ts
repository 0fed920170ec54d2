import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, sql, type Database } from '#db/connect.ts';
import { roleNames, type RoleName } from '#model/site.ts';
import { testDatabases, type TestDatabase } from '../db/test-database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabases();
});
afterAll(() => test.close());

/** A statement whose rows (`line`) say, in order, everything that migrations can make in a schema. */
function describeSchema(schema: string) {
  return sql`
    with space as (select oid from pg_namespace where nspname = ${schema}),
    described as (
      select 1 as kind, typname::text as name, 0 as position,
             format('type %s enum (%s)', typname, string_agg(enumlabel, ', ' order by enumsortorder)) as line
        from pg_type join pg_enum on enumtypid = pg_type.oid
       where typnamespace = (select oid from space) group by typname
      union all
      select 2, relname::text, 0,
             format('table %s%s', relname, case when relispartition then ' ' || pg_get_expr(relpartbound, oid)
                                                else ' ' || pg_get_partkeydef(oid) end)
        from pg_class where relnamespace = (select oid from space) and relkind in ('r', 'p')
      union all
      select 2, relname::text, attnum,
             format('  %s %s%s%s', attname, format_type(atttypid, atttypmod),
                    case when attnotnull then ' not null' end, ' default ' || pg_get_expr(adbin, adrelid))
        from pg_class join pg_attribute on attrelid = pg_class.oid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
       where relnamespace = (select oid from space) and relkind in ('r', 'p') and attnum > 0 and not attisdropped
         and not relispartition
      union all
      select 2, relname::text, 10000 + row_number() over (partition by relname order by conname),
             format('  constraint %s %s', conname, pg_get_constraintdef(pg_constraint.oid))
        from pg_constraint join pg_class on conrelid = pg_class.oid
       where relnamespace = (select oid from space) and contype <> 'n' and not relispartition
      union all
      select 2, relname::text, 20000 + row_number() over (partition by relname order by indexrelid::regclass::text),
             '  ' || pg_get_indexdef(indexrelid)
        from pg_index join pg_class on indrelid = pg_class.oid
       where relnamespace = (select oid from space) and not relispartition
         and not exists (select from pg_constraint where conindid = indexrelid)
      union all
      select 3, proname::text, 0, pg_get_functiondef(pg_proc.oid)
        from pg_proc where pronamespace = (select oid from space) and prokind <> 'a'
      union all
      select 4, tgname::text, 0, pg_get_triggerdef(pg_trigger.oid)
        from pg_trigger join pg_class on tgrelid = pg_class.oid
       where relnamespace = (select oid from space) and not tgisinternal
    )
    select line from described where name not like 'migration%' order by kind, name, position`;
}

async function dump(database: Database, role: RoleName): Promise<string> {
  const { schema } = test.roles[role];
  const rows = await database.query<{ line: string }>(describeSchema(schema));
  const lines = rows.map(({ line }) => line.trimEnd().replaceAll(`${schema}.`, ''));
  return `-- Made by test/house/schema-dump.test.ts ('npx vitest run -u test/house') from what sql/${role}/ makes.\n${lines.join('\n')}\n`;
}

it.each(roleNames)('the dump of role %s in the repository is what its migrations make', async (role) => {
  const database = openDatabase(test.roles[role], { applicationName: 'test' });
  try {
    await expect(await dump(database, role)).toMatchFileSnapshot(`../../sql/${role}.dump`);
  } finally {
    await database.close();
  }
});
