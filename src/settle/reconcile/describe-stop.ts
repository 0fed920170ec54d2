import { countOf } from '#util/count-of.ts';

import type { SubmissionWithOpen } from '#db/status/find-open-attempts.ts';

import type { StopOutcome } from './resolve-stop.ts';

/** A submission of which the batch system makes no further jobs. */
export interface ReconciledStop {
  readonly submission: string;
  readonly rule: string;
  /** Null where it is not known. */
  readonly cluster: number | null;
  /** `held`: somebody put it on hold, and it waits. `ended`: its factory ended, and what was not made was taken back. */
  readonly state: 'held' | 'ended';
  /** In the batch system's words. */
  readonly reason: string;
  /** Attempts without a job: that wait, or that were taken back. */
  readonly unmade: number;
  /** Of an ended one: attempts that failed, because it is their job that could not be made. */
  readonly failed: number;
}

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

/** Describes it in a sentence without full stop. */
export function describeStop({ rule, cluster, state, reason, unmade, failed }: ReconciledStop): string {
  const which = `'${rule}'${cluster === null ? '' : ` (cluster ${cluster})`}`;
  if (state === 'held') {
    const release = cluster === null ? '' : `; to let it go on: condor_release ${cluster}`;
    return `A submission of ${which} is on hold, with ${countOf(unmade, 'job')} not made yet: ${reason}${release}`;
  }
  const parts = [
    ...(unmade === 0 ? [] : [`${countOf(unmade, 'job')} taken back, to be dispatched again`]),
    ...(failed === 0 ? [] : [`${countOf(failed, 'job')} failed`]),
  ];
  return `The batch system stopped making jobs of ${which}: ${parts.join(', ')}: ${reason}`;
}
