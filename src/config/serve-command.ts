import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { packageRoot } from '#util/package-root.ts';

/** How `slurp` itself is started. */
export interface SlurpProgram {
  /** Program and first arguments. */
  readonly command: readonly [string, ...string[]];
  /** The file that holds the program; absolute. */
  readonly file: string;
  /** When that file was made, in ms. */
  readonly fileTime: number;
}

/** Finds the `slurp` that belongs to what runs now: the built one, or from the sources when these are run themselves. */
export function findSlurpProgram(): SlurpProgram {
  const root = packageRoot();
  if (fileURLToPath(import.meta.url).endsWith('.ts')) {
    const file = join(root, 'src/commands/slurp.ts');
    const loader = createRequire(join(root, 'package.json')).resolve('tsx');
    return { command: [process.execPath, '--import', pathToFileURL(loader).href, file], file, fileTime: 0 };
  }
  const file = join(root, 'dist/slurp.mjs');
  return { command: [process.execPath, file], file, fileTime: statSync(file).mtimeMs };
}
