import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it, for who cannot wait; one that is there is fine. Level by level, for the reason
 * that `createDirectory` has.
 *
 * @param directory absolute
 * @param mode of what is made
 * @throws the error of `node:fs`
 */
export function createDirectoryNow(directory: string, mode = 0o777): void {
  if (isDirectory(directory)) return;
  if (dirname(directory) !== directory) createDirectoryNow(dirname(directory), mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    // Another process was faster; what exists and is not a directory stays an error.
    if (!isDirectory(directory)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
