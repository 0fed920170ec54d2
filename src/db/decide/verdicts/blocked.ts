import { sql } from '#db/connect.ts';
import { countOf } from '#util/count-of.ts';

import { describeAttempt, formatTime } from '../explain/describe-attempt.ts';
import { findAttempt } from '../explain/find-attempt.ts';
import { dstfileSql, likePrefixOf } from '../product-sql.ts';

import type { Statement } from '#db/connect.ts';
import type { JobState } from '#model/job/job-state.ts';
import type { HeldAfterEnd, StoppedSubmission } from '#model/job/stuck-jobs.ts';
import type { BlockingAttempt } from '#model/report/verdict-fact.ts';
import type { FoundLog, RowDoubts, Why } from '#model/report/why.ts';

import type { RowSql } from '../product-sql.ts';
import type { EarlyJudging, VerdictPart } from './verdict-part.ts';

// The index over live attempts knows the final states alone: others would have to be written there with each report. The
// attempts that are under way are few, and looked up one by one.
function stateSql(attempts: Statement, alias: Statement): Statement {
  return sql`coalesce(${alias}.final_state, (select p.status from ${attempts} p where p.id = ${alias}.id))`;
}

// What an attempt blocks: all states but the unblocked ones.
function blocksSql(attempts: Statement, alias: Statement, unblockStates: readonly JobState[]): Statement {
  return unblockStates.length === 0
    ? sql`${alias}.id is not null`
    : sql`(${alias}.id is not null and ${stateSql(attempts, alias)}::text <> all(${unblockStates}::text[]))`;
}

/** How a row `c` and the live attempts of its product are read together. */
export interface BlockingSql {
  /** Joins the live attempts. */
  readonly joins: Statement;
  readonly isBlocked: Statement;
  /** Of the attempt that blocks. */
  readonly state: Statement;
  /** Of the attempt that blocks, or that will be replaced. */
  readonly cupsid: Statement;
}

/** Reads the live attempts of a row's product, under both names where there are two. */
export function readBlocking({ session, request, names }: EarlyJudging, row: RowSql): BlockingSql {
  const attempts = sql.table(session.role, 'production_status');
  const live = (alias: string, dstfile: Statement, name: string): Statement => {
    const a = sql.identifier(alias);
    // The prefix adds no condition, but lets an index-only scan read this rule's own attempts and no others.
    return sql`left join ${attempts} ${a}
      on ${a}.dstfile = ${dstfile} and ${a}.retired_at is null and ${a}.dstfile like ${likePrefixOf(name)}`;
  };
  const [a, b] = [sql`a`, sql`b`];
  const aBlocks = blocksSql(attempts, a, request.unblockStates);
  if (names.twin === undefined) {
    return {
      joins: live('a', sql`c.dstfile`, names.dstname),
      isBlocked: aBlocks,
      state: sql`case when ${aBlocks} then ${stateSql(attempts, a)} end`,
      cupsid: sql`a.id`,
    };
  }
  const bBlocks = blocksSql(attempts, b, request.unblockStates);
  const twin = dstfileSql(sql`${names.twin}::text`, row, names.isStreamed);
  return {
    joins: sql`${live('a', sql`c.dstfile`, names.dstname)} ${live('b', twin, names.twin)}`,
    isBlocked: sql`${aBlocks} or ${bBlocks}`,
    state: sql`case when ${aBlocks} then ${stateSql(attempts, a)} when ${bBlocks} then ${stateSql(attempts, b)} end`,
    cupsid: sql`case when ${aBlocks} then a.id when ${bBlocks} then b.id else coalesce(a.id, b.id) end`,
  };
}

function describeLog(log: FoundLog | undefined): readonly string[] {
  if (log === undefined) return [];
  return [
    `log: ${log.path}${log.lines.length === 0 ? ' (empty)' : ', which ends:'}`,
    ...log.lines.map((line) => `  ${line}`),
  ];
}

/** How its job stands in the batch system, and what to do about a product that an attempt blocks. */
function describeRemedy(
  attempt: BlockingAttempt | undefined,
  why: Why,
  doubts: RowDoubts | undefined,
): readonly string[] {
  const { byAttempt, silence } = why.standings;
  const standing = attempt === undefined ? undefined : byAttempt[attempt.id];
  if (standing?.kind === 'stopped') return describeStopped(standing.stop);
  const advice = describeRemedyOf(attempt?.state, doubts?.isUnregistered === true);
  const doubt = silence === undefined ? [] : [`the batch system does not report the state of its job: ${silence}`];
  return standing === undefined ? [...doubt, advice] : [...describeHeld(standing.job), advice];
}

function describeStopped({ cluster, kind, reason, unmade }: StoppedSubmission): readonly string[] {
  const which = `cluster ${cluster ?? 'unknown'}`;
  const rest = `${countOf(unmade, 'job')} not created yet`;
  if (kind === 'held') {
    return [
      `it has no job: ${which} is held, with ${rest}: ${reason}`,
      `to resume it: condor_release ${cluster ?? 'CLUSTER'}; to end it: --clear-held-jobs`,
    ];
  }
  return [
    `it has no job: the batch system creates no more jobs of ${which}, with ${rest}: ${reason}`,
    "'slurp reconcile', or the next dispatch of the rule, takes back the jobs that were not created",
  ];
}

function describeHeld({ cluster, process, since, reason, code, subcode }: HeldAfterEnd): readonly string[] {
  const at = since === undefined ? '' : ` since ${formatTime(new Date(since))}`;
  const number = code === undefined ? '' : ` (hold code ${code}${subcode === undefined ? '' : `/${subcode}`})`;
  return [
    `its job ${cluster}.${process} ended, and is held in the queue${at}${number}: ${reason ?? 'no reason given'}`,
    'to remove the job from the queue: --clear-held-jobs',
  ];
}

// Where no file of the product is in the catalog, none has to be replaced.
function describeRemedyOf(state: JobState | undefined, isUnregistered: boolean): string {
  switch (state) {
    case 'finished':
      return `to redo it: ${isUnregistered ? '' : '--resubmit '}--unblock-state finished`;
    case 'failed':
    case 'held':
    case 'evicted':
      return `to try again: --unblock-state ${state}`;
    default:
      return `it is in progress: wait, or run 'slurp reconcile' to ask the batch system`;
  }
}

/** The product has a live attempt in a state that is not unblocked. */
export const blocked: VerdictPart<'blocked'> = {
  meaning: 'blocked',
  early: (judging, row) => Promise.resolve(readBlocking(judging, row).isBlocked),
  findFact: async ({ session }, { cupsid }) => ({ attempt: await findAttempt(session, cupsid) }),
  describe: ({ attempt }, why, { dstfile }) => [
    ...describeAttempt(attempt, why),
    ...describeLog(why.logs[dstfile ?? '']),
    ...describeRemedy(attempt, why, why.doubts[dstfile ?? '']),
  ],
};
