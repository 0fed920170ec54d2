import { join } from 'node:path';

import { BatchError, SiteError, SlurpError } from '#model/errors.ts';
import { expandJob } from '#rules/expand-job.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectory } from '#util/file/create-directory.ts';

import { describeSubmission } from './submission/describe-submission.ts';

import type { BatchBackend, BatchDump, BatchJob } from '#batch/backend.ts';
import type { Site } from '#model/site.ts';

import type { Plan } from './plan-rule.ts';

/** No submission has this uuid. */
const noSubmission = '00000000-0000-0000-0000-000000000000';

/**
 * Writes what the site's batch system would be given for a plan into a directory, for reading. Reserves nothing and makes no directory
 * of a job: the cupsid is 0 everywhere, so a job that is submitted from it is stopped where it starts.
 *
 * @throws SiteError (`site-dump`) if the files cannot be written; BatchError (`batch-refused`) if a job cannot; RuleError,
 * DatabaseError
 */
export async function writePlan(
  plan: Pick<Plan, 'prepared' | 'readReady'>,
  input: {
    readonly site: Site;
    readonly backend: BatchBackend;
    readonly directory: string;
    readonly workerDirectory: string;
  },
): Promise<BatchDump> {
  const { prepared } = plan;
  const { site, backend, directory, workerDirectory } = input;
  const submission = { uuid: noSubmission, directory, ...describeSubmission(prepared, site, workerDirectory) };
  try {
    await createDirectory(directory);
    return await backend.dump(submission, makeDumpItems(plan, workerDirectory));
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof SlurpError) throw cause;
    if (!('syscall' in cause)) {
      throw new BatchError(`The batch system would refuse these jobs: ${cause.message}`, {
        code: 'batch-refused',
        cause,
        advice: 'Fix the rule and run the command again',
      });
    }
    throw new SiteError(`Cannot write the dump into '${directory}': ${describeError(cause, directory)}`, {
      code: 'site-dump',
      cause,
      advice: "Use another directory: '--dump DIRECTORY'",
    });
  }
}

async function* makeDumpItems(
  { prepared, readReady }: Pick<Plan, 'prepared' | 'readReady'>,
  workerDirectory: string,
): AsyncGenerator<BatchJob> {
  let process = 0;
  for await (const rows of readReady()) {
    for (const row of rows) {
      const { executable, arguments: words, commands } = expandJob(prepared, row, { cupsid: 0 });
      yield {
        ...{ process, cupsid: 0, dstfile: row.dstfile, arguments: words, commands },
        executable: executable.kind === 'wrapper' ? join(workerDirectory, 'wrapper.sh') : executable.path,
      };
      process += 1;
    }
  }
}
