import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import { TransferError } from '#model/errors.ts';

import type { FileHandle } from 'node:fs/promises';

/** Size (in bytes) and MD5 checksum of a file as it was read or written. */
export interface FileFacts {
  readonly sizeBytes: number;
  /** Lower case hex. */
  readonly md5: string;
}

/** Large enough that the system calls do not count, small enough for the processor's cache; measured with 256 kB to 8 MB. */
const bufferBytes = 1024 * 1024;

/** Reads a file and returns its size and checksum. @throws the error of `node:fs`; the signal's reason */
export async function readFacts(path: string, signal: AbortSignal): Promise<FileFacts> {
  const file = await open(path, 'r');
  try {
    return await readThrough(file, signal, () => Promise.resolve());
  } finally {
    await file.close();
  }
}

/**
 * Copies a file to a name that must be free, forces the copy to the disk, and reads it back: what is returned holds of
 * both. Mode and times are copied too.
 *
 * @throws TransferError (`transfer-changed`, `transfer-corrupt`); the error of `node:fs`; the signal's reason. What is
 * left of the copy then is for the caller to remove
 */
export async function copyVerified(source: string, copy: string, signal: AbortSignal): Promise<FileFacts> {
  const from = await open(source, 'r');
  try {
    const before = await from.stat();
    const to = await open(copy, 'wx', before.mode & 0o777);
    let facts: FileFacts;
    try {
      facts = await readThrough(from, signal, (bytes) => writeAll(to, bytes));
      await to.utimes(before.atime, before.mtime);
      await to.sync();
    } finally {
      await to.close();
    }
    const after = await from.stat();
    if (after.mtimeMs !== before.mtimeMs || after.size !== facts.sizeBytes) {
      throw new TransferError(`The file '${source}' changed while it was copied: expected no writer`, {
        code: 'transfer-changed',
        facts: { source, sizeBytes: after.size, copiedBytes: facts.sizeBytes },
        advice: 'Stage it out when the program that writes it has ended',
      });
    }
    const readBack = await readFacts(copy, signal);
    if (readBack.md5 !== facts.md5 || readBack.sizeBytes !== facts.sizeBytes) {
      throw new TransferError(`The copy of '${source}' is not what was written: expected md5 '${facts.md5}'`, {
        code: 'transfer-corrupt',
        facts: { copy, sizeBytes: readBack.sizeBytes, expectedBytes: facts.sizeBytes, md5: readBack.md5 },
        advice: `Check the file system of '${copy}'`,
      });
    }
    return facts;
  } finally {
    await from.close();
  }
}

/** Reads a file from end to end; while one piece is hashed and used, the next is read. */
async function readThrough(
  file: FileHandle,
  signal: AbortSignal,
  use: (bytes: Buffer) => Promise<void>,
): Promise<FileFacts> {
  const hash = createHash('md5');
  let buffers: readonly [Buffer, Buffer] = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)];
  let sizeBytes = 0;
  let { bytesRead } = await file.read(buffers[0], 0, bufferBytes, 0);
  while (bytesRead > 0) {
    signal.throwIfAborted();
    const bytes = buffers[0].subarray(0, bytesRead);
    sizeBytes += bytesRead;
    const used = use(bytes);
    const reading = file.read(buffers[1], 0, bufferBytes, sizeBytes);
    hash.update(bytes);
    const [next] = await Promise.all([reading, used]);
    ({ bytesRead } = next);
    buffers = [buffers[1], buffers[0]];
  }
  return { sizeBytes, md5: hash.digest('hex') };
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written, bytes.length - written)).bytesWritten;
  }
}
