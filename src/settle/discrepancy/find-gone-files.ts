import { lstat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';

import { findRowsOfFiles } from '#db/catalog/find-removable-rows.ts';
import { withDatabaseRetries } from '#db/retry.ts';
import { findLiveSetups, findStagedProducts } from '#db/status/discrepancy/find-ended-outputs.ts';
import { readDirectories } from '#dispatch/inputs/read-directories.ts';
import { codeOf } from '#util/code-of.ts';
import { present } from '#util/present.ts';
import { withBound } from '#util/with-bound.ts';

import { isMass } from '../is-mass.ts';

import type { Database } from '#db/connect.ts';
import type { Discrepancies, Discrepancy } from '#model/report/discrepancies.ts';

import type { Found } from './find-running-ended.ts';

/** Where files are looked for. */
export interface GoneFilesInput {
  readonly status: Database;
  readonly catalog: Database;
  /** Products of this rule only. */
  readonly rule?: string;
  /** A person has confirmed that most files are gone. */
  readonly isMassAllowed: boolean;
  /** Aborted: what was found until then counts, and the rest is unknown. */
  readonly signal?: AbortSignal;
}

/** A production whose last jobs were submitted longer ago, and that no loop runs, is not looked at. */
const liveDays = 30;

const productsAtOnce = 10_000;

/** A file of a directory is checked by itself only if the listing does not have it; so many of a rule at most. */
const checkedAtMost = 10_000;

const checkedWithinMs = 10_000;

interface Missing extends Omit<Discrepancy, 'kind' | 'detail'> {
  readonly path: string;
}

/**
 * Finds files of live productions that the catalog has and the disk has not. Directories are listed, each once; only what
 * a listing does not have is checked by itself. A directory that cannot be listed or does not answer is unknown. Where too
 * many files of one directory or rule are gone at once, its file system is probably not mounted: they are disbelieved.
 *
 * @throws DatabaseError
 * @see docs/reconcile.md
 */
export async function findGoneFiles(input: GoneFilesInput): Promise<Found & Pick<Discrepancies, 'disbelieved'>> {
  const { status, rule } = input;
  const setups = await withDatabaseRetries(() => findLiveSetups(status, liveDays));
  const tally = makeTally();
  const listings = new Listings();
  let after = { run: -1, cupsid: 0 };
  while (setups.length > 0) {
    const which = { setups, after, limit: productsAtOnce, ...present({ rule }) };
    const products = await withDatabaseRetries(() => findStagedProducts(status, which));
    const last = products.at(-1);
    if (last === undefined) break;
    if (input.signal?.aborted === true) {
      tally.addUnknown('not checked: interrupted', ...products.map(({ rule: name }) => name));
      break;
    }
    after = last;
    await checkPage(input, products, listings, tally);
  }
  const disbelieved = input.isMassAllowed ? [] : tally.findMasses();
  const places = new Set(disbelieved.map(({ where }) => where));
  const believed = tally.missing.filter(({ path, rule: name }) => !places.has(dirname(path)) && !places.has(name));
  const gone = await findCertain(believed, tally);
  return { found: await withoutRemoved(input.catalog, gone), ...tally.end(), disbelieved };
}

/** Keeps those that are certainly gone. A directory that does not answer is asked once. */
async function findCertain(missing: readonly Missing[], tally: Tally): Promise<readonly Discrepancy[]> {
  const silent = new Map<string, string>();
  const found: Discrepancy[] = [];
  for (const { path, ...attempt } of missing) {
    const directory = dirname(path);
    const silence = (): string => `'${directory}': does not answer`;
    const why = silent.get(directory) ?? (await withBound(findDoubt(path), checkedWithinMs, silence));
    if (why === 'there') continue;
    if (why === silence()) silent.set(directory, why);
    if (why === undefined) found.push({ kind: 'file-gone', ...attempt, detail: `'${path}' is gone` });
    else tally.addUnknown(why, attempt.rule);
  }
  return found;
}

async function checkPage(
  { catalog }: GoneFilesInput,
  products: Awaited<ReturnType<typeof findStagedProducts>>,
  listings: Listings,
  tally: Tally,
): Promise<void> {
  const owners = new Map(
    products.flatMap((product) => [`.root`, `.prdf`].map((end) => [`${product.dstfile}${end}`, product] as const)),
  );
  const { files } = await withDatabaseRetries(() => findRowsOfFiles(catalog, [...owners.keys()]));
  const known = files.filter(({ path }) => isAbsolute(path));
  await listings.read(new Set(known.map(({ path }) => dirname(path))));
  for (const { lfn, path } of known) {
    const owner = owners.get(lfn);
    if (owner === undefined) continue;
    const directory = dirname(path);
    const names = listings.find(directory);
    if (typeof names === 'string') tally.addUnknown(`'${directory}': ${names}`, owner.rule);
    else tally.addLooked({ cupsid: owner.cupsid, dstfile: owner.dstfile, rule: owner.rule, path }, !names.has(path));
  }
}

/** What directories hold. Those that two pages in a row did not ask for are forgotten: pages are in the order of runs. */
class Listings {
  #before = new Map<string, ReadonlySet<string> | string>();
  #now = new Map<string, ReadonlySet<string> | string>();
  /** A file system that does not answer is not asked again: each question keeps a thread. */
  #isStuck = false;

  async read(directories: ReadonlySet<string>): Promise<void> {
    const earlier = new Map([...this.#before, ...this.#now]);
    this.#before = this.#now;
    this.#now = new Map();
    const unread: string[] = [];
    for (const directory of directories) {
      const known = earlier.get(directory);
      if (known !== undefined) this.#now.set(directory, known);
      else if (this.#isStuck) this.#now.set(directory, 'not checked: a file system did not answer earlier');
      else unread.push(directory);
    }
    const listing = readDirectories(unread);
    const found = new Map<string, Set<string>>(unread.map((directory) => [directory, new Set()]));
    for await (const { path } of listing.paths) found.get(dirname(path))?.add(path);
    for (const [directory, paths] of found) this.#now.set(directory, listing.unknown.get(directory) ?? paths);
    this.#isStuck ||= [...listing.unknown.values()].some((why) => why.startsWith('no answer'));
  }

  /** The paths of its files, or why they are not known. */
  find(directory: string): ReadonlySet<string> | string {
    return this.#now.get(directory) ?? 'not listed';
  }
}

type Tally = ReturnType<typeof makeTally>;

function makeTally() {
  const unknown = new Map<string, number>();
  const missing: Missing[] = [];
  /** By directory, and by rule. */
  const places = new Map<string, { gone: number; looked: number }>();
  const uncertainRules = new Set<string>();
  const addUnknown = (why: string, ...rules: readonly string[]): void => {
    unknown.set(why, (unknown.get(why) ?? 0) + rules.length);
    for (const rule of rules) uncertainRules.add(rule);
  };
  return {
    missing,
    addUnknown,
    addLooked: (file: Missing, isGone: boolean): void => {
      for (const where of [dirname(file.path), file.rule]) {
        const place = places.get(where) ?? { gone: 0, looked: 0 };
        places.set(where, { gone: place.gone + (isGone ? 1 : 0), looked: place.looked + 1 });
      }
      if (!isGone) return;
      if ((places.get(file.rule)?.gone ?? 0) <= checkedAtMost) missing.push(file);
      else addUnknown(`too many files of '${file.rule}' are missing to check each`, file.rule);
    },
    findMasses: () =>
      [...places].flatMap(([where, { gone, looked }]) => (isMass(gone, looked) ? [{ where, gone, looked }] : [])),
    end: () => ({
      unknown: [...unknown].map(([why, count]) => ({ why, count })).toSorted((a, b) => b.count - a.count),
      uncertainRules,
    }),
  };
}

/** Why it is not known that a file is gone; undefined where it is certain, `there` where it is not gone. */
async function findDoubt(path: string): Promise<string | undefined> {
  try {
    await lstat(path);
    return 'there';
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return `'${path}': cannot be checked (${codeOf(error) ?? 'unknown error'})`;
  }
  const directory = dirname(path);
  try {
    await lstat(directory);
    return undefined;
  } catch (error) {
    return `'${directory}': cannot be listed (${codeOf(error) ?? 'unknown error'})`;
  }
}

/** A file may have been removed with its rows since they were read. */
async function withoutRemoved(catalog: Database, found: readonly Discrepancy[]): Promise<readonly Discrepancy[]> {
  const names = found.flatMap(({ dstfile }) => [`${dstfile}.root`, `${dstfile}.prdf`]);
  const { files } = await withDatabaseRetries(() => findRowsOfFiles(catalog, names));
  const details = new Set(files.map(({ path }) => `'${path}' is gone`));
  return found.filter(({ detail }) => details.has(detail));
}
