import { makeGitEnvironment } from '#config/make-git-environment.ts';
import { SiteError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';
import { withoutCredentials } from '#util/text/without-credentials.ts';

import type { CommandResult } from '#util/run-command.ts';

const gitTimeoutMs = 60_000;

/**
 * Asks git about the checkout that a directory lies in, whatever our environment says; asks no server. What it prints on
 * stderr is without credentials.
 *
 * @throws SiteError if git cannot be started, or does not answer within a minute: then nothing is known
 */
export async function runGit(directory: string, ...args: readonly string[]): Promise<CommandResult> {
  const options = { timeoutMs: gitTimeoutMs, env: makeGitEnvironment() };
  const result = await runCommand('git', ['-C', directory, ...args], options).catch((cause: unknown) => {
    throw new SiteError("The program 'git' cannot be started", {
      code: 'site-git-missing',
      cause,
      advice: 'Install git: SLURP records which commit of a payload made which file',
    });
  });
  if (!result.isTimedOut) return { ...result, stderr: withoutCredentials(result.stderr) };
  // Without an answer nothing is known: neither that there is no checkout, nor that a commit is not published.
  throw new SiteError(`'git ${args[0]}' did not end within ${gitTimeoutMs / 1000} s in the payload '${directory}'`, {
    code: 'site-git-slow',
    advice: "Check whether the payload's file system answers, then call the command again",
  });
}
