import { lstat, open, readlink, stat } from 'node:fs/promises';

import { TransferError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';
import { present } from '#util/present.ts';

import { readFacts } from './copy-verified.ts';

import type { Stats } from 'node:fs';

import type { FileFacts } from './copy-verified.ts';

/**
 * What has a name: nothing (`free`); the file itself, which lies there (`same`); a file of the same content
 * (`present`); a file of another content (`other`).
 */
export type Place =
  { readonly kind: 'free' | 'other' } | { readonly kind: 'same' | 'present'; readonly facts: FileFacts };

/**
 * Looks what has the name that a file is to get.
 *
 * @throws TransferError `transfer-place` where that is nothing that a file may replace: a directory, a dangling link, a
 * pipe, a file that cannot be read; the error of `node:fs`; the signal's reason
 */
export async function findPlace(file: string, path: string, signal: AbortSignal): Promise<Place> {
  const there = await readStats(path);
  if (there === undefined) return { kind: 'free' };
  if (!there.isFile()) throw toPlaceError(`'${path}' exists and is ${kindOf(there)}, not a file`);
  const here = await stat(file);
  const isSame = there.dev === here.dev && there.ino === here.ino;
  if (isSame) return { kind: 'same', facts: await readFacts(file, signal) };
  // Read even where the sizes differ: a file that this account may not read is not this account's to replace.
  const md5 = await readPlace(path, there.size === here.size, signal);
  if (md5 === undefined) return { kind: 'other' };
  const facts = await readFacts(file, signal);
  return md5 === facts.md5 ? { kind: 'present', facts } : { kind: 'other' };
}

async function readStats(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    const link = await lstat(path).catch(() => undefined);
    if (link?.isSymbolicLink() === true) {
      const target = await readlink(path).catch(() => '');
      throw toPlaceError(
        `'${path}' is a symbolic link to '${target}', which leads nowhere: ${describeError(cause, path)}`,
        cause,
      );
    }
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw toPlaceError(`'${path}' cannot be used: ${describeError(cause, path)}`, cause);
  }
}

/** Opens the file, and reads it where its content matters. */
async function readPlace(path: string, isContentWanted: boolean, signal: AbortSignal): Promise<string | undefined> {
  try {
    if (isContentWanted) return (await readFacts(path, signal)).md5;
    await (await open(path, 'r')).close();
    return undefined;
  } catch (cause) {
    if (!['EACCES', 'EPERM'].includes(codeOf(cause) ?? '')) throw cause;
    throw toPlaceError(`'${path}' exists and cannot be read: ${describeError(cause, path)}`, cause);
  }
}

function kindOf(there: Stats): string {
  if (there.isDirectory()) return 'a directory';
  if (there.isFIFO()) return 'a named pipe';
  if (there.isSocket()) return 'a socket';
  return 'a device';
}

function toPlaceError(message: string, cause?: unknown): TransferError {
  return new TransferError(message, {
    code: 'transfer-place',
    advice: 'It is left as it is: move it away, then redo the job',
    ...present({ cause }),
  });
}
