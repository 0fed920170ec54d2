import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import type { Site } from '#model/site.ts';

/**
 * Tells in a sentence, without full stop, what keeps jobs from reaching the batch system of a site from here, as far as
 * it can be seen without asking anybody; undefined if nothing does. Never throws.
 */
export function findBatchProblem({ batch }: Pick<Site, 'batch'>, env = process.env): string | undefined {
  if (batch.backend !== 'htcondor') return undefined;
  const directories = (env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  if (directories.some((directory) => canRun(join(directory, 'condor_submit')))) return undefined;
  return "The site's batch system is HTCondor, and 'condor_submit' is not on the PATH: jobs cannot be submitted from here";
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
