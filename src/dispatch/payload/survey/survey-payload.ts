import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { codeOf } from '#util/code-of.ts';
import { canonicalPathOf } from '#util/file/canonical-path.ts';
import { present } from '#util/present.ts';

import { readPayloadRepository } from '../payload-repository.ts';
import { makeManifest } from '../snapshot/manifest.ts';
import { checkSize } from './check-size.ts';
import { findDifferences } from './find-differences.ts';
import { findStagedFiles, makeChangingError } from './find-staged-files.ts';
import { hashFile, hashText, isSame } from './hash-file.ts';
import { openKnownHashes } from './known-hashes.ts';
import { stagedPathsOf } from './staged-path.ts';

import type { PayloadCheckout, PayloadFile, PayloadOrigin } from '#model/payload.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { PayloadRepository } from '../payload-repository.ts';
import type { Manifest } from '../snapshot/manifest.ts';
import type { FoundFile, FoundPayload } from './find-staged-files.ts';
import type { ContentHashes, KnownHashes } from './known-hashes.ts';

/** Something to be staged that was read. */
export interface HashedPayloadFile extends FoundFile {
  readonly hashes: ContentHashes;
}

/** All that the jobs of a rule would stage now, by content, and how it differs from what is committed. */
export interface PayloadSurvey {
  /** The checkout that holds the payload directory. */
  readonly repository: PayloadRepository;
  readonly manifest: Manifest;
  /** Where the content of each path of the manifest lies; absolute. */
  readonly sources: ReadonlyMap<string, string>;
  readonly origin: PayloadOrigin;
  /** Something staged from a checkout is not what its commit has. */
  readonly isDirty: boolean;
  /** As in {@link FoundPayload.moved}. */
  readonly moved: ReadonlyMap<string, string>;
  readonly known: KnownHashes;
}

/** The parts of a site that payloads depend on. */
export type PayloadSite = Pick<Site, 'stateDirectory' | 'spoolDirectory' | 'payloads'>;

const tries = 3;

/**
 * Reads everything that the jobs of a rule would stage, and compares it with the commits that it comes from. Writes
 * nothing. What changes while it is read is read again, so that the result is one state of the payload.
 *
 * @throws SiteError about the payload directory or git; `site-payload-too-large`; `site-payload-changing`; an error of the
 * operating system where something cannot be read
 */
export async function surveyPayload(prepared: PreparedRule, site: PayloadSite): Promise<PayloadSurvey> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await surveyOnce(prepared, site);
    } catch (error) {
      if (codeOf(error) !== 'site-payload-changing' || left === 0) throw error;
    }
  }
}

async function surveyOnce(prepared: PreparedRule, site: PayloadSite): Promise<PayloadSurvey> {
  const { submitDirectory } = prepared.options;
  const paths = stagedPathsOf(prepared);
  const { stateDirectory, spoolDirectory, payloads } = site;
  const ownDirectories = [stateDirectory, spoolDirectory, payloads.directory].map(canonicalPathOf);
  const [repository, found, known] = await Promise.all([
    readPayloadRepository(prepared.payload.path),
    findStagedFiles({ paths, submitDirectory, ownDirectories }),
    openKnownHashes(join(payloads.directory, `known-${keyOf([submitDirectory, ...paths])}.json`)),
  ]);
  checkSize(found.files, payloads.limitBytes);
  const files = await hashAll(found.files, known);
  const { origin, kinds } = await findOrigin(repository, found, files);
  return {
    ...{ repository, origin, known, moved: found.moved },
    manifest: makeManifest(
      files.map((file) =>
        toPayloadFile(file.kind === 'in-place' ? file : { ...file, kind: kinds.get(file.path) ?? file.kind }),
      ),
    ),
    sources: new Map(files.map(({ path, source }) => [path, source])),
    isDirty: origin.checkouts.some(({ differences }) => differences.length > 0),
  };
}

function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

const atOnce = 16;

