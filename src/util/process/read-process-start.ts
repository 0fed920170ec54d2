import { readProcessStat } from './process-stat.ts';

/**
 * Tells when a process was started, in clock ticks since the machine's own start: with the process id it names one
 * process for good, where the id alone is given away again.
 *
 * @returns undefined if there is no such process, or only what is left of one (a zombie); never throws
 * @see proc_pid_stat(5), fields 3 and 22
 */
export function readProcessStart(pid: number): string | undefined {
  const fields = readProcessStat(pid);
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19];
}
