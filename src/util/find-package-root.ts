import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Finds the directory of this package, from the sources as from the built commands in `dist/`: the nearest one upwards
 * with a `package.json`. What is not TypeScript (`sql/`, `dist/worker/`) is found from there.
 *
 * @returns an absolute path
 * @throws Error if there is none, as on a worker node, where single files stand alone
 */
export function findPackageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) throw new Error(`No 'package.json' in '${start}' or above`);
  }
}
