import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

import { bundle } from '../../scripts/bundle.ts';

const supervisors = ['wrapper.sh', 'slurp-launch.sh', 'slurp-supervise.sh'];

/** Makes a `dist/worker` of its own from the sources as they are, so that tests never run an older one. */
export async function makeWorkerDirectory(directory: string): Promise<string> {
  const root = findPackageRoot();
  await mkdir(directory, { recursive: true });
  for (const name of ['cups', 'bachi']) {
    const outfile = join(directory, `${name}.cjs`);
    await writeFile(outfile, await bundle({ entry: join(root, 'src/commands', `${name}.ts`), outfile }));
  }
  for (const name of ['cups', 'cups.py', 'bachi', 'bachi.py', ...supervisors]) {
    const source = supervisors.includes(name) ? name : 'launcher.sh';
    await copyFile(join(root, 'src/job', source), join(directory, name));
    await chmod(join(directory, name), 0o755);
  }
  return directory;
}
