import type { BatchSubmission } from '#batch/backend.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/**
 * Reports what all submissions of a rule have in common for the batch system.
 *
 * @param workerDirectory absolute path of `dist/worker`
 */
export function describeSubmission(
  { rule, batchName, options }: Pick<PreparedRule, 'rule' | 'batchName' | 'options'>,
  site: Pick<Site, 'mode' | 'worker' | 'spoolDirectory'>,
  workerDirectory: string,
): Omit<BatchSubmission, 'uuid' | 'count' | 'directory'> {
  return {
    batchName,
    workerDirectory,
    submitDirectory: options.submitDirectory,
    isSupervised: rule.isSupervised ?? site.worker.isSupervised,
    spoolDirectory: site.spoolDirectory,
    environment: { [site.mode === 'testbed' ? 'CUPS_TESTBED_MODE' : 'CUPS_PRODUCTION_MODE']: 'true' },
  };
}
