import { join } from 'node:path';

import { findUnlisted } from '#db/catalog/find-unlisted.ts';
import { withDatabaseRetries } from '#db/retry.ts';
import { findFailedAttempts, findFinishedWithoutProduct } from '#db/status/discrepancy/find-ended-outputs.ts';
import { surveyBounds } from '#dispatch/inputs/make-disk.ts';
import { readDirectories } from '#dispatch/inputs/read-directories.ts';
import { present } from '#util/present.ts';

import type { Database } from '#db/connect.ts';
import type { EndedOutput } from '#db/status/discrepancy/find-ended-outputs.ts';
import type { Discrepancy } from '#model/report/discrepancies.ts';

import type { Found } from './find-running-ended.ts';

/** Those of the latest attempts; looking for so many in the catalog takes about 0.2 s. */
const mostLooked = 10_000;

/** Where outputs are looked for. */
interface OutputPlace {
  readonly status: Database;
  readonly catalog: Database;
  /** Attempts of this rule only. */
  readonly rule?: string;
}

/**
 * Finds attempts that finished a while ago, and whose product is neither in the catalog nor in a directory of the rule.
 * Where a directory cannot be listed, nothing is said about the products that may lie there.
 *
 * @throws DatabaseError
 */
export async function findMissingOutputs({ status, catalog, rule }: OutputPlace, graceMs: number): Promise<Found> {
  const query = { ...present({ rule }), graceSeconds: graceMs / 1000, limit: mostLooked };
  const attempts = await withDatabaseRetries(() => findFinishedWithoutProduct(status, query));
  const lacking = await withoutListed(catalog, attempts);
  const directories = [...new Set(lacking.flatMap((attempt) => attempt.directories ?? []))];
  const listing = readDirectories(directories, surveyBounds);
  const paths = new Set<string>();
  const wanted = new Set(lacking.flatMap(pathsOf));
  for await (const { path } of listing.paths) if (wanted.has(path)) paths.add(path);
  const found = lacking
    // What is on disk can be registered, and is reported as such.
    .filter((attempt) => !pathsOf(attempt).some((path) => paths.has(path)))
    .filter((attempt) => !isDoubtful(attempt, listing.unknown))
    .map(({ cupsid, dstfile, rule: name }): Discrepancy => {
      const detail = 'its product is neither in the catalog nor in an output directory';
      return { kind: 'output-missing', cupsid, dstfile, rule: name, detail };
    });
  const doubtful = lacking.filter((attempt) => isDoubtful(attempt, listing.unknown));
  return {
    found,
    unknown: [...listing.unknown].map(([directory, why]) => ({
      why: `'${directory}': ${why}`,
      count: doubtful.filter((attempt) => attempt.directories?.includes(directory)).length,
    })),
    uncertainRules: new Set(doubtful.map((attempt) => attempt.rule)),
  };
}

function isDoubtful({ directories }: EndedOutput, unknown: ReadonlyMap<string, string>): boolean {
  return (directories ?? []).some((directory) => unknown.has(directory));
}

/**
 * Finds attempts that failed although the catalog has a file of their product.
 *
 * @throws DatabaseError
 */
export async function findOutputsOfFailed(
  { status, catalog, rule }: OutputPlace,
  graceMs: number,
): Promise<readonly Discrepancy[]> {
  const query = { ...present({ rule }), graceSeconds: graceMs / 1000, limit: mostLooked };
  const attempts = await withDatabaseRetries(() => findFailedAttempts(status, query));
  const unlisted = new Set((await withoutListed(catalog, attempts)).map(({ cupsid }) => cupsid));
  return attempts
    .filter(({ cupsid }) => !unlisted.has(cupsid))
    .map(({ cupsid, dstfile, rule: name }) => ({
      kind: 'output-of-failed',
      ...{ cupsid, dstfile, rule: name, detail: 'failed, and the catalog has its product' },
    }));
}

async function withoutListed(catalog: Database, attempts: readonly EndedOutput[]): Promise<readonly EndedOutput[]> {
  const names = attempts.map(({ dstfile }) => dstfile);
  const unlisted = new Set(await withDatabaseRetries(() => findUnlisted(catalog, names)));
  return attempts.filter(({ dstfile }) => unlisted.has(dstfile));
}

function pathsOf({ dstfile, directories }: EndedOutput): readonly string[] {
  return (directories ?? []).flatMap((directory) => [
    join(directory, `${dstfile}.root`),
    join(directory, `${dstfile}.prdf`),
  ]);
}
