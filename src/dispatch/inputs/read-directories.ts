import { opendir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { codeOf } from '#util/code-of.ts';
import { withBound } from '#util/with-bound.ts';

import type { Dirent } from 'node:fs';

import type { DiskListing, ListedPath } from '#db/decide/decision-request.ts';

/** How long is waited, and for what; the defaults are those of a dispatch. */
export interface ListingBounds {
  /** For one directory. A healthy file system lists 100,000 names in a few seconds. */
  readonly directoryMs: number;
  /** For all of them. */
  readonly allMs: number;
}

/** Bounds of a dispatch, which must know. */
const dispatchBounds: ListingBounds = { directoryMs: 30_000, allMs: 600_000 };

/** Reads a directory; replaced in tests by one that gives no answer. */
export type OpenDirectory = (path: string) => Promise<AsyncIterable<Dirent>>;

const entriesAtOnce = 1024;

/** Directories read at the same time: Node has four threads for files, and those of a dead file system never return. */
const directoriesAtOnce = 3;

const openDirectory: OpenDirectory = (path) => opendir(path, { bufferSize: entriesAtOnce });

/** Why nothing is known of the files of a directory; undefined where it is certain that it does not exist. */
async function findReasonUnlisted(directory: string, open: OpenDirectory): Promise<string | undefined> {
  for (let above = dirname(directory); above !== '/'; above = dirname(above)) {
    try {
      for await (const _entry of await open(above)) return undefined;
      return `'${above}' is empty: its file system may not be mounted`;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') return `cannot read '${above}' (${codeOf(error) ?? 'unknown error'})`;
    }
  }
  return 'no part of this path exists: its file system may not be mounted';
}

type Answer =
  | { readonly entries: readonly ListedPath[] }
  /** Stuck: the call has not returned. */
  | { readonly unknown: string; readonly isStuck?: true };

async function readDirectory(directory: string, open: OpenDirectory): Promise<Answer> {
  if (!directory.startsWith('/')) return { unknown: 'not a path on this machine' };
  const entries: ListedPath[] = [];
  try {
    for await (const entry of await open(directory)) {
      if (entry.isDirectory()) continue;
      entries.push({ path: `${directory}/${entry.name}`, isLink: entry.isSymbolicLink() });
    }
    return { entries };
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error';
    const unknown = code === 'ENOENT' ? await findReasonUnlisted(directory, open) : `cannot be listed (${code})`;
    return unknown === undefined ? { entries: [] } : { unknown };
  }
}

/**
 * Lists directories, each once, a few at a time. What cannot be listed, or not in time, is unknown: it says nothing about
 * its files. A directory that is gone, while something else is left beside it, is empty. Never throws for what it finds.
 *
 * @param directories absolute; those of another form are unknown
 */
export function readDirectories(
  directories: readonly string[],
  bounds: ListingBounds = dispatchBounds,
  open: OpenDirectory = openDirectory,
): DiskListing {
  const unknown = new Map<string, string>();
  const endMs = performance.now() + bounds.allMs;

  async function answer(directory: string): Promise<Answer> {
    const leftMs = Math.min(bounds.directoryMs, endMs - performance.now());
    if (leftMs <= 0) return { unknown: `not checked: the time limit was reached after ${bounds.allMs / 1000} s` };
    return withBound<Answer>(readDirectory(directory, open), leftMs, () => ({
      unknown: `no answer within ${Math.round(leftMs / 100) / 10} s`,
      isStuck: true,
    }));
  }

  async function* list(): AsyncGenerator<ListedPath> {
    const waiting = directories.values();
    const underway = new Map<string, Promise<{ readonly directory: string; readonly found: Answer }>>();
    const begin = (): void => {
      const { value: directory } = waiting.next();
      if (directory !== undefined) {
        underway.set(
          directory,
          answer(directory).then((found) => ({ directory, found })),
        );
      }
    };
    for (let slot = 0; slot < directoriesAtOnce; slot += 1) begin();
    while (underway.size > 0) {
      const { directory, found } = await Promise.race(underway.values());
      underway.delete(directory);
      // One that is stuck keeps its thread.
      if (!('isStuck' in found)) begin();
      if ('unknown' in found) unknown.set(directory, found.unknown);
      else yield* found.entries;
    }
    for (const directory of waiting) unknown.set(directory, 'not checked: the file system did not answer earlier');
  }
  return { paths: list(), unknown };
}
