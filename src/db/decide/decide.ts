import { isSameDatabase, sql } from '#db/connect.ts';
import { verdicts } from '#model/verdict.ts';
import { countOf } from '#util/count-of.ts';

import { fillReady } from './judge/fill-ready.ts';
import { findInputs } from './inputs/find-inputs.ts';
import { findMissingExample } from './inputs/find-missing-example.ts';
import { inAuthorsPlace, judgeCandidates } from './judge/judge-candidates.ts';
import { makeTables } from './make-tables.ts';
import { markDuplicates } from './judge/mark-duplicates.ts';
import { markExisting } from './judge/mark-existing.ts';
import { findUnfitExample, markUnfit } from './judge/mark-unfit.ts';
import { makeProductNames } from './product-sql.ts';
import { extraNames, readQueryColumns } from './read-query-columns.ts';

import type { Session } from '#db/connect.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { DecisionWarning, Funnel } from '#model/report/funnel.ts';
import type { RowSelection } from '#model/row-selection.ts';
import type { RowFault, Verdict } from '#model/verdict.ts';

import type { DecisionDatabases, DecisionRequest, InputSource } from './decision-request.ts';
import type { EarlyCount } from './judge/judge-candidates.ts';
import type { ProductNames } from './product-sql.ts';
import type { QueryColumns } from './read-query-columns.ts';

function readColumns(session: Session, request: DecisionRequest, where: DecisionDatabases): Promise<QueryColumns> {
  const { role } = where.databases[request.query.role];
  const place = { schema: role.schema, statementTimeoutMs: where.statementTimeoutMs };
  const read = (author: Session): Promise<QueryColumns> =>
    inAuthorsPlace(author, place, (inner) => readQueryColumns(inner, request));
  return isSameDatabase(role, session.role) ? read(session) : where.databases[request.query.role].session(read);
}

// Only what is still open goes on, in a table of its own: the later checks never see the million that is blocked.
async function separateUndecided(session: Session, columns: QueryColumns): Promise<void> {
  const names = ['ordinal', 'run', 'segment', 'streamname', 'cupsid', 'dstfile', 'source', 'files', 'ranges'];
  const list = sql.join([...names.map((name) => sql.identifier(name)), ...extraNames(columns)]);
  await session.execute(
    sql`insert into pg_temp.undecided (${list}) select ${list} from pg_temp.judged where verdict is null`,
  );
  await session.execute(sql`analyze pg_temp.undecided (ordinal, verdict, dstfile)`);
}

async function countRejected(session: Session, total: number): Promise<readonly DecisionWarning[]> {
  if (total === 0) return [];
  const reasons = await session.query<{ note: string; count: number; run: number | null }>(
    sql`select note, count(*)::int as count, min(run) as run from pg_temp.judged where verdict = 'rejected'
      group by note order by note`,
  );
  const complaints: Readonly<Record<string, string>> = {
    runnumber: "'runnumber' is null, negative or not a whole number",
    segment: "'segment' is null, negative or not a whole number",
    files: "'files' is null or empty",
    streamname: "'streamname' is null or contains characters other than letters, digits and '_'",
  };
  return reasons.map(({ note, count, run }) => ({
    kind: 'rejected-rows',
    count,
    message: `${countOf(count, 'row')} left out: ${complaints[note] ?? note}${run === null ? '' : `, e.g. of run ${run}`}`,
  }));
}

function countLate(
  early: readonly EarlyCount[],
  late: ReadonlyMap<string, number>,
  ready: number,
): Omit<Funnel, 'warnings'> {
  const counts: Record<Verdict, number> = {
    'not-selected': 0,
    'invalid-run': 0,
    blocked: 0,
    exists: 0,
    duplicate: 0,
    'missing-inputs': 0,
    unfit: 0,
    'over-limit': 0,
    ready,
  };
  const faults: Record<RowFault, number> = { rejected: 0, repeated: late.get('repeated') ?? 0 };
  const blockedByState: Partial<Record<JobState, number>> = {};
  let rows = 0;
  let undecided = 0;
  for (const { verdict, state, count } of early) {
    rows += count;
    if (verdict === null) undecided += count;
    else if (verdict === 'rejected') faults.rejected += count;
    else counts[verdict] += count;
    if (verdict === 'blocked' && state !== null) blockedByState[state] = count;
  }
  for (const verdict of ['exists', 'duplicate', 'missing-inputs', 'unfit'] as const)
    counts[verdict] = late.get(verdict) ?? 0;
  const marked = [...late.values()].reduce((sum, count) => sum + count, 0);
  counts['over-limit'] = undecided - marked - ready;
  const candidates = verdicts.reduce((sum, verdict) => sum + counts[verdict], 0);
  return { rows, faults, candidates, counts, blockedByState };
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
 * before; the tables behind the {@link Decision} stay in it for `readReady` and `explainRun`.
 *
 * @throws RuleError where the query fails or lacks columns; DatabaseError
 * @see docs/deciding.md
 */
export async function decide(session: Session, request: DecisionRequest, where: DecisionDatabases): Promise<Decision> {
  const names = makeProductNames(request.product);
  const columns = await readColumns(session, request, where);
  const decided = { columns, names, selection: request.selection, inputs: request.inputs.kind };
  await makeTables(session, columns);
  const early = await judgeCandidates({ session, request, where, columns, names });
  const { catalog } = where.databases;
  const warnings: DecisionWarning[] = columns.repeated.map((name) => ({
    kind: 'repeated-column',
    count: 1,
    message: `The query returns column '${name}' more than once: the last one is used`,
  }));
  const rejected = early.find((count) => count.verdict === 'rejected')?.count ?? 0;
  warnings.push(...(await countRejected(session, rejected)));
  if (!early.some((count) => count.verdict === null)) {
    return { funnel: { ...countLate(early, new Map(), 0), warnings }, ...decided };
  }

  await separateUndecided(session, columns);
  if (!request.isResubmit) await markExisting(session, catalog, names);
  await markDuplicates(session, columns);
  warnings.push(...(await findInputs(session, catalog, request.inputs)));
  let ready = await fillReady(session, columns, names, request.cap);
  if (request.rowJudge !== undefined) {
    let unfit = await markUnfit(session, request.rowJudge);
    ready -= unfit;
    // Those behind the limit take the places of what is left out.
    while (unfit > 0 && request.cap !== undefined) {
      await session.execute(sql`truncate pg_temp.ready`);
      ready = await fillReady(session, columns, names, request.cap);
      unfit = await markUnfit(session, request.rowJudge);
      ready -= unfit;
    }
  }
  const late = await session.query<{ verdict: string; count: number }>(
    sql`select verdict, count(*)::int as count from pg_temp.undecided where verdict is not null group by verdict`,
  );
  const counted = countLate(early, new Map(late.map(({ verdict, count }) => [verdict, count])), ready);
  if (counted.faults.repeated > 0) {
    const count = counted.faults.repeated;
    warnings.push({
      kind: 'repeated-rows',
      count,
      message: `${countOf(count, 'row')} left out: same as an earlier row`,
    });
  }
  warnings.push(...(await findMissingExample(session, counted.counts['missing-inputs'])));
  warnings.push(...(await findUnfitExample(session, counted.counts.unfit)));
  return { funnel: { ...counted, warnings }, ...decided };
}
