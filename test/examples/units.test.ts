import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { findPackageRoot } from '#util/find-package-root.ts';
import { runCommand } from '#util/run-command.ts';

it('has units for systemd whose commands get as far as the site that they name', async () => {
  const [root, cwd] = [findPackageRoot(), await mkdtemp(join(tmpdir(), 'slurp-units-'))];
  onTestFinished(() => rm(cwd, { recursive: true }));
  const units = await readdir(join(root, 'deploy'));
  expect(units.sort()).toEqual(['slurp-loop@.service', 'slurp-serve.service']);
  for (const unit of units) {
    const text = await readFile(join(root, 'deploy', unit), 'utf8');
    const [, program = '', words = ''] = /^ExecStart=\/opt\/slurp\/bin\/(\w+) (.+)$/mu.exec(text) ?? [];
    const args = words.replaceAll('%i', 'calo').replaceAll('/data/production', cwd).split(' ');
    const ended = await runCommand(join(root, 'bin', program), args, { cwd });
    const missing = unit.startsWith('slurp-serve') ? `Site '${cwd}/slurp.yaml' does not exist` : `'${cwd}/calo.yaml'`;
    expect(ended.stderr).toContain(missing);
    expect(ended.exitCode).not.toBe(2);
  }
});
