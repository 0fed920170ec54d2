import { userInfo } from 'node:os';

import { SiteError } from '#model/errors.ts';
import { runCommand } from '#util/run-command.ts';

import type { PostgresBinaries } from './postgres-binaries.ts';

/** As whom PostgreSQL runs, which refuses root. */
export interface ServerAccount {
  /** Words put before a command line; empty when we run it as ourselves. */
  readonly prefix: readonly string[];
  /** The same for making its data, where that takes more. */
  readonly initPrefix?: readonly string[];
  /** Who must own its directories; undefined when they are ours as they are. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

async function findAccount(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const [uid, gid] = await Promise.all([runCommand('id', ['-u', name]), runCommand('id', ['-g', name])]);
  return uid.exitCode === 0 && gid.exitCode === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined;
}

function withCapability(account: { uid: number; gid: number }, capability: string): ServerAccount {
  const only = `-all,+${capability}`;
  return {
    owner: account,
    prefix: [
      'setpriv',
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      '--init-groups',
      `--inh-caps=${only}`,
      `--ambient-caps=${only}`,
      `--bounding-set=${only}`,
      // Without it access(2) looks at the files with the account's rights alone.
      '--securebits=+no_setuid_fixup',
      '--no-new-privs',
    ],
  };
}

function hasName(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

// initdb fails for a user without an entry in /etc/passwd; the server does not need one. A user namespace maps the user to
// 'nobody', who has an entry.
async function findNamelessAccount(): Promise<ServerAccount> {
  const unprivileged = await findAccount('nobody');
  const words = ['--user', `--map-user=${unprivileged?.uid ?? 65_534}`];
  const trial = await runCommand('unshare', [...words, 'id', '-un']).catch(() => undefined);
  if (trial?.exitCode === 0) return { prefix: [], initPrefix: ['unshare', ...words] };
  throw new SiteError(`User ${process.getuid?.() ?? ''} has no entry in /etc/passwd, which PostgreSQL requires`, {
    code: 'site-server-account',
    advice: "Add the entry, or run the command as a user that 'getent passwd' lists",
  });
}

/**
 * Chooses the account of the server. For an ordinary user: that user. For root: an unprivileged account that keeps one
 * single right of root, to pass through directories closed to others (a site is 0700, and so may be all above it); where
 * that can't be had, a user namespace. `ownerUid` is the owner of data that is there already.
 *
 * @throws SiteError `site-server-account`
 * @see docs/decisions/embedded-postgres-as-root.md
 */
export async function findServerAccount(binaries: PostgresBinaries, ownerUid?: number): Promise<ServerAccount> {
  if (process.getuid?.() !== 0) return hasName() ? { prefix: [] } : findNamelessAccount();
  const known = ownerUid === undefined || ownerUid === 0 ? undefined : await findAccount(String(ownerUid));
  const account = known ?? (await findAccount('postgres')) ?? (await findAccount('nobody'));
  const inNamespace: ServerAccount = { prefix: ['unshare', '--user', `--map-user=${account?.uid ?? 1000}`] };
  const asAccount =
    account === undefined ? [] : [withCapability(account, 'dac_read_search'), withCapability(account, 'dac_override')];
  const ways = ownerUid === 0 ? [inNamespace] : ownerUid === undefined ? [...asAccount, inNamespace] : asAccount;
  for (const way of ways) {
    const [program, ...words] = [...way.prefix, binaries.postgres, '-D', '/nonexistent'];
    const env = { ...process.env, ...binaries.environment };
    const trial = await runCommand(program, words, { env }).catch(() => undefined);
    // It got as far as missing the directory: so it runs, and does not think that it is root.
    if (trial?.stderr.includes('/nonexistent') === true) return way;
  }
  throw new SiteError('PostgreSQL does not run as root, and switching to another user is not possible here', {
    code: 'site-server-account',
    advice: "Run SLURP as an ordinary user, or install 'setpriv' or 'unshare' (util-linux)",
  });
}
