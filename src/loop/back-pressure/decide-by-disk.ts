import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { codeOf } from '#util/code-of.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';
import { formatSize } from '#util/text/format-size.ts';
import { withBound } from '#util/with-bound.ts';

import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { PressureVerdict } from './pressure-verdict.ts';

/** How free space is found. A file server that does not answer in time is not written to. */
interface SpaceProbe {
  /** Bytes that a user may still write there; undefined: not known. */
  readonly find: (directory: string) => Promise<number | undefined>;
  readonly withinMs: number;
}

/**
 * Decides whether the output directory of a rule has room. What differs from row to row in its path is left out. A
 * directory that this host does not have says nothing: only workers may reach it.
 *
 * @param freeBytes what must be free there
 */
export async function decideByDisk(
  { job }: Pick<PreparedRule, 'job'>,
  freeBytes: number,
  { find, withinMs }: SpaceProbe = { find: findFreeBytes, withinMs: 10_000 },
): Promise<PressureVerdict> {
  const go = { kind: 'go', room: Infinity } as const;
  const template = job.directories.find(({ key }) => key === 'outdir')?.template;
  if (template === undefined) return go;
  const written = withoutFileScheme(assertPresent(template.texts[0], 'the text of a template'));
  if (written === '') return go;
  const path = resolve(job.submitDirectory, written);
  const directory = template.slots.length === 0 || written.endsWith('/') ? path : dirname(path);
  const free = await withBound<number | 'late' | undefined>(find(directory), withinMs, () => 'late');
  if (free === 'late') return { kind: 'wait', reason: `'${directory}' does not answer: is its file server down?` };
  if (free === undefined || free >= freeBytes) return go;
  const reason = `'${directory}' has ${formatSize(free)} free: ${formatSize(freeBytes)} are needed ('limits.free_space_gb')`;
  return { kind: 'wait', reason };
}

/** Finds what a user may still write below a directory, in bytes; undefined where nothing above it exists but `/`. */
async function findFreeBytes(directory: string): Promise<number | undefined> {
  for (let path = directory; path !== dirname(path); path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') return undefined;
    }
  }
  return undefined;
}
