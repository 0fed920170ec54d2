import { dirname } from 'node:path';

import type { BatchJob, BatchSubmission } from './backend.ts';

/** What a rule's own program runs under, in the worker's directory. */
export const launcherName = 'slurp-launch.sh';

/** Files of the worker's directory that are started themselves, and not put beside every job. */
export const startedFiles: ReadonlySet<string> = new Set(['wrapper.sh', launcherName]);

/** Under this name a rule's own program is brought to a job: no file of a rule has it, and none of ours. */
export const programName = 'slurp-program';

/** Tells the launcher what to run: a name where the program was brought as {@link programName}, or an absolute path. */
export const programVariable = 'SLURP_PROGRAM';

/** Whether a job runs a program of its rule, and not our wrapper. */
export function hasOwnProgram(
  { executable }: Pick<BatchJob, 'executable'>,
  { workerDirectory }: Pick<BatchSubmission, 'workerDirectory'>,
): boolean {
  return dirname(executable) !== workerDirectory;
}
