import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { TransferError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { describeError } from '#util/describe-error.ts';
import { withoutFileScheme } from '#util/file/without-file-scheme.ts';
import { pauseMsOf } from '#util/pause-ms.ts';

import { checkEnds, checkWritable } from './check-ends.ts';
import { copyVerified } from './copy-verified.ts';
import { findPlace } from './find-place.ts';
import { makeHiddenName } from './hidden-name.ts';
import { putInPlace, putReplacement, syncDirectory } from './put-in-place.ts';
import { recordCopy, removeLeftCopies } from './record-copy.ts';
import { toTransferError } from './to-transfer-error.ts';

import type { NameAnswer } from '#model/job/name-question.ts';

import type { Asked } from '../ask/ask-until-answered.ts';
import type { FileFacts } from './copy-verified.ts';

/** One file to stage out, its directory, and the checks and limits of the copy. */
export interface StageOutRequest {
  readonly file: string;
  /** Must exist; a leading `file:` is dropped. */
  readonly directory: string;
  /** How often a copy is tried again after an error that may pass. */
  readonly retries: number;
  readonly jobDirectory: string;
  /** Part of the name of what is under way or was replaced: whose it is. */
  readonly owner: string;
  /** Ends it at the next good place. */
  readonly signal: AbortSignal;
  /** Asks whether this attempt may give its file that name; `isTaken`: a file with another content would be replaced. */
  readonly claim: (isTaken: boolean) => Promise<Asked<NameAnswer>>;
  /** For the curious. */
  readonly note: (line: string) => void;
  /** Milliseconds before the first repetition, doubled for each further one. */
  readonly firstPauseMs?: number;
}

/** A file that lies where it belongs, with its size and checksum. */
export interface StagedOut extends FileFacts {
  /** Absolute path of the copy. */
  readonly path: string;
  /** `put`; `present`: the same content was there; `same`: the file itself lies there, there is nothing to copy. */
  readonly how: 'put' | 'present' | 'same';
}

const passingErrnos: ReadonlySet<string> = new Set([
  'EIO',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ESTALE',
  'ETIMEDOUT',
  'ECONNRESET',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EREMOTEIO',
  'ESHUTDOWN',
]);

/**
 * Copies a file to its place: under a temporary name beside it, checked and forced to the disk, then named, without
 * taking the name from another file. Done again, after any crash, it ends the same.
 *
 * Where another content has the name already, it is replaced only if the gateway grants the name, and kept as
 * `.NAME.before-OWNER`; else the copy is refused.
 * @throws TransferError `transfer-…`; nothing half done is left under the final name, nor under a temporary one
 * @see docs/worker.md
 */
export async function stageOut(request: StageOutRequest): Promise<StagedOut> {
  const directory = directoryOf(request.directory);
  const file = resolve(request.file);
  try {
    for (const left of removeLeftCopies(request.jobDirectory)) request.note(`removed the unfinished copy '${left}'`);
    await checkEnds(file, directory, request.jobDirectory);
    return await stageChecked(file, directory, request);
  } catch (error) {
    throw toTransferError(error, file, directory);
  }
}

/** Takes `file:` off and makes it absolute; scripts pass `file:///dir`, `file:/dir` and plain paths. */
export function directoryOf(text: string): string {
  return resolve(withoutFileScheme(text));
}

async function stageChecked(file: string, directory: string, request: StageOutRequest): Promise<StagedOut> {
  const path = join(directory, basename(file));
  let isGranted = false;
  // Another writer may take the name between our look and our step; that cannot go on for ever.
  for (let round = 0; round < 3; round += 1) {
    const place = await findPlace(file, path, request.signal);
    if (!isGranted) isGranted = await isNameGranted(path, place.kind === 'other', request);
    if (place.kind === 'same' || place.kind === 'present') return { path, how: place.kind, ...place.facts };
    await checkWritable(directory);
    const facts = await copyAndName(file, path, place.kind, request);
    if (facts === undefined) continue;
    await syncDirectory(directory);
    return { path, how: 'put', ...facts };
  }
  throw new TransferError(`Other processes keep creating '${path}': expected one writer`, { code: 'transfer-exists' });
}

/** Copies the file, then gives the copy its name. @returns undefined if the name was free before, and is taken now */
async function copyAndName(
  file: string,
  path: string,
  place: 'free' | 'other',
  request: StageOutRequest,
): Promise<FileFacts | undefined> {
  const hidden = (ending: string): string =>
    join(path, '..', makeHiddenName(basename(path), ending.replace('OWNER', request.owner)));
  const unique = randomBytes(4).toString('hex');
  const copy = hidden(`.OWNER.${unique}.part`);
  const forgetNote = recordCopy(request.jobDirectory, copy);
  try {
    const facts = await copyPatiently(file, copy, request);
    if (place === 'free') return (await putInPlace(copy, path)) ? facts : undefined;
    const kept = hidden(`.before-OWNER.${unique}`);
    await putReplacement(copy, path, kept);
    request.note(`the replaced file is now '${kept}'`);
    return facts;
  } finally {
    removeCopy(copy);
    forgetNote();
  }
}

/**
 * Asks for the name. Without an answer a free name is taken all the same, and checked when the file is registered.
 *
 * @returns whether the gateway granted it
 * @throws TransferError `transfer-refused`; `transfer-exists` where a file would be replaced without permission
 */
async function isNameGranted(path: string, isTaken: boolean, request: StageOutRequest): Promise<boolean> {
  const asked = await request.claim(isTaken);
  if (asked.kind === 'answered') {
    if (asked.value.isGranted) return true;
    throw new TransferError(`'${path}' is refused: ${asked.value.reason ?? 'no reason given'}`, {
      code: 'transfer-refused',
      facts: { path },
    });
  }
  request.note(`the gateway did not say whether '${path}' may be written: ${asked.reason}`);
  if (!isTaken) return false;
  throw new TransferError(
    `The file '${path}' exists with other content, and the gateway did not grant its name: ${asked.reason}`,
    {
      code: 'transfer-exists',
      facts: { path },
      advice: "It is unchanged. Check that 'slurp serve' is running and can be reached from this node",
    },
  );
}

async function copyPatiently(file: string, copy: string, request: StageOutRequest): Promise<FileFacts> {
  for (let round = 0; ; round += 1) {
    try {
      const begin = performance.now();
      const facts = await copyVerified(file, copy, request.signal);
      const seconds = (performance.now() - begin) / 1000;
      request.note(`copied and checked ${facts.sizeBytes} bytes in ${seconds.toFixed(2)} s, md5 ${facts.md5}`);
      return facts;
    } catch (error) {
      removeCopy(copy);
      if (!canPass(error) || round >= request.retries) throw error;
      const pauseMs = pauseMsOf(round + 1, { firstMs: request.firstPauseMs ?? 1000 });
      request.note(`copying '${file}' failed (${describeError(error, file)}): retrying in ${Math.round(pauseMs)} ms`);
      await sleep(pauseMs, undefined, { signal: request.signal });
    }
  }
}

/** Removes what is left of a copy; what went wrong before counts more than a copy that cannot be removed. */
function removeCopy(copy: string): void {
  try {
    rmSync(copy, { force: true });
  } catch {
    // A hidden file stays behind, which is never read.
  }
}

function canPass(error: unknown): boolean {
  return error instanceof TransferError ? error.code === 'transfer-corrupt' : passingErrnos.has(codeOf(error) ?? '');
}
