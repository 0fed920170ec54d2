import { stat } from 'node:fs/promises';

import { SiteError } from '#model/errors.ts';
import { present } from '#util/present.ts';
import { headOf } from '#util/text/head-of.ts';
import { withoutCredentials } from '#util/text/without-credentials.ts';

import { runGit } from './run-git.ts';

import type { CommandResult } from '#util/run-command.ts';

/** The git checkout that a payload lies in, as it is now; what of it differs from its commit is found elsewhere. */
export interface PayloadRepository {
  /** Absolute path of the payload. */
  readonly directory: string;
  /** Absolute path of the checkout. */
  readonly top: string;
  /** HEAD, in full. */
  readonly commit: string;
  /** Short hash of HEAD. */
  readonly hash: string;
  /** Address of `origin`, without credentials; the checkout's own path where it has none. */
  readonly repo: string;
  readonly hasOrigin: boolean;
  /** Absent: HEAD is detached. */
  readonly branch?: string;
  /** HEAD can be reached from `origin/BRANCH`, or where it is detached from any branch of `origin`. */
  readonly isPublished: boolean;
  /** HEAD is where `origin/BRANCH` is, as far as this checkout knows. */
  readonly isCurrent: boolean;
}

const heads = 'refs/heads/';

/**
 * Reads the state of the git checkout that holds a payload; asks no server.
 *
 * @throws SiteError if the directory does not exist, no git, or no checkout with a commit in it
 */
export async function readPayloadRepository(directory: string): Promise<PayloadRepository> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new SiteError(`Payload directory '${directory}' does not exist`, {
      code: 'site-payload-missing',
      advice: "Relative payload paths start in the current directory: change directory, or fix 'params.payload'",
    });
  }
  const [short, head, origin] = await Promise.all([
    runGit(directory, 'rev-parse', '--short', 'HEAD'),
    runGit(directory, 'rev-parse', '--show-toplevel', 'HEAD', '--symbolic-full-name', 'HEAD'),
    runGit(directory, 'config', '--get', 'remote.origin.url'),
  ]);
  const failed = [short, head].find(({ exitCode }) => exitCode !== 0);
  if (failed !== undefined) throw makeNoCheckout(directory, failed);
  const [top = '', commit = '', reference = ''] = head.stdout.split('\n');
  const hasOrigin = origin.exitCode === 0 && origin.stdout.trim() !== '';
  const branch = reference.startsWith(heads) ? reference.slice(heads.length) : undefined;
  return {
    ...{ directory, top, commit, hasOrigin },
    hash: short.stdout.trim(),
    repo: hasOrigin ? withoutCredentials(origin.stdout.trim()) : top,
    ...present({ branch }),
    ...(hasOrigin ? await findPublished(directory, commit, branch) : { isPublished: false, isCurrent: false }),
  };
}

// Local branches do not count: what only this checkout has cannot be found elsewhere.
async function findPublished(
  directory: string,
  commit: string,
  branch: string | undefined,
): Promise<Pick<PayloadRepository, 'isPublished' | 'isCurrent'>> {
  if (branch === undefined) {
    const containing = await runGit(directory, 'branch', '--remotes', '--list', 'origin/*', '--contains', commit);
    return { isPublished: containing.exitCode === 0 && containing.stdout.trim() !== '', isCurrent: false };
  }
  const remote = `refs/remotes/origin/${branch}`;
  const { exitCode, stdout } = await runGit(directory, 'rev-parse', '--verify', '--quiet', remote);
  if (exitCode !== 0) return { isPublished: false, isCurrent: false };
  if (stdout.trim() === commit) return { isPublished: true, isCurrent: true };
  const ancestor = await runGit(directory, 'merge-base', '--is-ancestor', commit, remote);
  return { isPublished: ancestor.exitCode === 0, isCurrent: false };
}

function makeNoCheckout(directory: string, result: CommandResult): SiteError {
  const said = headOf(result.stderr.trim(), '\n').replace(/^fatal: /u, '');
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
      : `Clone its repository, or create one: git -C '${directory}' init; git add; git commit`,
  });
}
