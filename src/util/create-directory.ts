import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it; one that is there is fine.
 *
 * Level by level, and not by Node's `recursive`: that never ends, and hears no signal, where a file system refuses with
 * ENOENT below a directory that exists, as /proc does (Node 20.20).
 *
 * @param directory absolute
 * @param mode of what is made
 * @throws the error of `node:fs`
 */
export async function createDirectory(directory: string, mode = 0o777): Promise<void> {
  const missing: string[] = [];
  for (let path = directory; !(await isDirectory(path)); path = dirname(path)) {
    missing.unshift(path);
    if (path === dirname(path)) break;
  }
  for (const path of missing) {
    try {
      await mkdir(path, { mode });
    } catch (error) {
      // Another process was faster; what exists and is not a directory stays an error.
      if (!(await isDirectory(path))) throw error;
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
