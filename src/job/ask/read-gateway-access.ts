import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { jobFileName, tokenFileName } from '#model/job/job-file.ts';
import { present } from '#util/present.ts';

import type { JobContainer, JobFile } from '#model/job/job-file.ts';

/** Address of the gateway and the token for it, as the dispatch left them in the job's directory. */
export interface GatewayAccess {
  readonly job: JobFile;
  /** The submission's secret: never print it. */
  readonly token: string;
}

const defaultReportTimeoutMs = 2000;
const defaultInputsTimeoutMs = 600_000;

const advice =
  'The batch system puts it there for each job; by hand, set SLURP_JOB_DIRECTORY to a directory that contains it';

/**
 * Reads `slurp-job.json` and `slurp-token` from the job's directory.
 *
 * @throws SiteError (`job-file-missing`, `job-file-invalid`, `token-missing`): the batch system did not bring them
 */
export function readGatewayAccess(directory: string): GatewayAccess {
  const job = readJobFile(directory);
  const token = readText(directory, tokenFileName, 'token-missing').trim();
  // It goes into a header, where nothing else may stand.
  if (!/^[\w.~+/=-]+$/u.test(token)) {
    throw new SiteError(`The file '${join(directory, tokenFileName)}' contains no token: expected one word`, {
      code: 'token-missing',
      advice,
    });
  }
  return { job, token };
}

/** The uuid of the job's submission; undefined where `slurp-job.json` does not say it. Never throws. */
export function readSubmission(directory: string): string | undefined {
  try {
    return readJobFile(directory).submission;
  } catch {
    return undefined;
  }
}

/** Reads `slurp-job.json` alone. */
function readJobFile(directory: string): JobFile {
  const file = join(directory, jobFileName);
  const value = parse(readText(directory, jobFileName, 'job-file-missing'));
  const submission = textOf(value, 'submission');
  const gateway = textOf(value, 'gateway');
  if (submission === undefined || gateway === undefined || !URL.canParse(gateway)) {
    throw new SiteError(`The file '${file}' does not contain the submission or the address of the gateway`, {
      code: 'job-file-invalid',
      advice,
    });
  }
  const spoolDirectory = textOf(value, 'spoolDirectory');
  const setupScript = textOf(value, 'setupScript');
  const container = containerOf(value['container']);
  return {
    submission,
    gateway,
    reportTimeoutMs: millisecondsOf(value, 'reportTimeoutMs', defaultReportTimeoutMs),
    inputsTimeoutMs: millisecondsOf(value, 'inputsTimeoutMs', defaultInputsTimeoutMs),
    mode: textOf(value, 'mode') === 'testbed' ? 'testbed' : 'production',
    ...present({ spoolDirectory, setupScript, container }),
  };
}

function containerOf(value: unknown): JobContainer | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const image = textOf({ ...value }, 'image');
  if (image === undefined) return undefined;
  const binds: readonly unknown[] = 'binds' in value && Array.isArray(value.binds) ? value.binds : [];
  return {
    runtime: 'runtime' in value && value.runtime === 'singularity' ? 'singularity' : 'apptainer',
    image,
    binds: binds.filter((bind) => typeof bind === 'string'),
  };
}

function readText(directory: string, name: string, code: string): string {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch (error) {
    throw new SiteError(`The job's directory '${directory}' has no readable '${name}'`, {
      code,
      cause: error,
      advice,
    });
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(value: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const text = value[key];
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function millisecondsOf(value: Readonly<Record<string, unknown>>, key: string, otherwise: number): number {
  const milliseconds = value[key];
  return typeof milliseconds === 'number' && milliseconds >= 0 ? milliseconds : otherwise;
}
