import { findUnlisted } from '#db/catalog/find-unlisted.ts';
import { findFinishedProducts } from '#db/status/product/find-finished-products.ts';
import { present } from '#util/present.ts';

import type { Queryable } from '#db/connect.ts';
import type { LostProducts } from '#model/report/site-status.ts';

/** All others are counted by `kaedama --plan` of their rule. Looking for so many takes about 0.2 s. */
const mostLooked = 10_000;

/**
 * Looks in the catalog for the products of the latest finished attempts.
 *
 * @throws DatabaseError
 */
export async function findLostProducts(status: Queryable, catalog: Queryable): Promise<LostProducts> {
  const products = await findFinishedProducts(status, mostLooked);
  const lost = new Set(
    await findUnlisted(
      catalog,
      products.map(({ dstfile }) => dstfile),
    ),
  );
  const example = products.find(({ dstfile }) => lost.has(dstfile));
  return { count: lost.size, looked: products.length, ...present({ example }) };
}
