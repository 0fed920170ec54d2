import { readFileSync } from 'node:fs';

/**
 * Tells when a process was started, in clock ticks since the machine's own start: with the process id it names one
 * process for good, where the id alone is given away again.
 *
 * @returns undefined if there is no such process, or only what is left of one (a zombie)
 * @see proc_pid_stat(5), fields 3 and 22
 */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
