import { statSync } from 'node:fs';
import { join } from 'node:path';

import { findPackageRoot } from '#util/find-package-root.ts';

/** The command that starts `slurp` again from another process. */
export interface SlurpProgram {
  /** Program and first arguments. */
  readonly command: readonly [string, ...string[]];
  /** The file that holds the program; absolute. */
  readonly file: string;
  /** When that file was made, in ms. */
  readonly fileTime: number;
}

/**
 * Finds the built `slurp` of this package, for the sources too.
 *
 * @throws an operating system error if it is not built
 */
export function findSlurpProgram(): SlurpProgram {
  const file = join(findPackageRoot(), 'dist/slurp.cjs');
  return { command: [process.execPath, file], file, fileTime: statSync(file).mtimeMs };
}
