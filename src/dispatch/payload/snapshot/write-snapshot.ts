import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { codeOf } from '#util/code-of.ts';
import { createDirectory } from '#util/file/create-directory.ts';

import { makeChangingError } from '../survey/find-staged-files.ts';
import { hashFile } from '../survey/hash-file.ts';
import { parseManifest } from './manifest.ts';
import { isSnapshotName, snapshotPlaceOf } from './snapshot-place.ts';

import type { PayloadFile } from '#model/payload.ts';

import type { KnownHashes } from '../survey/known-hashes.ts';
import type { PayloadSurvey } from '../survey/survey-payload.ts';
import type { SnapshotPlace } from './snapshot-place.ts';

/** Begins the names of snapshots that are being made or removed. */
export const draftPrefix = '.draft-';

/** Smaller files are copied: a link saves nothing worth the search. */
const leastLinkedBytes = 1_000_000;

/**
 * Copies what a survey found into a directory of its own beside the snapshots and gives that the snapshot's name, all or
 * nothing. Every copy is hashed as it is written; it is never a link to a file of a checkout. Large files that another
 * snapshot holds are linked to that.
 *
 * @param store the directory of snapshots; exists
 * @param aside where a snapshot of that name goes first, so that jobs find one all the time
 * @returns `exists` if one of that name was put there meanwhile; whether it is sound is for the caller to see
 * @throws SiteError `site-payload-changing` where a file is not what the survey read; an error of the operating system
 */
export async function writeSnapshot(
  store: string,
  survey: PayloadSurvey,
  aside?: string,
): Promise<'written' | 'exists'> {
  const { manifest } = survey;
  const draft = snapshotPlaceOf(join(store, `${draftPrefix}${process.pid}-${randomUUID()}`), manifest);
  try {
    await createDirectory(draft.stageDirectory);
    const twins = await findTwins(store, manifest.files);
    for (const file of manifest.files) await writeOne(draft, file, survey, twins);
    await writeManifest(draft, manifest.text);
    await syncDirectories(draft.directory);
    const place = join(store, manifest.hash);
    if (aside !== undefined) await rename(place, aside);
    await rename(draft.directory, place);
    await syncDirectory(store);
    return 'written';
  } catch (error) {
    await rm(draft.directory, { recursive: true, force: true }).catch(() => undefined);
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) return 'exists';
    throw error;
  }
}

async function writeOne(
  draft: SnapshotPlace,
  file: PayloadFile,
  { sources, known }: PayloadSurvey,
  twins: ReadonlyMap<string, string>,
): Promise<void> {
  if (file.kind === 'in-place') return;
  const target = posix.join(draft.stageDirectory, file.path);
  await createDirectory(file.kind === 'directory' ? target : dirname(target));
  if (file.kind === 'directory') return;
  if (file.kind === 'link') {
    await symlink(assertPresent(file.target, `where the link '${file.path}' leads`), target);
    return;
  }
  const twin = twins.get(twinKeyOf(file));
  if (twin !== undefined && (await putTwin(twin, target, file.sha256, known))) return;
  const source = assertPresent(sources.get(file.path), `the source of '${file.path}'`);
  const copy = await open(target, 'wx', 0o600);
  try {
    const { hashes, facts } = await hashFile(source, { copyTo: copy });
    if (hashes.sha256 !== file.sha256) throw makeChangingError(source);
    // The copy is readable by the same accounts as the file.
    const mode = (Number(facts.mode) & 0o555) | 0o400;
    // The mode is the commit's where git is configured for a file system without modes.
    const program = (mode & 0o111) === 0 ? mode | ((mode & 0o444) >> 2) : mode;
    await copy.chmod(file.kind === 'program' ? program : mode & ~0o111);
    await copy.sync();
  } finally {
    await copy.close();
  }
}

async function putTwin(from: string, to: string, sha256: string, known: KnownHashes): Promise<boolean> {
  try {
    if ((await hashFile(from, { known })).hashes.sha256 !== sha256) return false;
    await link(from, to);
    return true;
  } catch {
    // Where links do not work, copies do.
    return false;
  }
}

function twinKeyOf({ sha256, kind }: PayloadFile): string {
  return `${kind} ${sha256}`;
}

/** Finds which large files other snapshots hold already. */
async function findTwins(store: string, files: readonly PayloadFile[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(files.filter(({ sizeBytes }) => sizeBytes >= leastLinkedBytes).map(twinKeyOf));
  const twins = new Map<string, string>();
  if (wanted.size === 0) return twins;
  for (const name of (await readdir(store)).filter(isSnapshotName)) {
    const text = await readFile(join(store, name, 'manifest'), 'utf8').catch(() => '');
    const other = parseManifest(text);
    if (other === undefined) continue;
    const place = snapshotPlaceOf(join(store, name), other);
    for (const file of other.files) {
      if (wanted.has(twinKeyOf(file))) twins.set(twinKeyOf(file), posix.join(place.stageDirectory, file.path));
    }
  }
  return twins;
}

async function writeManifest({ manifestFile }: SnapshotPlace, text: string): Promise<void> {
  const handle = await open(manifestFile, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.chmod(0o444);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Brings a directory and those in it to disk. They stay writable, as those of git's objects do: otherwise the owner of
 * the site could not remove it with `rm -r`, and copies of them would be closed to the jobs.
 */
async function syncDirectories(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncDirectories(join(directory, entry.name));
  }
  await syncDirectory(directory);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
