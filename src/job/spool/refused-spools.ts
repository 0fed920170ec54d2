import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '#util/code-of.ts';
import { createDirectory } from '#util/file/create-directory.ts';

/** Beside the spools that come home: those with lines that cannot be taken. */
export const refusedDirectoryName = 'refused';

/** Below it: those that were resolved. */
const resolvedDirectoryName = 'resolved';

/** A spool with lines that cannot be taken. */
export interface RefusedSpool {
  /** Absolute. */
  readonly path: string;
  readonly name: string;
  /** The attempt in its name. */
  readonly cupsid: number;
}

/**
 * Finds the spools that were refused and not resolved, by name.
 *
 * @param spoolDirectory the site's
 * @throws the error of `node:fs`, but not where the directory does not exist
 */
export async function findRefusedSpools(spoolDirectory: string): Promise<readonly RefusedSpool[]> {
  const directory = join(spoolDirectory, refusedDirectoryName);
  const names = await readdir(directory).catch((error: unknown): readonly string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .toSorted((one, other) => (one < other ? -1 : 1))
    .flatMap((name) => {
      const cupsid = /^spool-(\d{1,10})-/u.exec(name)?.[1];
      return cupsid === undefined ? [] : [{ path: join(directory, name), name, cupsid: Number(cupsid) }];
    });
}

/**
 * Moves refused spools to the directory `resolved` below theirs; nothing is deleted.
 *
 * @throws the error of `node:fs`, but not where another process was faster
 */
export async function resolveRefusedSpools(spoolDirectory: string, spools: readonly RefusedSpool[]): Promise<void> {
  if (spools.length === 0) return;
  const directory = join(spoolDirectory, refusedDirectoryName, resolvedDirectoryName);
  await createDirectory(directory, 0o700);
  for (const { path, name } of spools) {
    await rename(path, join(directory, name)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}
