import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import type { CommandResult } from '#util/run-command.ts';

/** The git checkout that a payload lies in, as it is now. */
export interface PayloadRepository {
  /** Absolute path of the payload. */
  readonly directory: string;
  /** Short hash of HEAD. */
  readonly hash: string;
  /** Address of `origin`; the checkout's own path where it has none. */
  readonly repo: string;
  readonly hasOrigin: boolean;
  /** Absent: HEAD is detached. */
  readonly branch?: string;
  /** Tracked files differ from HEAD. */
  readonly isDirty: boolean;
  /** HEAD can be reached from `origin/BRANCH`, or where it is detached from any branch of `origin`. */
  readonly isPublished: boolean;
  /** HEAD is where `origin/BRANCH` is, as far as this checkout knows. */
  readonly isCurrent: boolean;
}

/**
 * Reads the state of the git checkout that holds a payload; asks no server.
 *
 * @throws SiteError if there is no such directory, no git, or no checkout with a commit in it
 */
export async function readPayloadRepository(directory: string): Promise<PayloadRepository> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new SiteError(`There is no payload directory '${directory}'`, {
      code: 'site-payload-missing',
      advice: "Relative payloads are looked for from where the command is called: go there, or mend 'params.payload'",
    });
  }
  const head = await git(directory, 'rev-parse', '--short', 'HEAD');
  if (head.exitCode !== 0) throw noCheckout(directory, head);
  const [origin, branch, status, top] = [
    await git(directory, 'config', '--get', 'remote.origin.url'),
    await git(directory, 'symbolic-ref', '--quiet', '--short', 'HEAD'),
    await git(directory, 'status', '--porcelain', '--untracked-files=no'),
    await git(directory, 'rev-parse', '--show-toplevel'),
  ];
  if (status.exitCode !== 0) throw noCheckout(directory, status);
  const hasOrigin = origin.exitCode === 0 && origin.stdout.trim() !== '';
  const name = branch.exitCode === 0 ? branch.stdout.trim() : undefined;
  return {
    directory,
    hash: head.stdout.trim(),
    repo: hasOrigin ? origin.stdout.trim() : resolve(directory, top.stdout.trim()),
    hasOrigin,
    ...(name === undefined ? {} : { branch: name }),
    isDirty: status.stdout !== '',
    isPublished: hasOrigin && (await isPublished(directory, name)),
    isCurrent: hasOrigin && name !== undefined && (await isCurrent(directory, name)),
  };
}

// Local branches do not count: what only this checkout has, nobody else can find again.
async function isPublished(directory: string, branch: string | undefined): Promise<boolean> {
  if (branch === undefined) {
    const containing = await git(directory, 'branch', '--remotes', '--list', 'origin/*', '--contains', 'HEAD');
    return containing.exitCode === 0 && containing.stdout.trim() !== '';
  }
  return (await git(directory, 'merge-base', '--is-ancestor', 'HEAD', `refs/remotes/origin/${branch}`)).exitCode === 0;
}

async function isCurrent(directory: string, branch: string): Promise<boolean> {
  const [head, remote] = [
    await git(directory, 'rev-parse', 'HEAD'),
    await git(directory, 'rev-parse', '--verify', '--quiet', `refs/remotes/origin/${branch}`),
  ];
  return remote.exitCode === 0 && head.stdout === remote.stdout;
}

const gitTimeoutMs = 60_000;

async function git(directory: string, ...args: readonly string[]): Promise<CommandResult> {
  const result = await runCommand('git', ['-C', directory, ...args], { timeoutMs: gitTimeoutMs }).catch(
    (cause: unknown) => {
      throw new SiteError("The program 'git' can't be started", {
        code: 'site-git-missing',
        cause,
        advice: 'Install git: SLURP writes down which commit of a payload made which file',
      });
    },
  );
  if (!result.isTimedOut) return result;
  // Without an answer nothing is known: neither that there is no checkout, nor that a commit is not published.
  throw new SiteError(`'git ${args[0]}' did not end within ${gitTimeoutMs / 1000} s in the payload '${directory}'`, {
    code: 'site-git-slow',
    advice: "Look whether the payload's file system answers, then call the command again",
  });
}

function noCheckout(directory: string, result: CommandResult): SiteError {
  const said = (result.stderr.trim().split('\n')[0] ?? '').replace(/^fatal: /u, '');
  if (said.includes('Needed a single revision')) {
    return new SiteError(`The git checkout of the payload '${directory}' has no commit yet`, {
      code: 'site-payload-no-checkout',
      advice: `Commit what the jobs run: git -C '${directory}' add .; git -C '${directory}' commit`,
    });
  }
  return new SiteError(`The payload '${directory}' is not in a git checkout with a commit: ${said}`, {
    code: 'site-payload-no-checkout',
    advice: said.includes('dubious ownership')
      ? `If you trust it: git config --global --add safe.directory '${directory}'`
      : `Clone its repository, or make one: git -C '${directory}' init; git add; git commit`,
  });
}
