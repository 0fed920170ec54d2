import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it; one that is there is fine.
 *
 * Level by level, and not by Node's `recursive`: that never ends, and handles no signal, if a file system refuses with
 * ENOENT below a directory that exists, as /proc does (Node 20.20).
 *
 * @param mode of what is made
 * @throws the error of `node:fs`
 */
export async function createDirectory(directory: string, mode = 0o777): Promise<void> {
  if (await isDirectory(directory)) return;
  if (dirname(directory) !== directory) await createDirectory(dirname(directory), mode);
  try {
    await mkdir(directory, { mode });
  } catch (error) {
    // Another process was faster; what exists and is not a directory stays an error.
    if (!(await isDirectory(directory))) throw error;
  }
}

/** The same as {@link createDirectory}, for callers that cannot wait. */
export function createDirectoryNow(directory: string, mode = 0o777): void {
  if (isDirectoryNow(directory)) return;
  if (dirname(directory) !== directory) createDirectoryNow(dirname(directory), mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if (!isDirectoryNow(directory)) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function isDirectoryNow(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
