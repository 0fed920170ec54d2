import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { codeOf } from '#util/code-of.ts';
import { createDirectoryNow } from '#util/file/create-directory.ts';

/** In the job's directory: one file for each copy that is under way, named for its process. */
const journalName = '.slurp-copies';

/**
 * Notes that a copy is being written, so that it is found and removed if this process is killed. Never throws: without
 * a note a killed copy stays behind as a hidden file, which is never read.
 *
 * @returns takes the note back; to be called when the copy is in its place or removed
 */
export function recordCopy(jobDirectory: string, copy: string): () => void {
  const note = join(jobDirectory, journalName, `${process.pid}-${Date.now()}`);
  try {
    createDirectoryNow(join(jobDirectory, journalName));
    writeFileSync(note, copy);
  } catch {
    return () => undefined;
  }
  return () => rmSync(note, { force: true });
}

/** Removes what killed processes of this job left of their copies. Never throws. @returns the paths of what it removed */
export function removeLeftCopies(jobDirectory: string): readonly string[] {
  const removed: string[] = [];
  try {
    for (const name of readdirSync(join(jobDirectory, journalName))) {
      if (isAlive(Number(name.split('-')[0]))) continue;
      const note = join(jobDirectory, journalName, name);
      const copy = readFileSync(note, 'utf8');
      // A note that was cut short names no copy of ours.
      if (copy.endsWith('.part')) {
        rmSync(copy, { force: true });
        removed.push(copy);
      }
      rmSync(note, { force: true });
    }
  } catch {
    // No journal: nothing was left. An unreadable one: the next call looks again.
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
