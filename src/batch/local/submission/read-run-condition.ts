import { readdir, writeFile } from 'node:fs/promises';

import { codeOf } from '#util/code-of.ts';
import { readProcessStat } from '#util/process/process-stat.ts';
import { readProcessStart } from '#util/process/read-process-start.ts';

import { readIfThere } from '../job-files.ts';
import { parseJobResult } from '../launcher.ts';

import type { RunFiles } from '../job-files.ts';
import type { JobResult } from '../launcher.ts';

/** How one start of a job stands; `unclaimed`: its launcher has not begun yet. */
export type RunCondition =
  | { readonly kind: 'unclaimed' }
  /** A runner took the claim, so its launcher will never begin. */
  | { readonly kind: 'given-up' }
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'ended'; readonly result: JobResult }
  /** The launcher is gone and left no word. */
  | { readonly kind: 'vanished'; readonly pid: number };

/** Reads the state of one start of a job, also of one that another process started. */
export async function readRunCondition(run: RunFiles): Promise<RunCondition> {
  const result = await readResult(run);
  if (result !== undefined) return { kind: 'ended', result };
  const claim = await readIfThere(run.pid);
  if (claim === undefined) return { kind: 'unclaimed' };
  const pid = Number.parseInt(claim, 10);
  const start = claim.slice(claim.lastIndexOf(')') + 2).split(' ')[19];
  // A launcher's claim is whole from its first moment; a runner that was killed over its own may leave an empty one.
  if (!(pid > 0) || start === undefined) return { kind: 'given-up' };
  if (readProcessStart(pid) === start) return { kind: 'running', pid };
  // It may have ended between the two looks.
  const late = await readResult(run);
  return late === undefined ? { kind: 'vanished', pid } : { kind: 'ended', result: late };
}

async function readResult(run: RunFiles): Promise<JobResult | undefined> {
  const text = await readIfThere(run.result);
  return text === undefined ? undefined : parseJobResult(text);
}

/**
 * Takes the claim to a start, so that its launcher, should it still come, does nothing.
 *
 * @returns false if the launcher was first
 */
export async function claimRun(run: RunFiles): Promise<boolean> {
  try {
    await writeFile(run.pid, '0 (given up) X\n', { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // The directory itself was never made, so no launcher can come.
    if (codeOf(error) === 'ENOENT') return true;
    throw error;
  }
}

/** Sends a signal to the process group of a job, which passes it on as it likes; one that is gone is not an error. */
export function sendToGroup(pid: number, signal: NodeJS.Signals): void {
  sendSignal(-pid, signal);
}

/** Kills every process of a job's session, also those in groups of their own. */
export async function stopSession(pid: number): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/u.test(name)) continue;
    // Processes come and go while we look.
    if (Number(readProcessStat(Number(name))?.[3]) === pid) sendSignal(Number(name), 'SIGKILL');
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
