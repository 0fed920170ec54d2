import { lstat, readlink, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { SiteError } from '#model/errors.ts';

import { runGit } from '../run-git.ts';
import { isMatch } from './find-matches.ts';
import { makeChangingError } from './find-staged-files.ts';
import { hashText, isSame } from './hash-file.ts';
import { isOurs, neverStaged } from './staged-path.ts';

import type { PayloadDifference } from '#model/payload.ts';

import type { PayloadRepository } from '../payload-repository.ts';
import type { StagedMatches } from './find-matches.ts';
import type { HashedPayloadFile } from './survey-payload.ts';

/** An entry of a commit's tree. */
interface TreeEntry {
  /** `100644`, `100755`, `120000` (a link), `160000` (a submodule). */
  readonly mode: string;
  readonly id: string;
}

/** One checkout, and what of it is staged; paths are absolute. */
export interface Comparison {
  readonly repository: Pick<PayloadRepository, 'top' | 'commit'>;
  /** All that is staged from this checkout, or led to by its links. */
  readonly files: readonly HashedPayloadFile[];
  /** Links of this checkout on the way to what is staged; absolute. */
  readonly links: readonly string[];
  readonly searched: readonly StagedMatches[];
  /** Checkouts in this one that something is staged from: top → commit. */
  readonly nested: ReadonlyMap<string, string>;
}

/** The differences of a payload from the commits that it comes from; empty: it is exactly what was committed. */
export interface ComparedPayload {
  /** In order of paths, without duplicates. */
  readonly differences: readonly PayloadDifference[];
  /** By path of the payload: what the commit has, where git is configured to ignore modes and that on disk is another. */
  readonly kinds: ReadonlyMap<string, 'file' | 'program'>;
}

/**
 * Finds what of a checkout would be staged and is not as its commit has it, by content: what the index believes, and
 * whether git ignores a file, makes no difference. Asks git once, and again for each file that a filter
 * (line endings, large files) may have changed.
 *
 * @throws SiteError if git cannot answer
 */
export async function findDifferences(comparison: Comparison): Promise<ComparedPayload> {
  const { repository, files, links, searched, nested } = comparison;
  const tree = await readTree(repository, prefixesOf(comparison));
  const differences = new Map<string, PayloadDifference['what']>();
  const inTop = (path: string): string => relative(repository.top, path);
  const kinds = new Map<string, 'file' | 'program'>();
  for (const file of files) {
    const entry = tree.get(inTop(file.source));
    const what = await findDifference(repository, file, entry);
    if (what === 'mode ignored') kinds.set(file.path, entry?.mode === '100755' ? 'program' : 'file');
    else if (what !== undefined) differences.set(inTop(file.source), what);
  }
  for (const link of links) {
    const entry = tree.get(inTop(link));
    const ids = hashText(await readlink(link));
    if (entry === undefined) differences.set(inTop(link), 'not in the commit');
    else if (entry.mode !== '120000' || !isIdOf(ids, entry.id)) differences.set(inTop(link), 'changed');
  }
  const seen = new Set([...files.flatMap(({ at, source }) => [at, source]), ...links].map(inTop));
  for (const [path, entry] of tree) {
    if (entry.mode === '160000') {
      const commit = nested.get(join(repository.top, path));
      if (commit === undefined) {
        const place = join(repository.top, path);
        if (isToBeStaged(place, searched) && !(await isCheckout(place))) differences.set(path, 'not checked out');
      } else if (commit !== entry.id) differences.set(path, 'submodule');
    } else if (!seen.has(path) && isToBeStaged(join(repository.top, path), searched)) {
      differences.set(path, 'missing');
    }
  }
  const sorted = [...differences]
    .map(([path, what]) => ({ path, what }))
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));
  return { differences: sorted, kinds };
}

async function isCheckout(directory: string): Promise<boolean> {
  return (await lstat(join(directory, '.git')).catch(() => undefined)) !== undefined;
}

