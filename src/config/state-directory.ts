import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';

import { SiteError } from '#model/errors.ts';
import { describeError } from '#util/describe-error.ts';
import { createDirectoryNow } from '#util/file/create-directory.ts';

/**
 * Makes the state directory, or checks that it is ours: 0700, and owned by this account.
 *
 * @throws SiteError `site-state-…`
 */
export function createStateDirectory(stateDirectory: string): void {
  try {
    for (const name of ['logs', 'spool']) createDirectoryNow(`${stateDirectory}/${name}`, 0o700);
  } catch (cause) {
    throw new SiteError(
      `The directory '${stateDirectory}' cannot be created: ${describeError(cause, stateDirectory)}`,
      {
        code: 'site-state-unwritable',
        advice: "Go to a directory that you can write, or set 'state' in the site file",
        cause,
      },
    );
  }
  const { uid, mode } = statSync(stateDirectory);
  const me = process.getuid?.() ?? uid;
  if (uid !== me) {
    throw new SiteError(
      `The directory '${stateDirectory}' belongs to user ${uid}, but this command runs as user ${me}`,
      {
        code: 'site-state-owner',
        advice: 'Run the command as that user, or use another directory',
      },
    );
  }
  if ((mode & 0o077) !== 0) chmodSync(stateDirectory, 0o700);
  // A production is often a git checkout, and secrets are in here.
  if (!existsSync(`${stateDirectory}/.gitignore`)) writeFileSync(`${stateDirectory}/.gitignore`, '*\n');
}
