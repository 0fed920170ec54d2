import { z } from 'zod';

import { askCondor } from './ask-condor.ts';
import { idsInOneCall, piecesOf, submissionConstraint } from './constraint.ts';

import type { BatchAnswer, BatchSubmissionReport } from '../backend.ts';
import type { Ad } from './parse-ads.ts';
import type { AskedSite } from './ask-condor.ts';

const attributes = [
  ...['SlurpSubmission', 'ClusterId', 'TotalSubmitProcs', 'JobMaterializeNextProcId', 'JobMaterializePaused'],
  ...['JobMaterializePauseReason', 'ProcId'],
];

const count = z.number().int().nullish();

const submissionSchema = z.object({
  SlurpSubmission: z.string(),
  ClusterId: z.number().int(),
  TotalSubmitProcs: z.number().int(),
  ProcId: count,
  JobMaterializeNextProcId: count,
  JobMaterializePaused: count,
  JobMaterializePauseReason: z.string().nullish(),
});

/**
 * The submissions that condor knows: by the ads of their factories, else by their jobs in the queue, else by one job in
 * the history. A factory that was removed before it made a job leaves no trace.
 */
export async function findSubmissions(
  site: AskedSite,
  uuids: readonly string[],
): Promise<BatchAnswer<readonly BatchSubmissionReport[]>> {
  const found = new Map<string, BatchSubmissionReport>();
  const ask = async (
    command: 'condor_q' | 'condor_history',
    options: readonly string[],
    piece: readonly string[],
  ): Promise<{ readonly kind: 'unknown'; readonly reason: string } | undefined> => {
    const missing = piece.filter((uuid) => !found.has(uuid));
    const constraint = submissionConstraint(missing);
    if (constraint === undefined) return undefined;
    const answer = await askCondor(site, { command, options, constraint, attributes, parse: parseSubmission });
    if (answer.kind === 'unknown') return answer;
    for (const report of answer.value) if (!found.has(report.uuid)) found.set(report.uuid, report);
    return undefined;
  };
  for (const piece of piecesOf(uuids, idsInOneCall)) {
    const silent =
      (await ask('condor_q', ['-allusers', '-factory'], piece)) ?? (await ask('condor_q', ['-allusers'], piece));
    if (silent !== undefined) return silent;
  }
  // One by one: with a limit, condor stops at the first job instead of reading all of its history.
  for (const uuid of uuids) {
    const silent = await ask('condor_history', ['-limit', '1'], [uuid]);
    if (silent !== undefined) return silent;
  }
  return { kind: 'answer', value: [...found.values()] };
}

function parseSubmission(ad: Ad): BatchSubmissionReport {
  const submission = submissionSchema.parse(ad);
  const isPaused = (submission.JobMaterializePaused ?? 0) !== 0;
  return {
    uuid: submission.SlurpSubmission,
    cluster: submission.ClusterId,
    count: submission.TotalSubmitProcs,
    // Only the ad of a factory tells how far it is: in its jobs the number is that of their own making.
    nextProcess:
      submission.ProcId == null || submission.ProcId < 0
        ? (submission.JobMaterializeNextProcId ?? submission.TotalSubmitProcs)
        : submission.TotalSubmitProcs,
    ...(isPaused ? { pausedBecause: submission.JobMaterializePauseReason ?? 'no reason given' } : {}),
  };
}
