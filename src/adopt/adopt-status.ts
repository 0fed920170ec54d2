import { describeServer } from '#db/connect.ts';
import { stateOf } from '#db/database-error.ts';
import { sql } from '#db/sql.ts';
import { DatabaseError } from '#model/errors.ts';
import { countOf } from '#util/count-of.ts';

import { checkOwners, checkTables } from './check-tables.ts';
import { countAdopted, countBytes, countOpen, countPlanned, countRows } from './count-rows.ts';
import { canCreateTables, findColumnReaders, findTables } from './find-tables.ts';
import { makeTypeChanges } from './make-type-changes.ts';
import { newStatusTables, originalStatusTables } from './original-tables.ts';
import { readSteps } from './read-steps.ts';
import { findStateTypeMatch, findUnknownStates, makeStateType, makeTypeRemoval, stateChangeOf } from './state-type.ts';

import type { Ask } from '#db/migration-bookkeeping.ts';
import type { Adoption } from '#model/report/migration.ts';
import type { Role } from '#model/site.ts';

import type { TableCheck } from './check-tables.ts';
import type { FoundTable } from './find-tables.ts';
import type { StateTypeMatch } from './state-type.ts';

/** Tables of the original, and all that is to be known before they are changed. */
export interface OriginalStatus {
  readonly tables: ReadonlyMap<string, FoundTable>;
  readonly check: TableCheck;
  readonly states: StateTypeMatch;
}

const names = Object.keys(originalStatusTables);

/** The options of {@link adoptStatus}: waiting is bounded, so that a running production is not blocked for long. */
export interface AdoptOptions {
  /** Told what is under way. */
  readonly reportPhase: (phase: string) => void;
  /** How long to wait for those who use the tables; while we wait they are locked for all others. */
  readonly lockTimeoutMs: number;
}

function assertAdoptable(role: Role, complaints: readonly string[], advice: string, code: string): void {
  if (complaints.length === 0) return;
  throw new DatabaseError(
    `The tables in schema '${role.schema}' of '${describeServer(role.url)}' cannot be adopted as those of a production`,
    { code, complaints, advice },
  );
}

/**
 * Looks whether the schema of the role holds the tables of the original, and whether all is there to adopt them; changes
 * nothing.
 *
 * @returns undefined where there are no such tables
 * @throws DatabaseError with all that is in the way: `database-foreign-tables` if they are something else,
 * `database-refused` if we may not change them, `database-in-use` if views read what would change
 */
export async function findOriginalStatus(ask: Ask, role: Role): Promise<OriginalStatus | undefined> {
  const found = await findTables(ask, role.schema, [...names, ...newStatusTables]);
  const tables = new Map([...found].filter(([name]) => names.includes(name)));
  const states = await findStateTypeMatch(ask, role.schema, tables);
  const hasType = states.kind === 'fit' || states.isThere;
  if (found.size === 0 && !hasType) return undefined;
  const check = checkTables(tables, originalStatusTables);
  const complaints = [...check.complaints];
  for (const name of newStatusTables) {
    if (found.has(name)) complaints.push(`There is a table '${name}', which the original does not have`);
  }
  if (tables.get('production_status')?.columns.has('retired_at') === true) {
    complaints.push(`'production_status' has columns of SLURP, but the list of what SLURP did there is missing`);
  }
  if (tables.has('production_status') && !tables.has('production_setup')) {
    complaints.push(`Table 'production_setup', to which 'production_status' refers, does not exist`);
  }
  assertAdoptable(role, complaints, "Name another schema for 'status' in the site file", 'database-foreign-tables');
  await checkRights(ask, role, tables);
  await checkReaders(ask, role, { tables, check, states });
  for (const { state, rows } of await findUnknownStates(ask, role.schema, tables, states)) {
    complaints.push(
      `${countOf(rows, 'row')} of 'production_status' ${rows === 1 ? 'is' : 'are'} in the state '${state}', which SLURP does not know`,
    );
  }
  assertAdoptable(role, complaints, 'Put these rows into another state first, e.g. failed', 'database-foreign-tables');
  return { tables, check, states };
}

async function checkRights(ask: Ask, role: Role, tables: ReadonlyMap<string, FoundTable>): Promise<void> {
  const complaints = [...checkOwners(tables)];
  if (!(await canCreateTables(ask, role.schema))) {
    complaints.push(`This account may not make tables in the schema '${role.schema}'`);
  }
  assertAdoptable(role, complaints, "Run 'slurp db migrate' once as the owner of the tables", 'database-refused');
}

async function checkReaders(ask: Ask, role: Role, { tables, check, states }: OriginalStatus): Promise<void> {
  const state = stateChangeOf(states, tables);
  const changing = new Set(
    [...check.changes, ...(state === undefined ? [] : [state])].map(({ table, column }) => `${table}.${column}`),
  );
  const readers = (await findColumnReaders(ask, role.schema, names)).filter(({ table, column }) =>
    changing.has(`${table}.${column}`),
  );
  if (readers.length === 0) return;
  const views = [...new Set(readers.map(({ view }) => view))];
  const complaints = views.map((view) => {
    const columns = readers.filter((reader) => reader.view === view).map(({ table, column }) => `${table}.${column}`);
    return `View '${view}' reads what gets a wider type: ${columns.join(', ')}`;
  });
  const advice = `Keep their text (select pg_get_viewdef('${views[0]}', true)), drop them, and make them again afterwards`;
  assertAdoptable(role, complaints, advice, 'database-in-use');
}

