import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readProcessStat } from '#util/process/process-stat.ts';

import type { JobIdentity } from './identity.ts';

/** In the job's directory, once the job has learnt that it is not wanted; holds the reason. The wrapper looks for it. */
export const fencedFileName = 'slurp-fenced';

/** Whom a signal went to: the wrapper, the payload's process group, or no process that is known for sure. */
export type Signalled = 'wrapper' | 'group' | 'none';

/**
 * Ends a job that is not wanted any more: old scripts ignore exit codes, so they are sent TERM. The wrapper gets it if
 * there is one (it ends the payload, also one that ignores signals), else the process group that the job was given.
 *
 * Only a process above this one, or its group, is ever signalled: a number from the environment may be old.
 * Never throws.
 */
export function stopJob(identity: JobIdentity, reason: string): Signalled {
  try {
    writeFileSync(join(identity.directory, fencedFileName), `${reason}\n`);
  } catch {
    // The signal alone ends it too.
  }
  const above = findProcessesAbove(process.pid);
  const { wrapperProcess, processGroup } = identity;
  if (wrapperProcess !== undefined && above.some(({ pid }) => pid === wrapperProcess) && sendSignal(wrapperProcess)) {
    return 'wrapper';
  }
  if (processGroup !== undefined && above.some(({ group }) => group === processGroup) && sendSignal(-processGroup)) {
    return 'group';
  }
  return 'none';
}

/** This process and those above it, up to but not including the first of the machine. */
function findProcessesAbove(from: number): readonly { readonly pid: number; readonly group: number }[] {
  const found: { pid: number; group: number }[] = [];
  for (let pid = from; pid > 1 && found.length < 1000;) {
    const facts = readParentAndGroup(pid);
    if (facts === undefined) break;
    found.push({ pid, group: facts.group });
    pid = facts.parent;
  }
  return found;
}

/** @see proc_pid_stat(5), fields 4 and 5 */
function readParentAndGroup(pid: number): { parent: number; group: number } | undefined {
  const fields = readProcessStat(pid);
  return fields === undefined ? undefined : { parent: Number(fields[1]), group: Number(fields[2]) };
}

function sendSignal(target: number): boolean {
  try {
    return process.kill(target, 'SIGTERM');
  } catch {
    return false;
  }
}
