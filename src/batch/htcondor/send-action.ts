import { joinAnswers, optionsOfSchedd, scheddsOf } from './ask-condor.ts';
import { idsInOneCall, makeJobConstraint, makeSubmissionConstraint, piecesOf } from './constraint.ts';
import { findSubmissions } from './find-submissions.ts';
import { queryQueue } from './query.ts';
import { condorMessageOf, runCondor } from './run-condor.ts';

import type { BatchAnswer, BatchJobReport, BatchSelection } from '../backend.ts';
import type { AskedSite } from './ask-condor.ts';

/** The programs are `condor_hold`, `condor_release` and `condor_rm`. */
export type CondorAction = 'hold' | 'release' | 'remove';

const commands = { hold: 'condor_hold', release: 'condor_release', remove: 'condor_rm' } as const;

const canBe: Readonly<Record<CondorAction, (state: BatchJobReport['state']) => boolean>> = {
  hold: (state) => state === 'idle' || state === 'running' || state === 'suspended',
  release: (state) => state === 'held',
  remove: (state) => state !== 'completed' && state !== 'removed',
};

/**
 * Holds, releases or removes the jobs of a selection. A whole submission is acted on as a whole: its factory pauses, goes
 * on, or ends. Single jobs that a factory has not made yet are out of reach: `value` counts those that are not.
 *
 * @returns how many jobs it concerns; for a whole submission that is removed, also those not made yet
 */
export async function sendAction(
  site: AskedSite,
  action: CondorAction,
  selection: BatchSelection,
  reason: string,
): Promise<BatchAnswer<number>> {
  const constraint = makeSubmissionConstraint([selection.uuid]);
  if (constraint === undefined) return { kind: 'answer', value: 0 };
  const concerned = await countConcerned(site, action, selection);
  if (concerned.kind === 'unknown') return concerned;
  const constraints =
    selection.cupsids === undefined
      ? [constraint]
      : piecesOf(selection.cupsids, idsInOneCall).map((piece) => `${constraint} && ${makeJobConstraint(piece)}`);
  for (const one of constraints) {
    const answers = await Promise.all(scheddsOf(site).map((schedd) => sendActionTo(site, schedd, action, one, reason)));
    const joined = joinAnswers(answers);
    if (joined.kind === 'unknown') return joined;
  }
  return concerned;
}

/**
 * Ends the factory of a submission. Its ad alone has no ProcId, so what is made already stays and runs to its end (measured
 * on 23.9; `condor_rm CLUSTER` takes all of it).
 *
 * @returns how many jobs are never made
 */
export async function removeUnmade(site: AskedSite, uuid: string, reason: string): Promise<BatchAnswer<number>> {
  const constraint = makeSubmissionConstraint([uuid]);
  if (constraint === undefined) return { kind: 'answer', value: 0 };
  const unmade = await countUnmade(site, uuid);
  if (unmade.kind === 'unknown') return unmade;
  const factory = `${constraint} && ProcId is undefined`;
  const answers = await Promise.all(
    scheddsOf(site).map((schedd) => sendActionTo(site, schedd, 'remove', factory, reason)),
  );
  const joined = joinAnswers(answers);
  return joined.kind === 'unknown' ? joined : unmade;
}

/** A factory that was removed may stay in the queue as long as its jobs do, or until the schedd starts again. */
async function countUnmade(site: AskedSite, uuid: string): Promise<BatchAnswer<number>> {
  const found = await findSubmissions(site, [uuid], 'queue');
  if (found.kind === 'unknown') return found;
  const making = found.value.filter(({ stop }) => stop?.kind !== 'removed');
  return {
    kind: 'answer',
    value: making.reduce((sum, { count, nextProcess }) => sum + Math.max(0, count - nextProcess), 0),
  };
}

async function countConcerned(
  site: AskedSite,
  action: CondorAction,
  { uuid, cupsids }: BatchSelection,
): Promise<BatchAnswer<number>> {
  const queue = await queryQueue(site, [uuid]);
  if (queue.kind === 'unknown') return queue;
  const wanted = cupsids === undefined ? undefined : new Set(cupsids);
  const present = queue.value.filter((job) => wanted?.has(job.cupsid) !== false && canBe[action](job.state)).length;
  if (wanted !== undefined || action !== 'remove') return { kind: 'answer', value: present };
  const unmade = await countUnmade(site, uuid);
  return unmade.kind === 'unknown' ? unmade : { kind: 'answer', value: present + unmade.value };
}

async function sendActionTo(
  site: AskedSite,
  schedd: string | undefined,
  action: CondorAction,
  constraint: string,
  reason: string,
): Promise<BatchAnswer<readonly never[]>> {
  const command = commands[action];
  const args = [...optionsOfSchedd(schedd), '-reason', encodeReason(action, reason), '-constraint', constraint];
  const result = await runCondor(command, args, { timeoutMs: site.commandTimeoutMs });
  if (result.kind !== 'ended') return { kind: 'unknown', reason: result.reason };
  const { exitCode, stderr } = result;
  // Nothing matched; a schedd that is away says that it cannot be reached, before it says the same.
  const isNothing = /couldn't find/iu.test(stderr) && !/connect|address|SECMAN|communicat|timed out/iu.test(stderr);
  if (exitCode === 0 || isNothing) return { kind: 'answer', value: [] };
  return { kind: 'unknown', reason: `'${command}': ${condorMessageOf(stderr) || `exit code ${exitCode}`}` };
}

/**
 * Condor puts the reason of a hold between quotes as it is, and one with quotes in it becomes undefined (measured on
 * 23.9); that of a removal it quotes itself.
 */
function encodeReason(action: CondorAction, reason: string): string {
  const line = reason.replaceAll(/\s+/gu, ' ').trim() || 'no reason given';
  return action === 'remove' ? line : line.replaceAll('"', String.raw`\"`);
}
