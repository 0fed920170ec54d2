import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { describeError } from '#util/describe-error.ts';

import { hashFile } from '../survey/hash-file.ts';
import { snapshotPlaceOf, toStagedPath } from './snapshot-place.ts';

import type { PayloadFile } from '#model/payload.ts';

import type { KnownHashes } from '../survey/known-hashes.ts';
import type { Manifest } from './manifest.ts';
import type { SnapshotPlace } from './snapshot-place.ts';

/** What is wrong with a snapshot: `absent` where there is none, else the first thing found. */
export type SnapshotFault = 'absent' | { readonly reason: string };

/**
 * Checks that a snapshot on disk is exactly what its manifest says: each file by its content, read-only, and nothing else
 * beside them. Large files that did not change since they were last read are not read again.
 *
 * @returns undefined where all is as it should be; never throws
 */
export async function findSnapshotFault(
  directory: string,
  manifest: Manifest,
  known: KnownHashes,
): Promise<SnapshotFault | undefined> {
  const place = snapshotPlaceOf(directory, manifest);
  try {
    if ((await lstat(directory).catch(() => undefined)) === undefined) return 'absent';
    if ((await readFile(place.manifestFile, 'utf8')) !== manifest.text) return { reason: 'its manifest differs' };
    const wanted = new Map(manifest.files.filter(({ kind }) => kind !== 'in-place').map((file) => [file.path, file]));
    const reason = await findFault(place, '', { wanted, filled: filledDirectoriesOf(manifest), known });
    if (reason !== undefined) return { reason };
    const [missing] = wanted.keys();
    return missing === undefined ? undefined : { reason: `'${missing}' is missing` };
  } catch (error) {
    return { reason: describeError(error) };
  }
}

/** The directories that hold something, and those that stand for the submit directory and the ones above it. */
function filledDirectoriesOf({ files, depth }: Manifest): ReadonlySet<string> {
  const filled = new Set(
    Array.from({ length: depth }, (_, level) => posix.join(...Array.from({ length: level + 1 }, () => '..'))),
  );
  filled.add('.');
  for (const { path } of files) {
    for (let above = posix.dirname(path); !filled.has(above) && above !== '/'; above = posix.dirname(above))
      filled.add(above);
  }
  return filled;
}

interface Wanted {
  /** What was as wanted is taken out. */
  readonly wanted: Map<string, PayloadFile>;
  readonly filled: ReadonlySet<string>;
  readonly known: KnownHashes;
}

async function findFault(place: SnapshotPlace, path: string, expected: Wanted): Promise<string | undefined> {
  const { wanted, filled, known } = expected;
  for (const entry of await readdir(join(place.files, path), { withFileTypes: true })) {
    const inner = join(path, entry.name);
    const staged = toStagedPath(inner, place);
    const file = wanted.get(staged);
    if (file === undefined && !(entry.isDirectory() && filled.has(staged))) return `'${staged}' does not belong to it`;
    const fault =
      file === undefined
        ? await findFault(place, inner, expected)
        : await findFileFault(join(place.files, inner), file, known);
    if (fault !== undefined) return file === undefined ? fault : `'${staged}' ${fault}`;
    wanted.delete(staged);
  }
  return undefined;
}

async function findFileFault(path: string, file: PayloadFile, known: KnownHashes): Promise<string | undefined> {
  const facts = await lstat(path);
  if (file.kind === 'link') {
    return facts.isSymbolicLink() && (await readlink(path)) === file.target ? undefined : 'is a different link';
  }
  if (file.kind === 'directory') {
    return facts.isDirectory() && (await readdir(path)).length === 0 ? undefined : 'is not an empty directory';
  }
  if (!facts.isFile()) return 'is not a file';
  if ((facts.mode & 0o222) !== 0) return 'can be written to';
  if (((facts.mode & 0o100) !== 0) !== (file.kind === 'program')) return 'has a different mode';
  return (await hashFile(path, { known })).hashes.sha256 === file.sha256 ? undefined : 'has different content';
}
