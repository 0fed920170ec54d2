import { readProcessStat } from './process-stat.ts';

/**
 * Lets a process go on that a signal stopped (SIGSTOP, a terminal's ctrl-z).
 *
 * @returns whether it was stopped, and is resumed; false as well for one that is not ours. Never throws
 * @see proc_pid_stat(5), field 3
 */
export function wakeProcess(pid: number): boolean {
  if (readProcessStat(pid)?.[0] !== 'T') return false;
  try {
    process.kill(pid, 'SIGCONT');
    return true;
  } catch {
    return false;
  }
}
