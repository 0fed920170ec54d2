import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseSpool } from './read-spool.ts';

/**
 * Copies a spool to where the site gathers them, in one step: whoever looks there sees the whole file or none. Done
 * again with a longer spool, the copy is replaced.
 *
 * @returns the path of the copy; its name holds the spool's source, so no two spools meet there
 * @throws the error of `node:fs`
 */
export function bringHome(spool: string, spoolDirectory: string): string {
  const bytes = readFileSync(spool);
  const { header } = parseSpool(bytes);
  const source = header?.source.slice(0, 8) ?? 'unknown';
  const name = `spool-${header?.attempt ?? 0}-${header?.start ?? 0}-${source}.jsonl`;
  const temporary = join(spoolDirectory, `.${name}.${process.pid}.tmp`);
  const file = openSync(temporary, 'w', 0o644);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(spoolDirectory, name));
  return join(spoolDirectory, name);
}
