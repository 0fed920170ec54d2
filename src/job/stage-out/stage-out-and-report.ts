import { rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { TransferError } from '#model/errors.ts';
import { stageOutFlagOf } from '#model/job/error-flags.ts';
import { describeError } from '#util/describe-error.ts';

import { readStopping } from '../with-end-as-remark.ts';
import { claimName } from './claim-name.ts';
import { describeFile } from './describe-file.ts';
import { directoryOf, stageOut } from './stage-out.ts';

import type { JobEventDetail } from '#model/job/job-event.ts';
import type { NameAnswer } from '#model/job/name-question.ts';
import type { Say } from '#model/log.ts';

import type { Asked } from '../ask/ask-until-answered.ts';
import type { GatewayAccess } from '../ask/read-gateway-access.ts';
import type { JobIdentity } from '../identity.ts';
import type { ReportOutcome } from '../spool/report-event.ts';
import type { FileDescription, GivenFacts } from './describe-file.ts';
import type { StagedOut } from './stage-out.ts';

/** What a script asks for: a file, where it goes, and what it says of the file. */
export interface StageOutOrder extends GivenFacts {
  readonly file: string;
  readonly directory: string;
  readonly retries: number;
  readonly host: string;
  /** Absent: not given; below 0: not known. */
  readonly nevents?: number;
  readonly isIncrement: boolean;
}

/** The job that stages out, and how it reports. */
export interface StageOutJob {
  readonly identity: JobIdentity;
  /** Absent: the job does not know its gateway. */
  readonly access?: GatewayAccess;
  /** Ends the copy at the next good place. */
  readonly signal: AbortSignal;
  /** Reports one thing, and waits for the answer a while; absent: nothing is to be reported. */
  readonly report?: (detail: JobEventDetail) => Promise<ReportOutcome>;
  /** Throws where the gateway would refuse such a report. */
  readonly check: (detail: JobEventDetail) => void;
  readonly say: Say;
  readonly isVerbose: boolean;
}

/**
 * Brings a file of a job to its place, reports it, and removes the local one once the catalog has the copy. A failure
 * is reported too.
 *
 * @returns the report; undefined where nothing was to be reported
 * @throws UsageError where the report cannot be made, before anything is copied; TransferError `transfer-…`; the error of `node:fs` where the report finds neither spool nor gateway
 * @see docs/commands/cups.md
 */
export async function stageOutAndReport(order: StageOutOrder, job: StageOutJob): Promise<ReportOutcome | undefined> {
  const lfn = basename(order.file);
  let copy: StagedOut;
  try {
    if (job.report !== undefined) checkBefore(order, lfn, job);
    copy = await stageOutOf(order, job);
  } catch (error) {
    // Whatever keeps the failure from being reported must not hide it.
    await reportFailure(lfn, error, job).catch((problem: unknown) => {
      job.say(`the failure could not be reported: ${describeError(problem)}`);
    });
    throw error;
  }
  const { facts, contradictions } = describeFile(lfn, order);
  const reported = await job.report?.(detailOf(order, facts, lfn, copy));
  if (contradictions.length > 0) {
    // After it: a stage-out resolves what was said about earlier ones of the same file.
    const reason = `'${lfn}' is registered, but ${contradictions.join('; ')}`;
    await job.report?.({ kind: 'refused', report: 'stageout', reason, lfn, isRemark: true });
  }
  if (reported !== undefined) checkRegistered(reported, resolve(order.file), copy, job.say);
  return reported;
}

/** A file that is in its place and cannot be registered is worse than one that was not copied. */
function checkBefore(order: StageOutOrder, lfn: string, { check }: StageOutJob): void {
  const path = join(directoryOf(order.directory), lfn);
  check(detailOf(order, describeFile(lfn, order).facts, lfn, { path, how: 'put', sizeBytes: 0, md5: '0'.repeat(32) }));
}

async function stageOutOf(order: StageOutOrder, job: StageOutJob): Promise<StagedOut> {
  const { identity, access } = job;
  const stopping = readStopping(identity.directory);
  if (stopping !== undefined) {
    // A program that was killed leaves a file that looks like a product.
    throw new TransferError(`'${basename(order.file)}' is not staged out: the job is being stopped (${stopping})`, {
      code: 'transfer-stopped',
    });
  }
  const claim = async (isTaken: boolean): Promise<Asked<NameAnswer>> => {
    if (access === undefined) return { kind: 'away', reason: 'the job does not know its gateway' };
    if (!isTaken && job.report === undefined) return { kind: 'away', reason: 'nothing is to be reported' };
    const question = { start: identity.start, lfn: basename(order.file), isTaken };
    return claimName(access, identity.cupsid, question, job);
  };
  return stageOut({
    file: order.file,
    directory: order.directory,
    retries: order.retries,
    jobDirectory: identity.directory,
    owner: `${identity.cupsid}-${identity.start}`,
    signal: job.signal,
    claim,
    note: job.isVerbose ? job.say : () => undefined,
  });
}

/**
 * A failure is a message with its error condition, which the next message replaces, and stays open as a refusal until
 * the file is staged out or the refusal is resolved: scripts go on after a failed stage-out.
 */
async function reportFailure(lfn: string, error: unknown, { report }: StageOutJob): Promise<void> {
  if (report === undefined) return;
  const reason = describeError(error);
  await report({ kind: 'message', text: `Stage-out of '${lfn}' failed: ${reason}`, flag: stageOutFlagOf(lfn) });
  const code = error instanceof TransferError ? error.code : undefined;
  if (code === undefined || code === 'transfer-stopped') return;
  // Scripts also stage out files that only some jobs make.
  const isRemark = code === 'transfer-missing';
  await report({ kind: 'refused', report: 'stageout', reason, lfn, ...(isRemark ? { isRemark } : {}) });
}

function detailOf(
  { host, nevents, isIncrement }: StageOutOrder,
  facts: FileDescription['facts'],
  lfn: string,
  { path, sizeBytes, md5 }: StagedOut,
): JobEventDetail {
  // An unknown number is -1 in the catalog, and adds nothing to the job's events.
  const isCounted = nevents !== undefined && nevents >= 0;
  return {
    kind: 'stageout',
    file: { lfn, path, host, sizeBytes, md5, ...facts, events: isCounted ? nevents : -1 },
    ...(isCounted ? { nevents, ...(isIncrement ? { isIncrement: true } : {}) } : {}),
  };
}

/** Removes the local file once the catalog has the copy. @throws TransferError `transfer-refused` */
function checkRegistered(
  { delivery, registration, refusal }: ReportOutcome,
  file: string,
  copy: StagedOut,
  say: Say,
): void {
  if (registration?.isRegistered === true) {
    if (copy.how !== 'same') rmSync(file, { force: true });
    return;
  }
  if (registration?.isRefused === true) {
    const reason = registration.reason ?? 'no reason given';
    throw new TransferError(`'${copy.path}' is in place, but is not registered: ${reason}`, {
      code: 'transfer-refused',
      advice: 'The local file is kept; the row of the attempt says why',
    });
  }
  const why = {
    delivered: refusal === undefined ? (registration?.reason ?? 'the catalog did not accept it') : 'refused',
    away: `the gateway did not answer yet: ${delivery.reason}`,
    denied: `the gateway denies this job access: ${delivery.reason}`,
  };
  const state = refusal === undefined ? 'not registered yet' : 'not registered';
  say(`'${copy.path}' is in place but ${state} (${why[delivery.outcome]}): the local file is kept`);
}
