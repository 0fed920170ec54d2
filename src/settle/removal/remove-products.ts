import { unlink } from 'node:fs/promises';

import { removeRows } from '#db/catalog/remove-rows.ts';
import { withDatabaseRetries } from '#db/retry.ts';
import { markRetired } from '#db/status/product/mark-retired.ts';
import { describeError } from '#util/describe-error.ts';

import { checkFile } from './check-files.ts';

import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { RemovableProduct, Removed } from '#model/report/removal.ts';

/** Where products are removed, by whom and why. */
export interface RemovalTerms {
  readonly status: Database;
  readonly catalog: Database;
  readonly log: Log;
  readonly by: string;
  readonly reason: string;
  /** Aborted: stop after the product under way. */
  readonly signal: AbortSignal;
}

/**
 * Removes products one after the other. Of each, the attempt is retired first, then the files are removed, and the rows of
 * the catalog last. If it is killed in between, a later removal finds what is left by these rows; as long as they exist, no
 * job makes the product.
 *
 * @throws DatabaseError
 */
export async function removeProducts(products: readonly RemovableProduct[], terms: RemovalTerms): Promise<Removed> {
  const removed = { products: 0, files: 0, bytes: 0, filesRows: 0, datasetsRows: 0, attempts: 0 };
  const failures: string[] = [];
  for (const product of products) {
    if (terms.signal.aborted) break;
    const { dstfile, attempt } = product;
    if (attempt !== undefined) {
      const isRetired = await withDatabaseRetries(() => markRetired(terms.status, attempt.cupsid, terms));
      if (!isRetired) {
        failures.push(
          `The attempt of '${dstfile}' (cupsid ${attempt.cupsid}) has changed meanwhile; nothing was removed`,
        );
        continue;
      }
      removed.attempts += 1;
    }
    const failure = await removeFiles(product, removed);
    if (failure !== undefined) {
      failures.push(failure);
      continue;
    }
    const rows = await withDatabaseRetries(() => removeRows(terms.catalog, product.files, product.datasets));
    removed.filesRows += rows.filesRows;
    removed.datasetsRows += rows.datasetsRows;
    removed.products += 1;
    terms.log.info({ dstfile, cupsid: attempt?.cupsid, files: product.files.map(({ path }) => path) }, 'removed');
  }
  return { ...removed, failures };
}

/** @returns why a file could not be removed; those before it are gone */
async function removeFiles(
  { files }: RemovableProduct,
  removed: { files: number; bytes: number },
): Promise<string | undefined> {
  for (const file of files) {
    const looked = await checkFile(file);
    if (looked === 'gone') continue;
    if (looked !== 'there') return looked.refusal;
    try {
      await unlink(file.path);
    } catch (error) {
      return `'${file.path}' cannot be removed: ${describeError(error, file.path)}`;
    }
    removed.files += 1;
    removed.bytes += file.sizeBytes ?? 0;
  }
  return undefined;
}
