import { resolve } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';

import { renderTemplate } from './expand-macros.ts';

import type { JobContext, JobRow } from './job/job-row.ts';
import type { CompiledJob } from './job/make-compiled-job.ts';

/** One job with all values put in: what the batch system gets. No macros of SLURP are left. */
export interface ExpandedJob {
  /** `wrapper`: the site's wrapper, which gets the script as first argument; `own`: an absolute path. */
  readonly executable: { readonly kind: 'wrapper' } | { readonly kind: 'own'; readonly path: string };
  /** Blank-separated, ending in the cupsid. */
  readonly arguments: string;
  /** Submit commands in lower case, then attributes `+Name` whose values are ClassAd expressions. */
  readonly commands: Readonly<Record<string, string>>;
  /** Absolute paths of the directories that this job needs, without duplicates; the same array as before if they are. */
  readonly directories: readonly string[];
}

/** Turns a directory of a rule into a path: without `file:` in front, without doubled slashes, absolute. */
export function toDirectoryPath(text: string, submitDirectory: string): string {
  return resolve(submitDirectory, withoutFileScheme(text));
}

/** Joined and not resolved: that takes longer than all the rest, and these are not compared. */
function toAbsolute(text: string, submitDirectory: string): string {
  const path = withoutFileScheme(text);
  return path.startsWith('/') ? path : `${submitDirectory}/${path}`;
}

/**
 * Expands everything of one job. Pure, and fast: about 10 µs a job.
 *
 * @throws RuleError where a number format meets a column that holds no number
 */
export function expandJob(
  prepared: { readonly job: CompiledJob },
  row: JobRow,
  attempt: Omit<JobContext, 'row'>,
): ExpandedJob {
  const { job } = prepared;
  const values = job.program.evaluate({ row, ...attempt });
  const commands: Record<string, string> = {};
  for (const { key, template } of job.commands) commands[key] = renderTemplate(template, values);
  for (const { key, template } of job.attributes) commands[key] = renderTemplate(template, values);
  for (const key of job.ownLogs)
    commands[key] = toAbsolute(assertPresent(commands[key], 'the log of a job'), job.submitDirectory);
  const { executable } = job;
  return {
    executable:
      executable.kind === 'wrapper'
        ? executable
        : { kind: 'own', path: resolve(job.submitDirectory, renderTemplate(executable.template, values)) },
    arguments: renderTemplate(job.arguments, values),
    commands,
    directories: directoriesOf(job, values),
  };
}

/** Of each job the last answer: neighbours need the same directories, and a path takes longer than all the rest. */
const lastDirectories = new WeakMap<CompiledJob, { readonly texts: string[]; readonly directories: string[] }>();

function directoriesOf(job: CompiledJob, values: readonly string[]): readonly string[] {
  const texts = job.directories.map(({ template }) => renderTemplate(template, values));
  const last = lastDirectories.get(job);
  if (last?.texts.every((text, index) => text === texts[index]) === true) return last.directories;
  const directories = [...new Set(texts.map((text) => toDirectoryPath(text, job.submitDirectory)))];
  lastDirectories.set(job, { texts, directories });
  return directories;
}
