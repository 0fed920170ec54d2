import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * The one path of a file or directory, however it is reached: without symbolic links, also where the end of it is not there
 * yet. Never throws: what cannot be looked at stays as it is.
 *
 * @param path absolute
 */
export function canonicalPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonicalPathOf(parent), basename(path));
  }
}
