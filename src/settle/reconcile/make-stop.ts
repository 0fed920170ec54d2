import type { SubmissionWithOpen } from '#db/status/find-open-attempts.ts';
import type { ReconciledStop } from '#model/report/reconciled.ts';

import type { StopOutcome } from './resolve-stop.ts';

/** Makes the record of what became of a submission that had stopped. */
export function makeStop(
  { uuid, rule, cluster }: Pick<SubmissionWithOpen, 'uuid' | 'rule' | 'cluster'>,
  seenCluster: number | undefined,
  outcome: Extract<StopOutcome, { kind: 'waits' | 'resolved' }>,
): ReconciledStop {
  const about = { submission: uuid, rule, cluster: seenCluster ?? cluster };
  if (outcome.kind === 'waits') {
    return { ...about, state: 'held', reason: outcome.stop.reason, unmade: outcome.unmade, failed: 0 };
  }
  return { ...about, state: 'ended', reason: outcome.reason, unmade: outcome.takenBack, failed: outcome.failed };
}
