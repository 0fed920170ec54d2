import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { SiteError } from '#model/errors.ts';
import { codeOf } from '#util/code-of.ts';
import { present } from '#util/present.ts';

import { findMatches, resolvePath } from './find-matches.ts';
import { isOurs, neverStaged } from './staged-path.ts';

import type { BigIntStats } from 'node:fs';

import type { PayloadFile } from '#model/payload.ts';

import type { StagedMatches } from './find-matches.ts';
import type { StagedPath } from './staged-path.ts';

/** Something to be staged that was found, not read yet. */
export interface FoundFile {
  /** As in {@link PayloadFile}. */
  readonly path: string;
  readonly kind: PayloadFile['kind'];
  /** Where it was found; absolute, its directory without symbolic links. */
  readonly at: string;
  /** Where its content is: the same, or where the links lead; absolute, without links. */
  readonly source: string;
  /** Of the content. */
  readonly facts: BigIntStats;
  /** Of a link. */
  readonly target?: string;
}

/** All that the jobs of a rule stage, as it lies on disk. */
export interface FoundPayload {
  /** One for each path, in order of paths. */
  readonly files: readonly FoundFile[];
  /** Symbolic links on the way to them, absolute; what they say decides what is staged. */
  readonly links: ReadonlySet<string>;
  /** What each staged path named, for asking what else it would name. */
  readonly searched: readonly StagedMatches[];
  /** By the absolute path that the batch system would be given (normalized): the path in the snapshot. */
  readonly moved: ReadonlyMap<string, string>;
}

/** The inputs of {@link findStagedFiles}: the paths of a rule in their order. */
export interface CollectInput {
  readonly paths: readonly StagedPath[];
  /** Absolute. */
  readonly submitDirectory: string;
  /** Directories of SLURP itself, which are left out; absolute, without links. */
  readonly ownDirectories: readonly string[];
}

/** More files than any payload has; a directory of data was named by mistake. */
const mostFiles = 100_000;

/**
 * Finds everything that jobs would stage, without reading it. A file that only a link leads to counts as the file; a link
 * within a directory stays one where it leads to something else that is staged.
 *
 * @throws SiteError `site-payload-changing` if it changes meanwhile, `site-payload-too-large` for 100,000 files and more;
 * an error of the operating system where something cannot be looked at
 */
