import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { withDatabaseRetries } from '#db/retry.ts';
import { findLackingAttempts } from '#db/status/product/find-lacking-attempts.ts';

import type { Queryable } from '#db/connect.ts';
import type { LeftProducts } from '#model/report/left-products.ts';

/** More attempts than this are looked at by the next call, once these are settled. */
const mostAttempts = 10_000;

const extensions = ['.root', '.prdf'] as const;

/**
 * Looks in the output directories of attempts that have ended without a stage-out of their product: each directory is
 * listed once. Changes nothing.
 *
 * @throws DatabaseError
 * @see docs/reconcile.md
 */
export async function findLeftProducts(status: Queryable, rule: string | undefined): Promise<LeftProducts> {
  const attempts = await withDatabaseRetries(() => findLackingAttempts(status, rule, mostAttempts));
  const listings = new Map<string, ReadonlySet<string> | undefined>();
  for (const directory of new Set(attempts.flatMap(({ directories }) => directories))) {
    listings.set(directory, await readDirectory(directory));
  }
  const found = attempts.flatMap(({ id, dstfile, state, start, isSuccess, directories }) => {
    const paths = directories.flatMap((directory) =>
      extensions
        .map((extension) => `${dstfile}${extension}`)
        .filter((name) => listings.get(directory)?.has(name) === true)
        .map((name) => join(directory, name)),
    );
    const [path] = paths;
    return path === undefined ? [] : [{ cupsid: id, dstfile, state, start, isSuccess, path }];
  });
  const unreadable = [...listings].flatMap(([directory, names]) => (names === undefined ? [directory] : []));
  return { found, unreadable };
}

/** The names of regular files; undefined if the directory cannot be listed. */
async function readDirectory(directory: string): Promise<ReadonlySet<string> | undefined> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  return entries && new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
}
