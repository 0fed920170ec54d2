import { countOf } from '#util/count-of.ts';

import type { ReconciledStop } from '#model/report/reconciled.ts';

/** Describes it in a sentence without full stop. */
export function describeStop({ rule, cluster, state, reason, unmade, failed }: ReconciledStop): string {
  const which = `'${rule}'${cluster === null ? '' : ` (cluster ${cluster})`}`;
  if (state === 'held') {
    const release = cluster === null ? '' : `; to resume it: condor_release ${cluster}`;
    return `A submission of ${which} is held, with ${countOf(unmade, 'job')} not created yet: ${reason}${release}`;
  }
  const parts = [
    ...(unmade === 0 ? [] : [`${countOf(unmade, 'job')} taken back for the next dispatch`]),
    ...(failed === 0 ? [] : [`${countOf(failed, 'job')} failed`]),
  ];
  return `The batch system stopped creating jobs of ${which}: ${parts.join(', ')}: ${reason}`;
}
