import { optionsOfSchedd } from '../ask-condor.ts';
import { runCondor } from '../run-condor.ts';

import type { HtcondorSite } from '#model/site.ts';

/** `MAX_JOBS_PER_SUBMISSION` of a schedd whose site did not change it; jobs that a factory has yet to make do not count. */
const mostPlainJobs = 20_000;

/** Takes a second or so; far more in one call would not end within the time that a command has. */
const mostFactoryJobs = 100_000;

/**
 * Finds out how many jobs one `condor_submit` may bring. The schedd is asked only where it makes a difference; one that
 * gives no answer is taken for one without factories, and what is too much is cut into several submissions.
 */
export async function findMaxJobs(site: HtcondorSite, wanted: number): Promise<number> {
  if (site.maxJobsPerSubmission !== undefined) return site.maxJobsPerSubmission;
  if (wanted <= mostPlainJobs) return mostPlainJobs;
  const args = [...optionsOfSchedd(site.schedds[0]), '-capabilities'];
  const result = await runCondor('condor_submit', args, { timeoutMs: site.commandTimeoutMs });
  const hasFactories = result.kind === 'ended' && /Has Late Materialization enabled/iu.test(result.stdout);
  return hasFactories ? mostFactoryJobs : mostPlainJobs;
}
