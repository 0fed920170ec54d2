import { isSameDatabase, sql } from '#db/connect.ts';
import { fates, verdicts } from '#model/verdict.ts';

import { decideEarly, withAuthorsPath } from './judge/decide-early.ts';
import { makeTables } from './make-tables.ts';
import { makeProductNames } from './product-sql.ts';
import { extraNamesOf, readQueryColumns } from './read-query-columns.ts';
import { putFit } from './verdicts/unfit.ts';
import { verdictParts } from './verdicts/verdict-parts.ts';

import type { Session } from '#db/connect.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { DecisionWarning, Funnel } from '#model/report/funnel.ts';
import type { RowSelection } from '#model/row-selection.ts';
import type { Fate, Verdict } from '#model/verdict.ts';

import type { DecisionDatabases, DecisionRequest, InputSource } from './decision-request.ts';
import type { EarlyCount } from './judge/decide-early.ts';
import type { ProductNames } from './product-sql.ts';
import type { QueryColumns } from './read-query-columns.ts';

function readColumns(session: Session, request: DecisionRequest, where: DecisionDatabases): Promise<QueryColumns> {
  const { role } = where.databases[request.query.role];
  const place = { schema: role.schema, statementTimeoutMs: where.statementTimeoutMs };
  const read = (author: Session): Promise<QueryColumns> =>
    withAuthorsPath(author, place, (inner) => readQueryColumns(inner, request));
  return isSameDatabase(role, session.role) ? read(session) : where.databases[request.query.role].session(read);
}

// Only what is still open goes on, in a table of its own: the later checks never see the million that is blocked.
async function putUndecided(session: Session, columns: QueryColumns): Promise<void> {
  const names = ['ordinal', 'run', 'segment', 'streamname', 'cupsid', 'dstfile', 'source', 'files', 'ranges'];
  const list = sql.join([...names.map((name) => sql.identifier(name)), ...extraNamesOf(columns)]);
  await session.execute(
    sql`insert into pg_temp.undecided (${list}) select ${list} from pg_temp.judged where verdict is null`,
  );
  await session.execute(sql`analyze pg_temp.undecided (ordinal, verdict, dstfile)`);
}

function isComplete(counts: Partial<Record<Verdict, number>>): counts is Record<Verdict, number> {
  return verdicts.every((verdict) => counts[verdict] !== undefined);
}

/**
 * Counts rows by what became of them: `late` are the verdicts in `undecided`; what has none and is not ready is over the
 * limit.
 */
function countRows(
  early: readonly EarlyCount[],
  late: ReadonlyMap<string, number>,
  ready: number,
): Omit<Funnel, 'warnings'> {
  const byFate = new Map<Fate, number>(fates.map((fate) => [fate, late.get(fate) ?? 0]));
  const blockedByState: Partial<Record<JobState, number>> = {};
  let rows = 0;
  let undecided = 0;
  for (const { verdict, state, count } of early) {
    rows += count;
    if (verdict === null) undecided += count;
    else byFate.set(verdict, (byFate.get(verdict) ?? 0) + count);
    if (verdict === 'blocked' && state !== null) blockedByState[state] = count;
  }
  const marked = [...late.values()].reduce((sum, count) => sum + count, 0);
  byFate.set('ready', ready);
  byFate.set('over-limit', undecided - marked - ready);
  const countOfFate = (fate: Fate): number => byFate.get(fate) ?? 0;
  const counts: Partial<Record<Verdict, number>> = {};
  for (const verdict of verdicts) counts[verdict] = countOfFate(verdict);
  if (!isComplete(counts)) throw new Error('A verdict is not counted');
  const faults = { rejected: countOfFate('rejected'), repeated: countOfFate('repeated') };
  const candidates = verdicts.reduce((sum, verdict) => sum + countOfFate(verdict), 0);
  return { rows, faults, candidates, counts, blockedByState };
}

async function findWarnings(
  session: Session,
  fate: Fate,
  { counts, faults }: Pick<Funnel, 'counts' | 'faults'>,
): Promise<readonly DecisionWarning[]> {
  const count = fate === 'rejected' || fate === 'repeated' ? faults[fate] : counts[fate];
  return count === 0 ? [] : ((await verdictParts[fate].warn?.(session, count)) ?? []);
}

/** What was decided; the tables behind it are in the session. */
export interface Decision {
  readonly funnel: Funnel;
  readonly columns: QueryColumns;
  readonly names: ProductNames;
  /** What was asked for. */
  readonly selection: RowSelection;
  /** Where inputs were looked for. */
  readonly inputs: InputSource['kind'];
}

/**
 * Decides every row of a rule's query, in the server, and leaves what is to be dispatched in `pg_temp.ready` of the
 * session. Writes nothing but temporary tables. The session must be one to the status database that no decision used
 * before; the tables behind the {@link Decision} stay in it for `readReady` and `findExplanation`.
 *
 * @throws RuleError where the query fails or lacks columns; DatabaseError
 * @see docs/deciding.md
 */
export async function decide(session: Session, request: DecisionRequest, where: DecisionDatabases): Promise<Decision> {
  const names = makeProductNames(request.production);
  const columns = await readColumns(session, request, where);
  const decided = { columns, names, selection: request.selection, inputs: request.inputs.kind };
  await makeTables(session, columns);
  const early = await decideEarly({ session, request, where, columns, names });
  const { catalog } = where.databases;
  const warnings: DecisionWarning[] = columns.repeated.map((name) => ({
    kind: 'repeated-column',
    count: 1,
    message: `The query returns column '${name}' more than once: the last one is used`,
  }));
  const read = countRows(early, new Map(), 0);
  warnings.push(...(await findWarnings(session, 'rejected', read)));
  if (!early.some((count) => count.verdict === null)) return { funnel: { ...read, warnings }, ...decided };

  await putUndecided(session, columns);
  const judging = { session, catalog, request, columns, names };
  for (const fate of fates) warnings.push(...((await verdictParts[fate].mark?.(judging)) ?? []));
  const ready = await putFit(judging);
  const late = await session.query<{ verdict: string; count: number }>(
    sql`select verdict, count(*)::int as count from pg_temp.undecided where verdict is not null group by verdict`,
  );
  const counted = countRows(early, new Map(late.map(({ verdict, count }) => [verdict, count])), ready);
  for (const fate of fates.filter((one) => one !== 'rejected'))
    warnings.push(...(await findWarnings(session, fate, counted)));
  return { funnel: { ...counted, warnings }, ...decided };
}
