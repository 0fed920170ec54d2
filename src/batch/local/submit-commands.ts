import { resolve } from 'node:path';

import type { BatchJob } from '../backend.ts';
import type { StoredSubmission } from './read-submission.ts';

/** Fills in what only the batch system knows: `$(ClusterId)` and `$(ProcId)`, in any case, also by their old names. */
export function fillNumbers(text: string, cluster: number, process: number): string {
  return text
    .replaceAll(/\$\(Cluster(?:Id)?\)/giu, String(cluster))
    .replaceAll(/\$\(Proc(?:Id|ess)\)/giu, String(process));
}

/**
 * Parses the submit command `environment`: `"A=1 B='x y' C='it''s'"` in double quotes, or the old form `A=1;B=x y`.
 *
 * @see https://htcondor.readthedocs.io, condor_submit, `environment`
 */
export function parseEnvironment(text: string): Readonly<Record<string, string>> {
  const trimmed = text.trim();
  const isNewForm = trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"');
  const assignments = isNewForm
    ? (
        trimmed
          .slice(1, -1)
          .replaceAll('""', '"')
          .match(/(?:[^\s']|'(?:[^']|'')*')+/gu) ?? []
      ).map(unquote)
    : trimmed.split(';');
  return Object.fromEntries(
    assignments.flatMap((assignment) => {
      const equals = assignment.indexOf('=');
      return equals < 1 ? [] : [[assignment.slice(0, equals).trim(), assignment.slice(equals + 1)]];
    }),
  );
}

function unquote(word: string): string {
  return word.replaceAll(/'((?:[^']|'')*)'/gu, (_, inner: string) => inner.replaceAll("''", "'"));
}

/** Splits a comma list of a submit command; `""` and nothing are the empty list. */
export function parseList(text: string | undefined): readonly string[] {
  if (text === undefined || text.trim() === '""') return [];
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
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
      : fillNumbers(value, submission.cluster, job.process);
  };
  const initial = resolve(submission.submitDirectory, command('initialdir') ?? '.');
  const destination = resolve(initial, withoutScheme(command('output_destination') ?? '.'));
  const place = (name: 'output' | 'error' | 'log', base: string): Readonly<Record<string, string>> => {
    const value = command(name);
    return value === undefined || value === '/dev/null' ? {} : { [name]: resolve(base, withoutScheme(value)) };
  };
  return {
    initial,
    destination,
    ...place('output', destination),
    ...place('error', destination),
    ...place('log', initial),
  };
}

/** `file:///a/b`, `file://./a`, `file:/a` → the path. */
function withoutScheme(text: string): string {
  return text.replace(/^file:(?:\/\/)?/u, '');
}
