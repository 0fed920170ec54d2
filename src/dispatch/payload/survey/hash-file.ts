import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import { makeChangingError } from './find-staged-files.ts';

import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

import type { ContentHashes, KnownHashes } from './known-hashes.ts';

const pieceBytes = 1 << 20;

/** Hashes and size (in bytes) of a file, and its facts, to see whether it changed while it was read. */
export interface HashedFile {
  readonly hashes: ContentHashes;
  readonly sizeBytes: number;
  /** Of the file that was read, while it was open. */
  readonly facts: BigIntStats;
}

/**
 * Reads a regular file from beginning to end and hashes its content; and writes it elsewhere as it is read, so that the
 * hash is that of the copy. A large file that did not change since it was read last is not read again, unless copied.
 *
 * @throws SiteError `site-payload-changing` if it is written to meanwhile; an error of the operating system
 */
export async function hashFile(
  path: string,
  options: { readonly known?: KnownHashes; readonly copyTo?: FileHandle } = {},
): Promise<HashedFile> {
  const { known, copyTo } = options;
  const handle = await open(path, 'r');
  try {
    const facts = await handle.stat({ bigint: true });
    const sizeBytes = Number(facts.size);
    const remembered = copyTo === undefined ? known?.find(facts) : undefined;
    if (remembered !== undefined) return { hashes: remembered, sizeBytes, facts };
    const readAtMs = Date.now();
    const hashes = await hashContent(handle, sizeBytes, copyTo);
    const after = await handle.stat({ bigint: true });
    if (hashes === undefined || !isSame(facts, after)) throw makeChangingError(path);
    known?.note(facts, hashes, readAtMs);
    return { hashes, sizeBytes, facts };
  } finally {
    await handle.close();
  }
}

async function hashContent(
  handle: FileHandle,
  sizeBytes: number,
  copyTo: FileHandle | undefined,
): Promise<ContentHashes | undefined> {
  const header = `blob ${sizeBytes}\0`;
  const [sha256, gitSha1, gitSha256] = [createHash('sha256'), createHash('sha1'), createHash('sha256')];
  gitSha1.update(header);
  gitSha256.update(header);
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, sizeBytes + 1));
  let total = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, total);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    for (const hash of [sha256, gitSha1, gitSha256]) hash.update(piece);
    await copyTo?.writeFile(piece);
    total += bytesRead;
  }
  if (total !== sizeBytes) return undefined;
  return { sha256: sha256.digest('hex'), gitSha1: gitSha1.digest('hex'), gitSha256: gitSha256.digest('hex') };
}

/** Returns whether a file was left alone between two looks at it. */
export function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs
  );
}

/** Hashes a text as if it were a file's content: the target of a symbolic link, as git does. */
export function hashText(text: string): ContentHashes {
  const bytes = Buffer.from(text);
  const header = `blob ${bytes.length}\0`;
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    gitSha1: createHash('sha1').update(header).update(bytes).digest('hex'),
    gitSha256: createHash('sha256').update(header).update(bytes).digest('hex'),
  };
}
