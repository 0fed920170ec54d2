import { readFileSync } from 'node:fs';

import { readProcessStat } from '#util/process/process-stat.ts';

/** What a process and those it waited for have used. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** Clock ticks a second in /proc: 100 on every Linux that runs Node. */
const ticksPerSecond = 100;

/**
 * Reads what a process used since it began, the programs that it waited for included.
 *
 * @returns undefined where /proc does not say it; never throws
 * @see proc_pid_stat(5), fields 14 to 17 and 22
 */
export function readUsage(pid: number): Usage | undefined {
  const fields = readProcessStat(pid);
  if (fields === undefined) return undefined;
  try {
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const usage = {
      cpuSeconds: ticks / ticksPerSecond,
      wallSeconds: Math.max(0, Math.round((upSeconds - Number(fields[19]) / ticksPerSecond) * 100) / 100),
    };
    return Number.isFinite(usage.cpuSeconds) && Number.isFinite(usage.wallSeconds) ? usage : undefined;
  } catch {
    return undefined;
  }
}