/**
 * Reports what {@link adoptStatus} will do; changes nothing, and takes no locks that others wait for.
 *
 * @throws DatabaseError
 */
export async function planAdoption(ask: Ask, role: Role, original: OriginalStatus): Promise<Adoption> {
  const before = await countRows(ask, role.schema, [...original.tables.keys()]);
  return {
    ...(await describe(ask, role, original)),
    counts: await countPlanned(ask, role.schema, names, before),
    open: before.has('production_status') ? await countOpen(ask, role.schema, false) : [],
  };
}

async function describe(
  ask: Ask,
  role: Role,
  { tables, check, states }: OriginalStatus,
): Promise<Omit<Adoption, 'counts' | 'open'>> {
  const state = stateChangeOf(states, tables);
  const rewritten = check.changes.filter(({ isRewriting }) => isRewriting).map(({ table }) => table);
  if (state !== undefined) rewritten.push(state.table);
  return {
    changes: check.changes,
    added: check.missing.map(({ table, column }) => `${table}.${column}`),
    hasNewStates: states.kind === 'unfit',
    rewrittenBytes: await countBytes(ask, role.schema, [...new Set(rewritten)]),
  };
}

/**
 * Turns the tables of the original into those of SLURP's first migration, in place, as part of a transaction of the
 * caller whose search path is the role's schema. Every row stays; of rows with one dstfile the newest is live.
 *
 * @throws DatabaseError; `database-conflict` where another session uses the tables and does not release them
 * @see docs/adopt.md
 */
export async function adoptStatus(
  ask: Ask,
  role: Role,
  sqlDirectory: string,
  { reportPhase, lockTimeoutMs }: AdoptOptions,
): Promise<Adoption | undefined> {
  if ((await findOriginalStatus(ask, role)) === undefined) return undefined;
  reportPhase('waiting for the tables');
  await ask(
    sql`select set_config('lock_timeout', ${String(lockTimeoutMs)}, true), set_config('statement_timeout', '0', true),
          set_config('maintenance_work_mem', '256MB', true), set_config('work_mem', '128MB', true)`,
  );
  await lockTables(ask, role, lockTimeoutMs);
  // They cannot change any more: what was seen before the lock may be old.
  const original = await findOriginalStatus(ask, role);
  if (original === undefined) return undefined;
  const { tables, check, states } = original;
  reportPhase('counting');
  const before = await countRows(ask, role.schema, [...tables.keys()]);
  const described = await describe(ask, role, original);
  for (const statement of makeStateType(states)) await ask(statement);
  for (const { name, statement } of await readSteps(sqlDirectory, 'status')) {
    if (name === 'set keys') {
      reportPhase('change types');
      for (const change of makeTypeChanges(check.changes, stateChangeOf(states, tables))) await ask(change);
      for (const drop of makeTypeRemoval(states)) await ask(drop);
    }
    reportPhase(name);
    await ask(statement);
  }
  reportPhase('counting');
  const counts = await countAdopted(ask, role.schema, names, before);
  checkNothingLost(role, before, counts);
  return { ...described, counts, open: await countOpen(ask, role.schema, true) };
}

async function lockTables(ask: Ask, role: Role, lockTimeoutMs: number): Promise<void> {
  const found = await findTables(ask, role.schema, names);
  // Referred tables first: that is the order in which writers of the original get at them.
  const there = names.filter((name) => found.has(name)).map((name) => sql.table(role, name));
  if (there.length === 0) return;
  try {
    await ask(sql`lock table ${sql.join(there)} in access exclusive mode`);
  } catch (cause) {
    if (stateOf(cause) !== '55P03') throw cause;
    throw new DatabaseError(
      `Others use the tables in schema '${role.schema}' of '${describeServer(role.url)}' for more than ${lockTimeoutMs / 1000} s`,
      {
        code: 'database-conflict',
        facts: { state: '55P03' },
        cause,
        advice:
          'Stop what reads or writes them for long (pg_stat_activity shows it), then try again; nothing was changed',
      },
    );
  }
}

function checkNothingLost(role: Role, before: ReadonlyMap<string, number>, counts: Adoption['counts']): void {
  const moved = counts.find(({ table }) => table === 'dataset_status_superseded')?.after ?? 0;
  for (const { table, after } of counts) {
    const expected = before.get(table) ?? 0;
    const found = table === 'dataset_status' ? after + moved : after;
    if (found >= expected) continue;
    throw new DatabaseError(
      `Adopting '${table}' of '${describeServer(role.url)}' would lose rows: ${expected} before, ${found} after; nothing was changed`,
      { code: 'database-adoption' },
    );
  }
}
