import type { Rule } from '#model/rule.ts';

/**
 * Names the files for the output and the error of a job that the rule does not name, if it knows a log directory. The logs
 * are those that its `transfer_output_files` establishes, which the payload writes; beside them the wrapper's words have
 * names of their own.
 *
 * @returns submit commands with fields and macros in them
 */
export function defaultLogsOf(
  { job, filesystem, params }: Pick<Rule, 'job' | 'filesystem' | 'params'>,
  isWrapped: boolean,
): Readonly<Record<string, string>> {
  const hasLogdir = 'logdir' in filesystem || Object.values(job).some((text) => /\{logdir\}|\$\(logdir\)/iu.test(text));
  const hasOwnLogs = (job['transfer_output_files'] ?? '').replaceAll(/["'\s,]/gu, '') !== '';
  if (!hasLogdir || (hasOwnLogs && !isWrapped)) return {};
  const [output, error] = hasOwnLogs ? ['condor.stdout', 'condor.stderr'] : ['out', 'err'];
  const logbase = params['logbase'] === undefined ? '$(slurp.dstfile)' : '{logbase}';
  const names = { output: `{logdir}/${logbase}.${output}`, error: `{logdir}/${logbase}.${error}` };
  return Object.fromEntries(Object.entries(names).filter(([key]) => (job[key] ?? '') === ''));
}
