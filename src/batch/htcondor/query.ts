import { askCondor, joinAnswers } from './ask-condor.ts';
import { idsInOneCall, makeSubmissionConstraint, piecesOf } from './constraint.ts';
import { jobAttributes, parseJob } from './parse-job.ts';

import type { BatchAnswer, BatchJobReport } from '../backend.ts';
import type { AskedSite, CondorQuestion } from './ask-condor.ts';

/**
 * The jobs of these submissions that the schedds have. One that ended is among them, with its last state, until condor
 * has moved it to the history: it is never in neither.
 */
export function queryQueue(
  site: AskedSite,
  uuids: readonly string[],
  state?: 'held' | 'running',
): Promise<BatchAnswer<readonly BatchJobReport[]>> {
  return queryJobs(site, uuids, 'condor_q', ['-allusers'], state === undefined ? '' : `${conditions[state]} && `);
}

/** As HTCondor numbers the states; 6 is a job that runs and brings its output home. */
const conditions = { held: 'JobStatus == 5', running: '(JobStatus == 2 || JobStatus == 6)' } as const;

/**
 * Asks for jobs by their submissions, in pieces.
 *
 * @param first what they have to fulfil before their submission is looked at: the schedd compares each job with each uuid
 */
export async function queryJobs(
  site: AskedSite,
  uuids: readonly string[],
  command: CondorQuestion<BatchJobReport>['command'],
  options: readonly string[],
  first = '',
): Promise<BatchAnswer<readonly BatchJobReport[]>> {
  const answers: BatchAnswer<readonly BatchJobReport[]>[] = [];
  for (const piece of piecesOf(uuids, idsInOneCall)) {
    const constraint = makeSubmissionConstraint(piece);
    if (constraint === undefined) continue;
    const question = { command, options, attributes: jobAttributes, parse: parseJob };
    answers.push(await askCondor(site, { ...question, constraint: `${first}${constraint}` }));
  }
  return joinAnswers(answers);
}
