import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

async function git(directory: string, ...args: readonly string[]): Promise<string> {
  const identity = ['-c', 'user.name=demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false'];
  const { exitCode, stdout, stderr } = await runCommand('git', [...identity, ...args], { cwd: directory });
  if (exitCode === 0) return stdout;
  throw new SiteError(`'git ${args.join(' ')}' failed in '${directory}': ${stderr.trim()}`, { code: 'site-git' });
}

/**
 * Lays out the directory of a production as a group of physicists has it: a rule file of `rules/` under its own name, and
 * `payload/`, a git checkout with the scripts of `rules/payload/`, whose `origin` is the bare `payload.git` beside it.
 * Done again, it brings both up to date.
 *
 * @param directory absolute; made if it is missing
 * @param ruleFile name of a file in `rules/`
 */
export async function layOut(directory: string, ruleFile: string): Promise<void> {
  const rules = join(findPackageRoot(), 'rules');
  const payload = join(directory, 'payload');
  await mkdir(directory, { recursive: true });
  await cp(join(rules, ruleFile), join(directory, ruleFile));
  if (!existsSync(join(directory, 'payload.git'))) {
    await git(directory, 'init', '--quiet', '--bare', '--initial-branch=main', 'payload.git');
  }
  if (!existsSync(join(payload, '.git'))) {
    await git(directory, 'init', '--quiet', '--initial-branch=main', 'payload');
    await git(payload, 'remote', 'add', 'origin', join(directory, 'payload.git'));
  }
  await cp(join(rules, 'payload'), payload, { recursive: true });
  await git(payload, 'add', '--all');
  if ((await git(payload, 'status', '--porcelain')) !== '') {
    await git(payload, 'commit', '--quiet', '--message', 'The scripts of the production');
  }
  await git(payload, 'push', '--quiet', 'origin', 'main');
}
