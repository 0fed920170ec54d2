import { resolve } from 'node:path';

import { withoutFileScheme } from '#util/file/without-file-scheme.ts';

import type { BatchJob } from '../backend.ts';
import type { StoredSubmission } from './submission/read-submission.ts';

/** Fills in what only the batch system knows: `$(ClusterId)` and `$(ProcId)`, in any case, also by their old names. */
export function substituteNumbers(text: string, cluster: number, process: number): string {
  return text
    .replaceAll(/\$\(Cluster(?:Id)?\)/giu, String(cluster))
    .replaceAll(/\$\(Proc(?:Id|ess)\)/giu, String(process));
}

/** Where the files of a job are taken from and brought to; all paths absolute. */
export interface JobPlaces {
  /** Relative input files are here. */
  readonly initial: string;
  /** Where output files go. */
  readonly destination: string;
  /** Where standard output and error go; absent: nowhere, they stay with the batch system. */
  readonly output?: string;
  readonly error?: string;
  /** The job's event log. */
  readonly log?: string;
}

/** Makes the places of a job out of its submit commands. */
export function placesOf(job: BatchJob, submission: StoredSubmission): JobPlaces {
  const command = (name: string): string | undefined => {
    const value = job.commands[name]?.trim();
    return value === undefined || value === '' || value === '""'
      ? undefined
      : substituteNumbers(value, submission.cluster, job.process);
  };
  const initial = resolve(submission.submitDirectory, command('initialdir') ?? '.');
  const destination = resolve(initial, withoutFileScheme(command('output_destination') ?? '.'));
  const place = (name: 'output' | 'error' | 'log', base: string): Readonly<Record<string, string>> => {
    const value = command(name);
    return value === undefined || value === '/dev/null' ? {} : { [name]: resolve(base, withoutFileScheme(value)) };
  };
  return {
    initial,
    destination,
    ...place('output', destination),
    ...place('error', destination),
    ...place('log', initial),
  };
}
