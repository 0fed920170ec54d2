import * as z from 'zod';

import { present } from '#util/present.ts';

import { askCondor } from './ask-condor.ts';
import { idsInOneCall, makeSubmissionConstraint, piecesOf } from './constraint.ts';
import { factoryAttributes, parseStop } from './parse-stop.ts';

import type { BatchAnswer, BatchSubmissionReport, UnreadReport } from '../backend.ts';
import type { AskedSite } from './ask-condor.ts';
import type { Ad } from './parse-ads.ts';

const attributes = [
  ...['SlurpSubmission', 'ClusterId', 'TotalSubmitProcs', 'JobMaterializeLimit', 'JobMaterializeNextProcId', 'ProcId'],
  ...factoryAttributes,
];

const count = z.number().int().nullish().catch(undefined);

const submissionSchema = z.object({
  SlurpSubmission: z.string(),
  ClusterId: z.number().int(),
  TotalSubmitProcs: count,
  JobMaterializeLimit: count,
  ProcId: count,
  JobMaterializeNextProcId: count,
});

/**
 * The submissions that condor knows: by the ads of their factories, else by their jobs in the queue, else by one job in
 * the history. A factory that was removed before it made a job leaves no trace.
 *
 * @param where `queue`: the history is not asked
 */
export async function findSubmissions(
  site: AskedSite,
  uuids: readonly string[],
  where?: 'queue',
): Promise<BatchAnswer<readonly BatchSubmissionReport[]>> {
  const found = new Map<string, BatchSubmissionReport>();
  const unread: UnreadReport[] = [];
  const ask = async (
    command: 'condor_q' | 'condor_history',
    options: readonly string[],
    piece: readonly string[],
  ): Promise<{ readonly kind: 'unknown'; readonly reason: string } | undefined> => {
    const missing = piece.filter((uuid) => !found.has(uuid));
    const constraint = makeSubmissionConstraint(missing);
    if (constraint === undefined) return undefined;
    const answer = await askCondor(site, { command, options, constraint, attributes, parse: parseSubmission });
    if (answer.kind === 'unknown') return answer;
    const isOver = command === 'condor_history' ? ({ isOver: true } as const) : {};
    for (const report of answer.value) if (!found.has(report.uuid)) found.set(report.uuid, { ...report, ...isOver });
    unread.push(...(answer.unread ?? []));
    return undefined;
  };
  for (const piece of piecesOf(uuids, idsInOneCall)) {
    const silent =
      (await ask('condor_q', ['-allusers', '-factory'], piece)) ?? (await ask('condor_q', ['-allusers'], piece));
    if (silent !== undefined) return silent;
  }
  // One by one: with a limit, condor stops at the first job instead of reading all of its history.
  for (const uuid of where === 'queue' ? [] : uuids) {
    const silent = await ask('condor_history', ['-limit', '1'], [uuid]);
    if (silent !== undefined) return silent;
  }
  return { kind: 'answer', value: [...found.values()], ...(unread.length === 0 ? {} : { unread }) };
}

function parseSubmission(ad: Ad): BatchSubmissionReport {
  const submission = submissionSchema.parse(ad);
  const { SlurpSubmission: uuid, ClusterId: cluster, ProcId: process } = submission;
  // The ad of a factory that made no job yet has no TotalSubmitProcs.
  const total = submission.TotalSubmitProcs ?? submission.JobMaterializeLimit;
  if (total == null) throw new Error("'TotalSubmitProcs' and 'JobMaterializeLimit' are missing");
  // Only the ad of a factory shows how far it is: in its jobs the number is that of their own making.
  const isFactory = process == null || process < 0;
  const nextProcess = (isFactory ? submission.JobMaterializeNextProcId : undefined) ?? total;
  const stop = isFactory && nextProcess < total ? parseStop(ad) : undefined;
  return { uuid, cluster, count: total, nextProcess, ...present({ stop }) };
}
