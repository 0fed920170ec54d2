import { sql } from '#db/sql.ts';

import type { Statement } from '#db/sql.ts';
import type { TypeChange } from '#model/report/migration.ts';

function expressionOf({ column, to, from, isCount }: TypeChange): Statement {
  const name = sql.identifier(column);
  const type = sql.verbatim(to);
  if (isCount) return sql`coalesce(${name}, 0)::${type}`;
  if (to !== 'timestamp') return sql`${name}::${type}`;
  return from.startsWith('timestamp') ? sql`${name} at time zone 'UTC'` : sql`nullif(${name}::text, '')::timestamp`;
}

/**
 * Makes the statements that change the types of columns, one a table, so that each table is written again once at most.
 * Names are not qualified: the schema must be on the search path.
 *
 * @param state where the type of `production_status.status` changes as well
 */
export function makeTypeChanges(
  changes: readonly TypeChange[],
  state?: { readonly table: string; readonly column: string },
): readonly Statement[] {
  const clauses = new Map<string, Statement[]>();
  const put = (table: string, clause: Statement): void => {
    clauses.set(table, [...(clauses.get(table) ?? []), clause]);
  };
  for (const change of changes) {
    const column = sql.identifier(change.column);
    put(change.table, sql`alter column ${column} type ${sql.verbatim(change.to)} using ${expressionOf(change)}`);
  }
  if (state !== undefined) {
    const column = sql.identifier(state.column);
    put(state.table, sql`alter column ${column} type prodstate using ${column}::text::prodstate`);
  }
  return [...clauses].map(([table, parts]) => sql`alter table ${sql.identifier(table)} ${sql.join(parts)}`);
}