async function hashAll(files: readonly FoundFile[], known: KnownHashes): Promise<readonly HashedPayloadFile[]> {
  const hashed: HashedPayloadFile[] = [];
  for (let from = 0; from < files.length; from += atOnce) {
    const some = files.slice(from, from + atOnce);
    hashed.push(...(await Promise.all(some.map((file) => hashOne(file, known)))));
  }
  return hashed;
}

async function hashOne(file: FoundFile, known: KnownHashes): Promise<HashedPayloadFile> {
  if (file.kind === 'link')
    return { ...file, hashes: hashText(assertPresent(file.target, `where the link '${file.path}' leads`)) };
  if (file.kind === 'directory') return { ...file, hashes: { sha256: '', gitSha1: '', gitSha256: '' } };
  const { hashes, facts } = await hashFile(file.source, { known });
  if (!isSame(facts, file.facts)) throw makeChangingError(file.source);
  return { ...file, hashes };
}

function toPayloadFile({ path, kind, hashes, facts, target }: HashedPayloadFile): PayloadFile {
  const sizeBytes = kind === 'link' || kind === 'directory' ? 0 : Number(facts.size);
  return { path, kind, sha256: hashes.sha256, sizeBytes, ...present({ target }) };
}

/** Sorts what was found by the checkout that it lies in, and compares each with its commit. */
async function findOrigin(
  repository: PayloadRepository,
  { links, searched }: FoundPayload,
  files: readonly HashedPayloadFile[],
): Promise<{ readonly origin: PayloadOrigin; readonly kinds: ReadonlyMap<string, 'file' | 'program'> }> {
  const topOf = makeTopFinder();
  const payloadTop = canonicalPathOf(repository.top);
  const groups = new Map<string, { files: HashedPayloadFile[]; links: string[] }>([
    [payloadTop, { files: [], links: [] }],
  ]);
  const groupOf = (top: string) => {
    const group = groups.get(top) ?? { files: [], links: [] };
    groups.set(top, group);
    return group;
  };
  const outside: string[] = [];
  for (const file of files) {
    if (file.kind === 'directory') continue;
    const top = await topOf(file.kind === 'link' ? file.at : file.source);
    if (top === undefined) outside.push(file.path);
    else groupOf(top).files.push(file.kind === 'link' ? { ...file, source: file.at } : file);
  }
  for (const link of links) {
    const top = await topOf(link);
    if (top !== undefined) groupOf(top).links.push(link);
  }
  for (const top of groups.keys()) {
    const outer = await topOf(top);
    if (outer !== undefined && (await isThere(join(outer, '.gitmodules')))) groupOf(outer);
  }
  const repositories = new Map<string, PayloadRepository>([[payloadTop, { ...repository, top: payloadTop }]]);
  for (const top of groups.keys()) {
    if (!repositories.has(top)) repositories.set(top, { ...(await readPayloadRepository(top)), top });
  }
  const checkouts: PayloadCheckout[] = [];
  const kinds = new Map<string, 'file' | 'program'>();
  for (const [top, group] of groups) {
    const own = repositories.get(top);
    if (own === undefined) continue;
    const nested = new Map(
      [...repositories].filter(([other]) => other.startsWith(`${top}/`)).map(([other, { commit }]) => [other, commit]),
    );
    const { differences, kinds: some } = await findDifferences({ repository: own, ...group, searched, nested });
    for (const [path, kind] of some) kinds.set(path, kind);
    checkouts.push({ top, repo: own.repo, commit: own.commit, isPublished: own.isPublished, differences });
  }
  return { origin: { checkouts, outside }, kinds };
}

/** Finds the checkout that a path lies in: the nearest directory above with `.git` in it. Asks for each directory once. */
function makeTopFinder(): (path: string) => Promise<string | undefined> {
  const known = new Map<string, Promise<string | undefined>>();
  const find = async (directory: string): Promise<string | undefined> => {
    if (await isThere(join(directory, '.git'))) return directory;
    return directory === '/' ? undefined : findOnce(dirname(directory));
  };
  const findOnce = (directory: string): Promise<string | undefined> => {
    const found = known.get(directory) ?? find(directory);
    known.set(directory, found);
    return found;
  };
  return (path) => findOnce(dirname(path));
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
