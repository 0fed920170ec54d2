import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { spoolFileNameOf } from '#model/job/job-file.ts';

import { parseSpool, readSpool } from './read-spool.ts';

import type { SpoolHeader } from './spool.ts';

/**
 * Copies a spool to where the site gathers them, in one step: a reader there sees the whole file or none. A
 * later call with a longer spool replaces the copy.
 *
 * @returns the path of the copy
 * @throws the error of `node:fs`; Error if the spool has no header
 */
export function copySpoolHome(spool: string, spoolDirectory: string): string {
  const bytes = readFileSync(spool);
  const { header } = parseSpool(bytes);
  if (header === undefined) throw new Error(`The spool '${spool}' has no header`);
  const target = findFreeName(header, spoolDirectory);
  const temporary = `${target}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w', 0o644);
  try {
    // Not `writeSync`: where space ends it writes a part, and says nothing.
    writeFileSync(file, bytes);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(temporary, target);
  return target;
}

/** A batch system that does not say which start this is makes two spools of one name: the other's is never replaced. */
function findFreeName({ cupsid, start, source }: SpoolHeader, directory: string): string {
  for (let number = start; ; number += 1_000_000) {
    const path = join(directory, spoolFileNameOf(cupsid, number));
    if (!existsSync(path) || readSpool(path).header?.source === source) return path;
  }
}
