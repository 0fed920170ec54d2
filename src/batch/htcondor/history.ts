import { queryJobs } from './query.ts';

import type { BatchAnswer, BatchJobReport } from '../backend.ts';
import type { AskedSite } from './ask-condor.ts';

/**
 * The jobs of these submissions that left the queue. Condor reads its whole history for it, about 60 MB of text by
 * default, and forgets what is older.
 */
export function queryHistory(
  site: AskedSite,
  uuids: readonly string[],
): Promise<BatchAnswer<readonly BatchJobReport[]>> {
  return queryJobs(site, uuids, 'condor_history', []);
}
