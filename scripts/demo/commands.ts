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
