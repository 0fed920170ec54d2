/** What decides about the names of a job's own output and error. */
export interface LogSources {
  /** The section `job` as written. */
  readonly job: Readonly<Record<string, string>>;
  readonly isWrapped: boolean;
  /** Whether the rule has a log directory, or a text of its job names the default one. */
  readonly hasLogdir: boolean;
  /** The text that the names begin with. */
  readonly logbase: string;
}

/**
 * Names the files for the output and the error of a job that the rule does not name. The logs are those that its
 * `transfer_output_files` establishes, which the payload writes; beside them the wrapper's words have names of their own.
 *
 * @returns submit commands with fields and macros in them
 */
export function defaultLogs({ job, isWrapped, hasLogdir, logbase }: LogSources): Readonly<Record<string, string>> {
  const hasOwnLogs = (job['transfer_output_files'] ?? '').replaceAll(/["'\s,]/gu, '') !== '';
  if (!hasLogdir || (hasOwnLogs && !isWrapped)) return {};
  const [output, error] = hasOwnLogs ? ['condor.stdout', 'condor.stderr'] : ['out', 'err'];
  const names = { output: `{logdir}/${logbase}.${output}`, error: `{logdir}/${logbase}.${error}` };
  return Object.fromEntries(Object.entries(names).filter(([key]) => (job[key] ?? '') === ''));
}
