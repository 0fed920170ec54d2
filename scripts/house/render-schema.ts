import { sql } from '#db/connect.ts';

import type { Database, Statement } from '#db/connect.ts';

/** One object of a schema as text. */
interface Piece {
  readonly text: string;
}

// `n.nspname` is the schema; the tables of our own bookkeeping are left out.
function relations(schema: string): Statement {
  return sql`pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname !~ '^slurp_migration'`;
}

function enums(schema: string): Statement {
  return sql`
    select format('create type %I as enum (%s);', t.typname,
                  string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)) as text
    from pg_type t join pg_namespace n on n.oid = t.typnamespace join pg_enum e on e.enumtypid = t.oid
    where n.nspname = ${schema} group by t.typname order by t.typname`;
}

function tables(schema: string): Statement {
  return sql`
    select format(E'create %stable %I%s (\n%s\n)%s;', case c.relpersistence when 'u' then 'unlogged ' else '' end, c.relname,
      case when c.relispartition
           then format(' partition of %I', (select p.relname from pg_inherits i join pg_class p on p.oid = i.inhparent
                                            where i.inhrelid = c.oid)) else '' end,
      (select string_agg(line, E',\n' order by rank, name) from (
         select 1 as rank, lpad(a.attnum::text, 4, '0') as name,
                format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                       case a.attgenerated
                         when '' then ' default ' || pg_get_expr(d.adbin, d.adrelid)
                         else ' generated always as (' || regexp_replace(trim(pg_get_expr(d.adbin, d.adrelid)), '[[:space:]]+', ' ', 'g') || ') stored'
                       end,
                       case when a.attnotnull then ' not null' else '' end) as line
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         union all
         select 2, k.conname, format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
         from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n') lines),
      coalesce(' partition by ' || pg_get_partkeydef(c.oid), '') || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
        || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
    ) as text
    from ${relations(schema)} and c.relkind in ('r', 'p') order by c.relname`;
}

function indexes(schema: string): Statement {
  return sql`
    select pg_get_indexdef(i.indexrelid, 0, true) || ';' as text
    from pg_index i join pg_class x on x.oid = i.indexrelid, lateral (select i.indrelid as relation) r,
         ${relations(schema)} and c.oid = r.relation
           and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
           and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
    order by x.relname`;
}

function functions(schema: string): Statement {
  return sql`
    select pg_get_functiondef(p.oid) || ';' as text
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} and p.prokind in ('f', 'p')
    order by p.proname, pg_get_function_identity_arguments(p.oid)`;
}

function aggregates(schema: string): Statement {
  return sql`
    select format('create aggregate %I(%s) (sfunc = %s, stype = %s%s);', p.proname,
                  pg_get_function_identity_arguments(p.oid), a.aggtransfn, format_type(a.aggtranstype, null),
                  ', initcond = ' || quote_literal(a.agginitval)) as text
    from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${schema} order by p.proname, 1`;
}

function views(schema: string): Statement {
  return sql`
    select format(E'create %sview %I as\n%s', case c.relkind when 'm' then 'materialized ' else '' end, c.relname,
                  pg_get_viewdef(c.oid)) as text
    from ${relations(schema)} and c.relkind in ('v', 'm') order by c.relname`;
}

function triggers(schema: string): Statement {
  return sql`
    select pg_get_triggerdef(t.oid, true) || ';' as text
    from pg_trigger t, lateral (select t.tgrelid as relation) r,
         ${relations(schema)} and c.oid = r.relation and not t.tgisinternal and t.tgparentid = 0
    order by c.relname, t.tgname`;
}

/**
 * Renders what the migrations of a role make, from the server's own catalogs: types, tables, indexes, views, functions
 * and triggers, each in the order of their names. For reading and comparing; no order in which they could be made again.
 */
async function renderSchema(database: Database): Promise<string> {
  const { schema, role } = database.role;
  const parts: string[] = [];
  await database.session(async (session) => {
    // What stands in the schema is then printed without its name.
    await session.execute(sql`select set_config('search_path', ${schema}, false)`);
    for (const kind of [enums, tables, indexes, views, functions, aggregates, triggers]) {
      const pieces = await session.query<Piece>(kind(schema));
      parts.push(...pieces.map(({ text }) => text.trim().replace(`FUNCTION ${schema}.`, 'FUNCTION ')));
    }
  });
  return `-- ${role}\n\n${parts.join('\n\n')}\n`;
}

const header = `-- Made by scripts/dump-schema.ts from the migrations in sql/ROLE/: change those, then 'make generate'.
-- What a migrated database holds, schema by schema; for reading and comparing, it is never run.
`;

/** Renders the schemas of several roles as one text, which is `sql/schema.sql`. */
export async function renderSchemas(databases: readonly Database[]): Promise<string> {
  const parts = [header];
  for (const database of databases) parts.push(await renderSchema(database));
  return parts.join('\n');
}
