import { sql } from '#db/sql.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';

/** A column as the database has it. */
export interface FoundColumn {
  /** As PostgreSQL writes it, without length, e.g. `character varying`. */
  readonly type: string;
  /** With length, e.g. `character varying(32)`. */
  readonly fullType: string;
  readonly isEnum: boolean;
  readonly isNotNull: boolean;
}

/** A relation as the database has it. */
export interface FoundTable {
  readonly name: string;
  readonly kind: 'table' | 'partitioned table' | 'view' | 'foreign table' | 'relation of another kind';
  readonly owner: string;
  /** We may change it: we are its owner, or a member of the owner. */
  readonly isOurs: boolean;
  readonly columns: ReadonlyMap<string, FoundColumn>;
}

/** A view, or rule, that reads a column of a table. */
export interface ColumnReader {
  readonly view: string;
  readonly table: string;
  readonly column: string;
}

interface ColumnRow extends FoundColumn {
  readonly table: string;
  readonly relkind: string;
  readonly owner: string;
  readonly isOurs: boolean;
  readonly column: string;
}

const kinds: Readonly<Record<string, FoundTable['kind']>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'view',
  f: 'foreign table',
};

/**
 * Finds which of these tables are in a schema, by name, and what they are like.
 *
 * @throws DatabaseError
 */
export async function findTables(
  ask: Ask,
  schema: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, FoundTable>> {
  const rows = await ask<ColumnRow>(sql`
    select c.relname::text as table, c.relkind::text as relkind, pg_get_userbyid(c.relowner)::text as owner,
           pg_has_role(c.relowner, 'USAGE') as "isOurs", a.attname::text as column,
           format_type(a.atttypid, null) as type, format_type(a.atttypid, a.atttypmod) as "fullType",
           t.typtype = 'e' as "isEnum", a.attnotnull as "isNotNull"
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where n.nspname = ${schema} and c.relname = any (${names}::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname, a.attnum`);
  const tables = new Map<string, FoundTable & { readonly columns: Map<string, FoundColumn> }>();
  for (const { table: name, relkind, owner, isOurs, column, ...facts } of rows) {
    const kind = kinds[relkind] ?? 'relation of another kind';
    const table = tables.get(name) ?? { name, kind, owner, isOurs, columns: new Map<string, FoundColumn>() };
    table.columns.set(column, facts);
    tables.set(name, table);
  }
  return tables;
}

/**
 * Finds the words of an enum of a schema, in order; undefined where there is none of that name.
 *
 * @throws DatabaseError
 */
export async function findEnum(ask: Ask, schema: string, name: string): Promise<readonly string[] | undefined> {
  const rows = await ask<{ readonly label: string }>(sql`
    select e.enumlabel::text as label
    from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace
    where n.nspname = ${schema} and t.typname = ${name} order by e.enumsortorder`);
  return rows.length === 0 ? undefined : rows.map(({ label }) => label);
}

/**
 * Finds the views that read columns of tables in a schema: PostgreSQL refuses to change the types of such columns.
 *
 * @throws DatabaseError
 */
export async function findColumnReaders(
  ask: Ask,
  schema: string,
  names: readonly string[],
): Promise<readonly ColumnReader[]> {
  return ask<ColumnReader>(sql`
    select distinct format('%I.%I', vn.nspname, v.relname) as view, c.relname::text as table, a.attname::text as column
    from pg_depend d
    join pg_rewrite r on r.oid = d.objid
    join pg_class v on v.oid = r.ev_class
    join pg_namespace vn on vn.oid = v.relnamespace
    join pg_class c on c.oid = d.refobjid and c.oid <> v.oid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
      and n.nspname = ${schema} and c.relname = any (${names}::text[])
    order by view, "table", "column"`);
}

/**
 * Returns whether the account may make tables in a schema, or the schema itself where there is none.
 *
 * @throws DatabaseError
 */
export async function canCreateTables(ask: Ask, schema: string): Promise<boolean> {
  const rows = await ask<{ readonly can: boolean }>(sql`
    select coalesce(
      (select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = ${schema}),
      has_database_privilege(current_database(), 'CREATE')
    ) as can`);
  return rows[0]?.can === true;
}
