import { sql } from '#db/sql.ts';
import { jobStates } from '#model/job/job-state.ts';

import { findEnum } from './find-tables.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Statement } from '#db/sql.ts';

import type { FoundTable } from './find-tables.ts';

/** Whether the type of states can stay as it is. */
export type StateTypeMatch =
  /** It has our words in our order. */
  | { readonly kind: 'fit' }
  /** It is not there, lacks words, or has them in another order, in which `<` would say something else. */
  | { readonly kind: 'unfit'; readonly words: readonly string[]; readonly isThere: boolean };

const stateColumn = { table: 'production_status', column: 'status' } as const;

/** Finds whether `prodstate` of a schema, and the column of that type, are as SLURP has them. */
export async function findStateTypeMatch(
  ask: Ask,
  schema: string,
  tables: ReadonlyMap<string, FoundTable>,
): Promise<StateTypeMatch> {
  const words = await findEnum(ask, schema, 'prodstate');
  const column = tables.get(stateColumn.table)?.columns.get(stateColumn.column);
  // PostgreSQL writes the schema before the name unless it is on the path.
  const isOfType = column === undefined || (column.isEnum && /^(?:.*\.)?prodstate$/.test(column.type));
  const isFit = isOfType && words?.join() === jobStates.join();
  return isFit ? { kind: 'fit' } : { kind: 'unfit', words: words ?? [], isThere: words !== undefined };
}

/**
 * Counts rows in states that SLURP does not know; reads the table only where there can be any.
 *
 * @throws DatabaseError
 */
export async function findUnknownStates(
  ask: Ask,
  schema: string,
  tables: ReadonlyMap<string, FoundTable>,
  match: StateTypeMatch,
): Promise<readonly { readonly state: string; readonly rows: number }[]> {
  const column = tables.get(stateColumn.table)?.columns.get(stateColumn.column);
  const known: readonly string[] = jobStates;
  const canHoldOthers = match.kind === 'unfit' && (!match.isThere || match.words.some((word) => !known.includes(word)));
  if (column === undefined || !(canHoldOthers || !column.isEnum)) return [];
  return ask(sql`
    select status::text as state, count(*) as rows from ${sql.table({ schema }, stateColumn.table)}
    where status::text <> all (${known}::text[]) group by 1 order by 1`);
}

/** Makes the type again beside the old one, which gets out of its way. The column follows with the other types. */
export function makeStateType(match: StateTypeMatch): readonly Statement[] {
  if (match.kind === 'fit') return [];
  const words = sql.join(jobStates.map((state) => sql.verbatim(`'${state}'`)));
  return [
    ...(match.isThere ? [sql`alter type prodstate rename to prodstate_original`] : []),
    sql`create type prodstate as enum (${words})`,
  ];
}

/** Where the column of the type stands, if it has to change too. */
export function stateChangeOf(
  match: StateTypeMatch,
  tables: ReadonlyMap<string, FoundTable>,
): typeof stateColumn | undefined {
  return match.kind === 'unfit' && tables.has(stateColumn.table) ? stateColumn : undefined;
}

/** Drops the old type, unless something else of the site still uses it. */
export function makeTypeRemoval(match: StateTypeMatch): readonly Statement[] {
  if (match.kind === 'fit' || !match.isThere) return [];
  return [
    sql`do $$ begin drop type prodstate_original; exception when dependent_objects_still_exist then null; end $$`,
  ];
}