async function findDifference(
  repository: Comparison['repository'],
  file: HashedPayloadFile,
  entry: TreeEntry | undefined,
): Promise<PayloadDifference['what'] | 'mode ignored' | undefined> {
  if (file.kind === 'directory') return undefined;
  if (entry === undefined) return 'not in the commit';
  if (file.kind === 'link') return entry.mode === '120000' && isIdOf(file.hashes, entry.id) ? undefined : 'changed';
  if (!entry.mode.startsWith('100')) return 'changed';
  if (!isIdOf(file.hashes, entry.id) && (await readCleanId(repository, file)) !== entry.id) return 'changed';
  const isProgram = (file.facts.mode & 0o100n) !== 0n;
  if (isProgram === (entry.mode === '100755')) return undefined;
  return (await isModeIgnored(repository)) ? 'mode ignored' : 'mode changed';
}

/** Some file systems have no executable files; git is configured for that. */
async function isModeIgnored({ top }: Comparison['repository']): Promise<boolean> {
  return (await runGit(top, 'config', '--type=bool', '--get', 'core.fileMode')).stdout.trim() === 'false';
}

function isIdOf(hashes: HashedPayloadFile['hashes'], id: string): boolean {
  return id === (id.length === 40 ? hashes.gitSha1 : hashes.gitSha256);
}

/** The id that git gives a file after its filters, which turn what is checked out into what is committed. */
async function readCleanId({ top }: Comparison['repository'], { source, facts }: HashedPayloadFile): Promise<string> {
  const { exitCode, stdout } = await runGit(top, 'hash-object', '--', source);
  // Git read it again: what it says holds for what was hashed only if nothing happened in between.
  if (!isSame(facts, await stat(source, { bigint: true }))) throw makeChangingError(source);
  return exitCode === 0 ? stdout.trim() : '';
}

/** Directories and files of the checkout that hold all that is staged from it; `.` for all of it. */
function prefixesOf({ repository: { top }, files, links, searched, nested }: Comparison): readonly string[] {
  const paths = [...files.flatMap(({ at, source }) => [at, source]), ...links, ...nested.keys()];
  const froms = searched.map(({ from }) => from).filter((from) => paths.some((path) => isIn(path, from)));
  const inside = [...froms.map((from) => (isIn(top, from) ? top : from)), ...paths].filter((path) => isIn(path, top));
  const prefixes = [...new Set(inside.map((path) => relative(top, path)))].toSorted();
  const kept = prefixes.filter(
    (prefix) => !prefixes.some((other) => other !== prefix && isIn(`/${prefix}`, join('/', other))),
  );
  // A command line has an end.
  return kept.includes('') || kept.length > 500 ? [] : kept;
}

function isIn(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

async function readTree(
  { top, commit }: Comparison['repository'],
  prefixes: readonly string[],
): Promise<ReadonlyMap<string, TreeEntry>> {
  const result = await runGit(top, 'ls-tree', '-r', '-z', '--full-tree', commit, '--', ...prefixes);
  if (result.exitCode !== 0) {
    throw new SiteError(`The commit '${commit}' of '${top}' cannot be read: ${result.stderr.trim()}`, {
      code: 'site-payload-unreadable',
      advice: `Check the repository: git -C '${top}' fsck`,
    });
  }
  const tree = new Map<string, TreeEntry>();
  for (const line of result.stdout.split('\0')) {
    const [, mode, id, path] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/su.exec(line) ?? [];
    if (mode !== undefined && id !== undefined && path !== undefined) tree.set(path, { mode, id });
  }
  return tree;
}

/** Returns whether a file that the commit has, and that was not found, would be staged if it were there. */
function isToBeStaged(path: string, searched: readonly StagedMatches[]): boolean {
  return searched.some(({ from, names }) => {
    if (!isIn(path, from) || path === from) return false;
    const parts = relative(from, path).split('/');
    const named = parts[names.length - 1];
    if (parts.some((part) => neverStaged.has(part)) || (named !== undefined && isOurs(named))) return false;
    return isMatch(names, parts.join('/'));
  });
}
