import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { findPackageRoot } from '#util/find-package-root.ts';

/** The command that starts `slurp` again from another process, from sources or built. */
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
  const own = fileURLToPath(import.meta.url);
  if (own.endsWith('.ts')) {
    const root = findPackageRoot();
    const file = join(root, 'src/commands/slurp.ts');
    const loader = createRequire(join(root, 'package.json')).resolve('tsx');
    return { command: [process.execPath, '--import', pathToFileURL(loader).href, file], file, fileTime: 0 };
  }
  const file = join(dirname(own), basename(own).startsWith('slurp') ? basename(own) : `slurp${extname(own)}`);
  return { command: [process.execPath, file], file, fileTime: statSync(file).mtimeMs };
}
