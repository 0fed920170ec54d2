import { pipeline } from 'node:stream/promises';

import { fates } from '#model/verdict.ts';

import { isSameDatabase, sql } from '../../connect.ts';
import { makeCandidateSelect } from '../make-candidate-select.ts';
import { extraNamesOf } from '../read-query-columns.ts';
import { toRuleError } from '../rule-query-error.ts';
import { readBlocking } from '../verdicts/blocked.ts';
import { verdictParts } from '../verdicts/verdict-parts.ts';
import { holdsRunSql } from './holds-run-sql.ts';

import type { JobState } from '#model/job/job-state.ts';
import type { Fate } from '#model/verdict.ts';

import type { Session, Statement } from '../../connect.ts';
import type { DecisionDatabases, DecisionRequest } from '../decision-request.ts';
import type { ProductNames } from '../product-sql.ts';
import type { QueryColumns } from '../read-query-columns.ts';

/** How many rows have which early verdict, and in which state what blocks them is; no verdict: still open. */
export interface EarlyCount {
  readonly verdict: Fate | null;
  readonly state: JobState | null;
  readonly count: number;
}

/**
 * The inputs of {@link decideEarly}: an open session that has the tables, and the rule as a request with its
 * columns.
 */
export interface Judging {
  readonly session: Session;
  readonly request: DecisionRequest;
  readonly where: DecisionDatabases;
  readonly columns: QueryColumns;
  readonly names: ProductNames;
}

/** Begins a read-only transaction in which the author's query finds the tables of its role, and ours never first. */
export async function withAuthorsPath<T>(
  session: Session,
  where: { readonly schema: string; readonly statementTimeoutMs: number },
  action: (session: Session) => Promise<T>,
): Promise<T> {
  return session.transaction(
    async (inner) => {
      const path = `${sql.identifier(where.schema).text}, pg_temp`;
      await inner.query(sql`select set_config('search_path', ${path}, true)`);
      return action(inner);
    },
    { isReadOnly: true, statementTimeoutMs: where.statementTimeoutMs },
  );
}

// Whether a row has to do with the run of a question.
function askedSql({ request: { asked }, columns }: Judging): { readonly isOf: Statement; readonly isAlone: boolean } {
  if (asked === undefined) return { isOf: sql`false`, isAlone: false };
  const { run, isAlone } = asked;
  return { isOf: sql`(c.run is not distinct from ${run}::int or ${holdsRunSql(run, columns)})`, isAlone };
}

/**
 * The first half of the decision, in one pass over the candidates: not selected, rejected, invalid run, blocked. A later
 * check never runs for a row with an earlier verdict; only rows without verdict carry their texts on, which is what makes
 * a million blocked rows cheap.
 *
 * @see docs/decisions/one-pass-over-candidates.md
 */
function makeJudgeStatement(judging: Judging, candidates: Statement, early: readonly EarlyStep[]): Statement {
  const row = { run: sql`c.run`, segment: sql`c.segment`, streamname: sql`c.streamname` };
  const blocking = readBlocking(judging, row);
  const asked = askedSql(judging);
  const open = [sql`dstfile`, sql`source`, sql`files`, sql`ranges`, ...extraNamesOf(judging.columns)];
  return sql`insert into pg_temp.judged (ordinal, run, segment, streamname, verdict, state, cupsid, note, is_of_asked,
      ${sql.join(open)})
    select d.ordinal, d.run, d.segment, d.streamname, d.verdict, case d.verdict when 'blocked' then d.state end,
      d.cupsid, d.complaint, d.is_of_asked,
      ${sql.join(open.map((name) => sql`case when d.verdict is null or d.is_of_asked then d.${name} end`))}
    from (
      select c.*,
        case ${sql.join(
          early.map(({ fate, condition }) => sql`when ${condition} then ${sql.verbatim(`'${fate}'`)}`),
          ' ',
        )} end as verdict,
        ${blocking.state} as state,
        ${blocking.cupsid} as cupsid,
        ${asked.isOf} as is_of_asked
      from ${candidates} as c
      ${blocking.joins}
      ${asked.isAlone ? sql`where ${asked.isOf}` : sql``}
      offset 0
    ) as d`;
}

/** A fate that is found while the query's rows are read. */
interface EarlyStep {
  readonly fate: Fate;
  readonly condition: Statement;
}

async function findEarlySteps(judging: Judging): Promise<readonly EarlyStep[]> {
  const row = { run: sql`c.run`, segment: sql`c.segment`, streamname: sql`c.streamname` };
  const steps: EarlyStep[] = [];
  for (const fate of fates) {
    const condition = await verdictParts[fate].early?.(judging, row);
    if (condition !== undefined) steps.push({ fate, condition });
  }
  return steps;
}

// Rows flow from server to server through us as the bytes they are: nothing is parsed on the way.
async function copyCandidates(judging: Judging): Promise<void> {
  const { session, request, where, columns, names } = judging;
  const database = where.databases[request.query.role];
  const select = makeCandidateSelect(
    request.query.text,
    columns,
    names,
    sql`(select current_setting('slurp.dstname'))`,
  );
  const copy = sql`copy (${select}) to stdout`;
  await database.session((author) =>
    withAuthorsPath(author, { ...where, schema: database.role.schema }, async (inner) => {
      await inner.query(sql`select set_config('slurp.dstname', ${names.dstname}, true)`);
      const into = session.copyIn(sql`copy pg_temp.candidate from stdin`);
      await pipeline(inner.copyOut(copy), into).catch((error: unknown) => {
        throw toRuleError(error, copy, request);
      });
    }),
  );
}

/**
 * Runs the rule's query, once, and fills `judged`.
 *
 * @returns how many rows have which early verdict
 * @throws RuleError where the query fails; DatabaseError
 */
export async function decideEarly(judging: Judging): Promise<readonly EarlyCount[]> {
  const { session, request, where, columns, names } = judging;
  const early = await findEarlySteps(judging);
  const role = where.databases[request.query.role].role;
  if (isSameDatabase(role, session.role)) {
    const select = makeCandidateSelect(request.query.text, columns, names, sql`${names.dstname}::text`);
    const statement = makeJudgeStatement(judging, sql`(${select})`, early);
    await withAuthorsPath(session, { ...where, schema: role.schema }, (inner) => inner.execute(statement)).catch(
      (error: unknown) => {
        throw toRuleError(error, statement, request);
      },
    );
  } else {
    await copyCandidates(judging);
    await session.execute(makeJudgeStatement(judging, sql`pg_temp.candidate`, early));
    await session.execute(sql`truncate pg_temp.candidate`);
  }
  return session.query<EarlyCount>(
    sql`select verdict, state, count(*)::int as count from pg_temp.judged group by verdict, state`,
  );
}
