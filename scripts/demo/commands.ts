import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

import type { CommandResult } from '#util/run-command.ts';

/** Runs one of the built commands in the directory of a production, on its own site, as a user would. */
export async function callCommand(
  directory: string,
  name: 'kaedama' | 'slurp',
  args: readonly string[],
): Promise<CommandResult> {
  const { cupsid: _, ...environment } = process.env;
  return runCommand(join(findPackageRoot(), 'bin', name), args, {
    cwd: directory,
    env: { ...environment, SLURP_SITE: directory },
  });
}

/** A loop of `ramenya` that runs beside the demo. */
export interface RunningLoop {
  /** @throws SiteError if it has ended, with what it printed last */
  assertRunning(): void;
  /** The last lines that it printed. */
  readLines(): readonly string[];
  /** Lets it finish the current rule, and waits for its end. */
  stop(): Promise<void>;
}

const keptLines = 20;

/** Starts `ramenya` in the directory of a production. */
export function startLoop(directory: string, args: readonly string[]): RunningLoop {
  const { cupsid: _, ...environment } = process.env;
  const child = spawn(join(findPackageRoot(), 'bin', 'ramenya'), args, {
    cwd: directory,
    env: { ...environment, SLURP_SITE: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lines: readonly string[] = [];
  const keep = (chunk: Buffer): void => {
    lines = [
      ...lines,
      ...chunk
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    ].slice(-keptLines);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'exit');
  return {
    assertRunning: () => {
      if (child.exitCode === null && child.signalCode === null) return;
      throw new SiteError(`'ramenya ${args.join(' ')}' ended with ${child.exitCode ?? child.signalCode ?? 'nothing'}`, {
        code: 'site-demo-command',
        complaints: lines,
      });
    },
    readLines: () => lines,
    stop: async () => {
      if (child.kill('SIGTERM')) await ended;
    },
  };
}

/**
 * Runs a command that must work.
 *
 * @returns what it printed
 * @throws SiteError with all that it said, if it ended with another code than 0
 */
export async function mustCall(directory: string, name: 'kaedama' | 'slurp', args: readonly string[]): Promise<string> {
  const { exitCode, signal, stdout, stderr } = await callCommand(directory, name, args);
  if (exitCode === 0) return stdout;
  throw new SiteError(`'${name} ${args.join(' ').slice(0, 200)}' ended with ${exitCode ?? signal ?? 'nothing'}`, {
    code: 'site-demo-command',
    complaints: `${stdout}${stderr}`.trim().split('\n'),
  });
}
