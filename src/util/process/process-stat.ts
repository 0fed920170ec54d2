import { readFileSync } from 'node:fs';

/**
 * What the kernel reports about a process, from the third field (its state) on: the second, its name in parentheses, may itself
 * hold spaces and parentheses.
 *
 * @returns undefined if there is no such process; never throws
 * @see proc_pid_stat(5)
 */
export function readProcessStat(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
