import { readFile, rename, rm, writeFile } from 'node:fs/promises';

import * as z from 'zod';

import type { BigIntStats } from 'node:fs';

/** The hashes of a file's content. */
export interface ContentHashes {
  readonly sha256: string;
  /** Ids that git would give the content as it is: by SHA-1 and, in newer repositories, SHA-256. */
  readonly gitSha1: string;
  readonly gitSha256: string;
}

const schema = z.record(z.string(), z.object({ sha256: z.string(), gitSha1: z.string(), gitSha256: z.string() }));

/** Smaller files are read each time: that takes less than asking whether they need to be. */
const leastBytes = 1_000_000n;

/** A file that was changed less than this before it was read could change again with the same modification time. */
const racyMs = 2000;

/** Remembers the hashes of large files that have not changed since they were read. */
export interface KnownHashes {
  find(facts: BigIntStats): ContentHashes | undefined;
  /** `readAtMs`: when reading began. */
  note(facts: BigIntStats, hashes: ContentHashes, readAtMs: number): void;
  /** Keeps what was found or noted since; whatever goes wrong costs time alone. */
  save(): Promise<void>;
}

/**
 * Opens the record of hashes in a file, which need not exist. A file is the same if device, inode, size, and both of its
 * times are; one whose times are less than two seconds before it was read is not remembered, as git's index does.
 *
 * @see https://git-scm.com/docs/racy-git
 */
export async function openKnownHashes(file: string): Promise<KnownHashes> {
  const before = schema.safeParse(parseJson(await readFile(file, 'utf8').catch(() => ''))).data ?? {};
  const used: Record<string, ContentHashes> = {};
  let isChanged = false;
  return {
    find: (facts) => {
      const key = keyOf(facts);
      const known = Object.hasOwn(before, key) ? before[key] : undefined;
      if (known !== undefined) used[key] = known;
      return known;
    },
    note: (facts, hashes, readAtMs) => {
      if (facts.size < leastBytes || Number(latestTimeOf(facts)) + racyMs > readAtMs) return;
      used[keyOf(facts)] = hashes;
      isChanged = true;
    },
    save: async () => {
      if (!isChanged) return;
      const draft = `${file}.${process.pid}`;
      try {
        await writeFile(draft, JSON.stringify(used), { mode: 0o600 });
        await rename(draft, file);
      } catch {
        await rm(draft, { force: true }).catch(() => undefined);
      }
    },
  };
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function latestTimeOf({ mtimeMs, ctimeMs }: BigIntStats): bigint {
  return mtimeMs > ctimeMs ? mtimeMs : ctimeMs;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
