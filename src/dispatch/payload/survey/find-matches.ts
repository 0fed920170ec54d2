import { lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

import { assertPresent } from '#util/assert-present.ts';
import { codeOf } from '#util/code-of.ts';

import { isShellPattern, makeShellMatcher, withoutBackslashes } from './make-shell-matcher.ts';

/** Something on disk that a staged path names. */
export interface StagedMatch {
  /** Where a job looks for it, from the directory that it stages from; normalized, `.` for that directory itself. */
  readonly path: string;
  /** Where it is: absolute, its directory without symbolic links; it may be a link itself. */
  readonly at: string;
}

/** What a staged path names, and what is passed through to get there. */
export interface StagedMatches {
  readonly matches: readonly StagedMatch[];
  /** Directories that a job passes through by name, so that `a/../b` can be reached; as in {@link StagedMatch.path}. */
  readonly passed: readonly string[];
  /** The directory in which the first pattern is looked for, and the patterns from there on; for {@link isMatch}. */
  readonly from: string;
  readonly names: readonly string[];
}

const mostLinks = 40;

/**
 * Follows a path as the kernel does, name by name.
 *
 * @param from absolute, without symbolic links
 * @param links gets the absolute path of each symbolic link on the way
 * @returns the absolute path without links; undefined where there is nothing, or the links go round in circles
 */
export async function resolvePath(
  from: string,
  path: string,
  links: Set<string>,
  depth = 0,
): Promise<string | undefined> {
  let current = path.startsWith('/') ? '/' : from;
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      current = dirname(current);
      continue;
    }
    const next = join(current, name);
    const found = await findEntry(next);
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink()) {
      current = next;
      continue;
    }
    links.add(next);
    const target = depth < mostLinks ? await resolvePath(current, await readlink(next), links, depth + 1) : undefined;
    if (target === undefined) return undefined;
    current = target;
  }
  return current;
}

async function findEntry(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * Finds what a staged path names: relative to a directory, or absolute, as a shell expands it.
 *
 * @param base absolute, without symbolic links
 * @param links gets the absolute path of each symbolic link on the way to a match, not of a match that is one
 * @throws an error of the operating system where a directory cannot be read
 */
export async function findMatches(
  { text, isPattern }: { readonly text: string; readonly isPattern: boolean },
  base: string,
  links: Set<string>,
): Promise<StagedMatches> {
  const names = text.split('/').filter((name) => name !== '' && name !== '.');
  const start = text.startsWith('/') ? '/' : base;
  const isGlob = (name: string): boolean => isPattern && isShellPattern(name);
  const firstGlob = names.findIndex(isGlob);
  const fixed = (firstGlob < 0 ? names : names.slice(0, firstGlob)).map((name) => plainNameOf(name, isPattern));
  const directory = await resolvePath(start, (firstGlob < 0 ? fixed.slice(0, -1) : fixed).join('/'), links);
  const patterns = firstGlob < 0 ? names.slice(-1) : names.slice(firstGlob);
  if (directory === undefined) return { matches: [], passed: [], from: start, names: [''] };
  const found: StagedMatch[] = [];
  const descend = async (at: string, path: string, rest: readonly string[]): Promise<void> => {
    const [name, ...others] = rest;
    if (name === undefined || name === '..') {
      const up = name === undefined ? at : dirname(at);
      const upPath = name === undefined ? path : posix.normalize(`${path}/..`);
      if (others.length === 0) found.push({ path: upPath, at: up });
      else await descend(up, upPath, others);
      return;
    }
    const candidates = isGlob(name) ? await readNames(at, name) : [plainNameOf(name, isPattern)];
    for (const one of candidates) {
      const next = join(at, one);
      const entry = await findEntry(next);
      if (entry === undefined) continue;
      const nextPath = posix.normalize(`${path}/${one}`);
      if (others.length === 0) {
        found.push({ path: nextPath, at: next });
        continue;
      }
      const real = entry.isSymbolicLink() ? await resolvePath(at, one, links) : next;
      if (real !== undefined) await descend(real, nextPath, others);
    }
  };
  const path = posix.normalize(['.', ...(firstGlob < 0 ? fixed.slice(0, -1) : fixed)].join('/'));
  await descend(directory, path, patterns);
  return {
    matches: found,
    passed: found.length === 0 ? [] : passedDirectoriesOf(fixed),
    from: directory,
    names: patterns.map((name) => (isPattern ? name : escapeShell(name))),
  };
}

/** Directories that a path enters only to leave them upwards. */
function passedDirectoriesOf(names: readonly string[]): readonly string[] {
  const left = names.flatMap((name, index) => (name !== '..' && names[index + 1] === '..' ? [index + 1] : []));
  return left.map((count) => posix.normalize(names.slice(0, count).join('/')));
}

function plainNameOf(name: string, isPattern: boolean): string {
  return isPattern ? withoutBackslashes(name) : name;
}

function escapeShell(name: string): string {
  return name.replaceAll(/[*?[\]\\]/gu, String.raw`\$&`);
}

async function readNames(directory: string, pattern: string): Promise<readonly string[]> {
  const isMatching = makeShellMatcher(pattern);
  try {
    return (await readdir(directory)).filter(isMatching).toSorted();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
}

/** Returns whether a path, relative to {@link StagedMatches.from}, is what the patterns name, or lies in it. */
export function isMatch(names: readonly string[], relative: string): boolean {
  const parts = relative.split('/');
  return (
    parts.length >= names.length &&
    names.every((name, index) => makeShellMatcher(name)(assertPresent(parts[index], 'a part of a path')))
  );
}
