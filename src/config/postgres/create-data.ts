import { existsSync, statfsSync } from 'node:fs';
import { chown, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import type { PostgresBinaries } from './postgres-binaries.ts';
import type { ServerAccount } from './server-account.ts';

/** Where to make a server's data, as whom, and with which programs. */
export interface DataRequest {
  /** Absolute; does not exist yet. */
  readonly data: string;
  readonly account: ServerAccount;
  readonly binaries: PostgresBinaries;
  /** Never waits for the disk; only for tests. */
  readonly isDisposable?: boolean;
}

const neededBytes = 200 * 1024 ** 2;

/**
 * Makes the data of an embedded server under a temporary name and renames it when it is complete, so that an interrupted
 * start leaves nothing incomplete behind.
 *
 * The result of `initdb` is always the same and takes 1.4 s of CPU. For tests: if `SLURP_DATABASE_TEMPLATE` is set to the
 * absolute path of a directory, the first result is kept there, and copied afterwards.
 *
 * @throws SiteError `site-disk-full`, `site-postgres-init`; operating system errors
 */
export async function createData(request: DataRequest): Promise<void> {
  const { data, account } = request;
  const parent = dirname(data);
  assertSpace(parent);
  const fresh = await mkdtemp(join(parent, 'postgres.new-'));
  const template = process.env['SLURP_DATABASE_TEMPLATE'];
  try {
    if (template === undefined || !(await isCopied(template, fresh, account))) {
      if (account.owner !== undefined) await chown(fresh, account.owner.uid, account.owner.gid);
      await runInitdb(fresh, request);
      if (template !== undefined) await copyToTemplate(fresh, template);
    }
    await putInPlace(fresh, data);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function assertSpace(parent: string): void {
  const space = statfsSync(parent);
  if (space.bavail * space.bsize >= neededBytes) return;
  throw new SiteError(
    `Not enough space for a database in '${parent}': ${Math.round((space.bavail * space.bsize) / 1e6)} MB free`,
    {
      code: 'site-disk-full',
      advice: `Make at least ${Math.round(neededBytes / 1e6)} MB free, or configure your own databases in 'slurp.yaml'`,
    },
  );
}

async function runInitdb(fresh: string, { account, binaries, isDisposable }: DataRequest): Promise<void> {
  const args = ['-D', fresh, '-U', 'slurp', '--encoding=UTF8', '--no-locale', '--auth=trust', '--no-instructions'];
  if (isDisposable === true) args.push('--no-sync');
  const prefix = account.initPrefix ?? account.prefix;
  const [file = binaries.initdb, ...rest] = [...prefix, binaries.initdb, ...args];
  const result = await runCommand(file, rest, { cwd: '/', env: { ...process.env, ...binaries.environment } });
  if (result.exitCode === 0) return;
  throw new SiteError(`The database could not be created: ${result.stderr.trim().split('\n').slice(-3).join('; ')}`, {
    code: 'site-postgres-init',
    advice: 'Make sure that the disk has space and that the directory is writable',
    facts: { exitCode: result.exitCode ?? undefined, stderr: result.stderr.slice(-2000) },
  });
}

/** Copies the template of the same account; owners and modes stay. */
async function isCopied(template: string, fresh: string, account: ServerAccount): Promise<boolean> {
  const owner = await stat(template).catch(() => undefined);
  if (owner === undefined || owner.uid !== (account.owner?.uid ?? process.getuid?.())) return false;
  const { exitCode } = await runCommand('cp', ['-a', '--reflink=auto', `${template}/.`, fresh]);
  return exitCode === 0 && existsSync(join(fresh, 'PG_VERSION'));
}

async function copyToTemplate(fresh: string, template: string): Promise<void> {
  const draft = await mkdtemp(`${template}.new-`).catch(() => undefined);
  // Another account may not write there: it does without.
  if (draft === undefined) return;
  try {
    const { exitCode } = await runCommand('cp', ['-a', '--reflink=auto', `${fresh}/.`, draft]);
    if (exitCode === 0) await putInPlace(draft, template);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function putInPlace(fresh: string, path: string): Promise<void> {
  await rename(fresh, path).catch((error: NodeJS.ErrnoException) => {
    // Another process was faster; its result is the same.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}
