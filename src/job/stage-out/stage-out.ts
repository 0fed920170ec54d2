import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TransferError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { explainError } from '#util/explain-error.ts';
import { noteCopy, removeLeftCopies } from './note-copy.ts';
import { copyVerified, readFacts, type FileFacts } from './copy-verified.ts';
import { putInPlace, replaceAndKeep, syncDirectory } from './put-in-place.ts';

/** What to stage out, and for whom. */
export interface StageOutRequest {
  readonly file: string;
  /** Must exist; a leading `file:` is dropped. */
  readonly directory: string;
  /** How often a copy is tried again after an error that may pass. */
  readonly retries: number;
  readonly jobDirectory: string;
  /** Part of the name of what is under way or put aside: whose it is. */
  readonly owner: string;
  /** Ends it at the next good place. */
  readonly signal: AbortSignal;
  /** Asks whether this attempt is the one that counts; undefined: nobody knows. */
  readonly isWanted: () => Promise<boolean | undefined>;
  /** For the curious. */
  readonly note: (line: string) => void;
  /** Milliseconds before the first repetition, doubled for each further one. */
  readonly firstPauseMs?: number;
}

/** A file in its place. */
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
 * Where another content has the name already, it is replaced only if this attempt is the one that counts, and kept as
 * `.NAME.before-OWNER`; else the copy is refused.
 * @throws TransferError `transfer-…`; nothing half done is left under the final name, nor under a temporary one
 * @see docs/worker.md
 */
export async function stageOut(request: StageOutRequest): Promise<StagedOut> {
  const directory = directoryOf(request.directory);
  const file = resolve(request.file);
  const name = basename(file);
  const path = join(directory, name);
  for (const left of removeLeftCopies(request.jobDirectory)) request.note(`removed what was left of '${left}'`);
  await checkPlaces(file, directory);
  await checkOutside(directory, request.jobDirectory);

  let isReplacing = false;
  // Somebody else may take the name between our look and our step; that can not go on for ever.
  for (let round = 0; round < 3; round += 1) {
    const present = await lookAt(file, path, request);
    if (present?.kind === 'same' || present?.kind === 'present') return { path, how: present.kind, ...present.facts };
    if (present !== undefined && !isReplacing) {
      isReplacing = await mayReplace(path, request);
    }
    const copy = join(directory, `.${name}.${request.owner}.${randomBytes(4).toString('hex')}.part`);
    const forgetNote = noteCopy(request.jobDirectory, copy);
    try {
      const facts = await copyPatiently(file, copy, request);
      if (present === undefined) {
        if (!(await putInPlace(copy, path))) continue;
      } else {
        const kept = join(directory, `.${name}.before-${request.owner}.${randomBytes(2).toString('hex')}`);
        await replaceAndKeep(copy, path, kept);
        request.note(`what was there before is now '${kept}'`);
      }
      await syncDirectory(directory);
      return { path, how: 'put', ...facts };
    } catch (error) {
      throw explain(error, file, directory);
    } finally {
      rmSync(copy, { force: true });
      forgetNote();
    }
  }
  throw new TransferError(`Others keep putting a file at '${path}': expected one writer`, { code: 'transfer-exists' });
}

/** Takes `file:` off and makes it absolute; scripts pass `file:///dir`, `file:/dir` and plain paths. */
export function directoryOf(text: string): string {
  return resolve(text.replace(/^file:/u, '').replace(/^\/{2,}/u, '/'));
}

async function checkPlaces(file: string, directory: string): Promise<void> {
  const source = await stat(file).catch((error: unknown) => {
    throw new TransferError(`There is no file '${file}' to stage out`, { code: 'transfer-missing', cause: error });
  });
  if (!source.isFile()) {
    throw new TransferError(`'${file}' is no regular file: expected one to stage out`, { code: 'transfer-missing' });
  }
  // Not made here: on a node where a file system is not mounted, the product would go to the local disk, and be lost.
  const target = await stat(directory).catch((error: unknown) => {
    throw new TransferError(`The output directory '${directory}' does not exist on this node`, {
      code: 'transfer-directory',
      cause: error,
      advice: 'It is made when the job is submitted: look whether its file system is mounted here',
    });
  });
  if (!target.isDirectory()) {
    throw new TransferError(`'${directory}' is no directory: expected the output directory`, {
      code: 'transfer-directory',
    });
  }
}

// A link that leads out of the job's directory is as good as the place it leads to.
async function checkOutside(directory: string, jobDirectory: string): Promise<void> {
  const [target, own] = await Promise.all([realpath(directory), realpath(jobDirectory)]);
  const way = relative(own, target);
  if (way === '..' || way.startsWith('../') || isAbsolute(way)) return;
  throw new TransferError(`The output directory '${directory}' is the job's own, which is removed when the job ends`, {
    code: 'transfer-directory',
    advice: "Give the place where the file is to stay: 'cups stageout FILE OUTDIR'",
  });
}

type Present = { readonly kind: 'same' | 'present'; readonly facts: FileFacts } | { readonly kind: 'other' };

/** Looks what has the name now. */
async function lookAt(file: string, path: string, request: StageOutRequest): Promise<Present | undefined> {
  try {
    const there = await stat(path);
    const here = await stat(file);
    const isSame = there.dev === here.dev && there.ino === here.ino;
    if (!isSame && there.size !== here.size) return { kind: 'other' };
    const facts = await readFacts(file, request.signal);
    if (isSame) return { kind: 'same', facts };
    return (await readFacts(path, request.signal)).md5 === facts.md5 ? { kind: 'present', facts } : { kind: 'other' };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw explain(error, file, path);
  }
}

async function mayReplace(path: string, request: StageOutRequest): Promise<boolean> {
  const isWanted = await request.isWanted();
  if (isWanted === true) return true;
  throw new TransferError(`The file '${path}' exists with other content: it is left as it is`, {
    code: 'transfer-exists',
    facts: { path, isWanted },
    advice:
      isWanted === false
        ? 'This attempt is not the one that counts for the product'
        : 'The gateway does not say whether this attempt may replace it',
  });
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
      rmSync(copy, { force: true });
      if (!mayPass(error) || round >= request.retries) throw error;
      const pauseMs = (request.firstPauseMs ?? 1000) * 2 ** round * (0.5 + Math.random());
      request.note(`copying '${file}' failed (${explainError(error, file)}): once more in ${Math.round(pauseMs)} ms`);
      await sleep(pauseMs, undefined, { signal: request.signal });
    }
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof TransferError ? error.code === 'transfer-corrupt' : passingErrnos.has(codeOf(error) ?? '');
}

function explain(error: unknown, file: string, directory: string): TransferError {
  if (error instanceof TransferError) return error;
  const errno = codeOf(error);
  const options = { facts: { file, directory, errno }, cause: error };
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new TransferError(`There is no space for '${basename(file)}' in '${directory}'`, {
      code: 'transfer-space',
      advice: 'Make room there, then redo the job',
      ...options,
    });
  }
  if (errno === 'ABORT_ERR' || (error instanceof Error && error.name === 'AbortError')) {
    return new TransferError(`Staging out '${basename(file)}' was ended: the job was told to stop`, {
      code: 'transfer-stopped',
      ...options,
    });
  }
  return new TransferError(
    `'${basename(file)}' could not be copied to '${directory}': ${explainError(error, `${file} ${directory}`)}`,
    {
      code: `transfer-failed`,
      ...options,
    },
  );
}