export async function findStagedFiles({ paths, submitDirectory, ownDirectories }: CollectInput): Promise<FoundPayload> {
  const links = new Set<string>();
  const base = await resolvePath('/', submitDirectory, new Set());
  if (base === undefined) throw makeChangingError(submitDirectory);
  const files = new Map<string, FoundFile>();
  const pending: FoundFile[] = [];
  const searched: StagedMatches[] = [];
  const moved = new Map<string, string>();
  const put = (file: FoundFile): void => {
    if (file.kind === 'link') pending.push(file);
    else files.set(file.path, file);
    if (files.size > mostFiles) throw makeTooManyError();
  };
  const walk = async (at: string, path: string): Promise<void> => {
    if (ownDirectories.includes(at)) return;
    const entries = (await readdir(at, { withFileTypes: true })).toSorted((one, other) =>
      one.name < other.name ? -1 : 1,
    );
    if (entries.length === 0)
      put({ path, kind: 'directory', at, source: at, facts: await lstat(at, { bigint: true }) });
    for (const entry of entries) {
      if (neverStaged.has(entry.name)) continue;
      const [next, nextPath] = [join(at, entry.name), posix.join(path, entry.name)];
      if (entry.isDirectory()) await walk(next, nextPath);
      else await look(next, nextPath, false);
    }
  };
  /** `isNamed`: a job copies what a link leads to, if it is named itself. */
  const look = async (at: string, path: string, isNamed: boolean): Promise<void> => {
    const facts = await lstat(at, { bigint: true });
    if (facts.isFile()) put({ path, kind: kindOf(facts), at, source: at, facts });
    else if (facts.isDirectory()) await walk(at, path);
    else if (facts.isSymbolicLink()) {
      links.add(at);
      const source = await resolvePath('/', at, links);
      const led = source === undefined ? undefined : await stat(source, { bigint: true });
      if (source !== undefined && led?.isDirectory() === true && isNamed) await walk(source, path);
      else if (source !== undefined && led?.isFile() === true && isNamed) {
        put({ path, kind: kindOf(led), at, source, facts: led });
      } else put({ path, kind: 'link', at, source: source ?? at, facts: led ?? facts, target: await readlink(at) });
    }
  };
  try {
    for (const staged of paths) {
      const found = await findMatches(staged, base, links);
      searched.push(found);
      for (const { path, at } of found.matches) {
        const name = posix.basename(path);
        if (neverStaged.has(name) || (staged.use !== 'transferred' && isOurs(name))) continue;
        if (staged.use === 'in-place') await findInPlace(at, links, put);
        else await look(at, path, true);
        if (staged.use === 'transferred') moved.set(absoluteOf(path, staged.text, submitDirectory), path);
      }
      for (const path of found.passed) await putPassed(path, base, put);
    }
  } catch (error) {
    // Between two looks something was there, and is there no longer.
    if (codeOf(error) === 'ENOENT') throw makeChangingError(submitDirectory, error);
    throw error;
  }
  for (const link of pending) decideLink(link, files);
  removeFilledDirectories(files);
  const sorted = [...files.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  return { files: sorted, links, searched, moved };
}

function kindOf(facts: BigIntStats): 'file' | 'program' {
  return (facts.mode & 0o100n) === 0n ? 'file' : 'program';
}

/** Absolute, as `path.resolve` makes it of what a rule writes. */
function absoluteOf(path: string, text: string, submitDirectory: string): string {
  return text.startsWith('/') ? `/${path}` : posix.resolve(submitDirectory, path);
}

async function findInPlace(at: string, links: Set<string>, put: (file: FoundFile) => void): Promise<void> {
  const source = await resolvePath('/', at, links);
  const facts = source === undefined ? undefined : await stat(source, { bigint: true });
  if (source === undefined || facts?.isFile() !== true) return;
  put({ path: source, kind: 'in-place', at, source, facts });
}

/** A directory that only its name is needed of. */
async function putPassed(path: string, base: string, put: (file: FoundFile) => void): Promise<void> {
  const at = await resolvePath(base, path, new Set());
  if (at !== undefined) put({ path, kind: 'directory', at, source: at, facts: await lstat(at, { bigint: true }) });
}

/** A link that leads to what is staged as well stays a link, as one that leads to a directory or nowhere. */
function decideLink(link: FoundFile, files: Map<string, FoundFile>): void {
  const { target = '', facts, path } = link;
  const led = posix.normalize(`${posix.dirname(path)}/${target}`);
  const isWithin = !target.startsWith('/') && files.has(led);
  if (isWithin || !facts.isFile()) files.set(path, link);
  else {
    const { path: _, target: __, ...rest } = link;
    files.set(path, { ...rest, path, kind: kindOf(facts) });
  }
}

/** Only what is empty is noted as a directory: the others are there with what they hold. */
function removeFilledDirectories(files: Map<string, FoundFile>): void {
  const filled = new Set(['.']);
  for (const path of files.keys()) {
    for (let above = posix.dirname(path); !filled.has(above) && above !== '/'; above = posix.dirname(above))
      filled.add(above);
  }
  for (const [path, { kind }] of files) if (kind === 'directory' && filled.has(path)) files.delete(path);
}

/** The error for a payload that is being edited. */
export function makeChangingError(path: string, cause?: unknown): SiteError {
  return new SiteError(`The payload changed while it was read: '${path}'`, {
    code: 'site-payload-changing',
    ...present({ cause }),
    advice: 'Wait until it is no longer being written, then run the command again; nothing was submitted',
  });
}

function makeTooManyError(): SiteError {
  return new SiteError(`The payload has more than ${mostFiles.toLocaleString('en-US')} files`, {
    code: 'site-payload-too-large',
    advice: "List less in 'params.rsync' of the rule: input data belongs in 'input'",
  });
}
