import { readFileSync } from 'node:fs';

/**
 * Lets a process go on that a signal stopped (SIGSTOP, a terminal's ctrl-z).
 *
 * @returns whether it was stopped, and is told to go on; false as well for one that is not ours. Never throws
 * @see proc_pid_stat(5), field 3
 */
export function wakeProcess(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may itself hold blanks and parentheses.
    if (stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'T') return false;
    process.kill(pid, 'SIGCONT');
    return true;
  } catch {
    return false;
  }
}
