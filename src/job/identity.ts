import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { UsageError } from '#model/errors.ts';
import { jobFileName } from '#model/job/job-file.ts';
import { cupsidRange, startRange } from '#model/job/parse-event.ts';
import { present } from '#util/present.ts';

/** The attempt, start and node of this process, from the environment that the batch system or wrapper sets. */
export interface JobIdentity {
  /** The cupsid. 0: a job made for reading only, which belongs to no attempt. */
  readonly cupsid: number;
  /** Number of earlier starts of the job. */
  readonly start: number;
  /** Host name of the worker node. */
  readonly node: string;
  /** Absolute; where the spool is, and `slurp-job.json` and `slurp-token`. */
  readonly directory: string;
  /** The wrapper's process; it takes a signal, ends the payload and cleans up. */
  readonly wrapperProcess?: number;
  /** The process group of the payload, where there is no wrapper. */
  readonly processGroup?: number;
}

/** The variables that a job was started with; undefined where one is not set. */
export type JobEnvironment = Readonly<Record<string, string | undefined>>;

/** Where a job's cupsid may stand when the environment has none; put there by a batch system that cannot set it. */
const cupsidFileName = 'slurp-cupsid';

/**
 * Finds the job's directory: `$SLURP_JOB_DIRECTORY`, else the nearest directory upwards with a `slurp-job.json` (payloads
 * change the directory), else the batch system's scratch directory, else where we are.
 */
export function findJobDirectory(environment: JobEnvironment = process.env, cwd: string = process.cwd()): string {
  const preset = environment['SLURP_JOB_DIRECTORY'];
  if (preset !== undefined && existsSync(preset)) return resolve(preset);
  for (let directory = cwd; ; directory = dirname(directory)) {
    if (existsSync(join(directory, jobFileName))) return directory;
    if (directory === dirname(directory)) break;
  }
  const scratch = environment['_CONDOR_SCRATCH_DIR'];
  return scratch !== undefined && existsSync(scratch) ? resolve(scratch) : cwd;
}

/**
 * Finds out which job this process belongs to: the attempt from `$cupsid`, `$SLURP_CUPSID` or the file `slurp-cupsid`;
 * the start from `$SLURP_START` or the batch system's job description.
 *
 * @throws UsageError (`cupsid-missing`, `cupsid-invalid`, `start-invalid`) where that does not say it
 * @see docs/worker.md
 */
export function findIdentity(environment: JobEnvironment = process.env, cwd: string = process.cwd()): JobIdentity {
  const directory = findJobDirectory(environment, cwd);
  const wrapperProcess = processOf(environment['SLURP_WRAPPER_PROCESS']);
  const processGroup = processOf(environment['SLURP_PROCESS_GROUP']);
  return {
    cupsid: findAttempt(environment, directory),
    start: findStart(environment),
    node: hostname(),
    directory,
    ...present({ wrapperProcess, processGroup }),
  };
}

function findAttempt(environment: JobEnvironment, directory: string): number {
  const cupsid =
    [environment['cupsid'], environment['SLURP_CUPSID']].find((word) => word !== undefined && word !== '') ??
    readIfThere(join(directory, cupsidFileName))?.trim();
  if (cupsid === undefined) {
    throw new UsageError('The job number is unknown: cupsid is not set', {
      code: 'cupsid-missing',
      facts: { directory },
      advice: "Inside a job the environment contains 'cupsid'; by hand: cupsid=NUMBER cups …",
    });
  }
  if (/^\d+$/u.test(cupsid) && Number(cupsid) <= cupsidRange.most) return Number(cupsid);
  throw new UsageError(
    `The job's number cupsid is '${cupsid}': expected a whole number from 0 to ${cupsidRange.most}`,
    { code: 'cupsid-invalid', facts: { directory } },
  );
}

function findStart(environment: JobEnvironment): number {
  const given = environment['SLURP_START'];
  const description = environment['_CONDOR_JOB_AD'];
  const text = description === undefined ? undefined : readIfThere(description);
  const counted = /^NumJobStarts\s*=\s*(\d+)\s*$/mu.exec(text ?? '')?.[1];
  const start = given !== undefined && /^\d+$/u.test(given) ? given : (counted ?? '0');
  if (Number(start) <= startRange.most) return Number(start);
  throw new UsageError(`The number of earlier starts is '${start}': expected ${startRange.most} at most`, {
    code: 'start-invalid',
    advice: 'It comes from SLURP_START, or from NumJobStarts in the description of the job',
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** 0 would be the calling process itself and 1 is init: neither is ever a job. */
function processOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/u.test(text) && Number(text) > 1 ? Number(text) : undefined;
}
