import { removeUnusedSnapshots } from '#dispatch/payload/snapshot/remove-unused-snapshots.ts';
import { removeEndedDirectories } from '#dispatch/submission/submission-directory.ts';

import { reconcileSite } from './reconcile-site.ts';
import { recover } from './recover.ts';

import type { Say } from '#model/log.ts';
import type { Reconciled, Recovered } from '#model/report/reconciled.ts';

import type { ReconcileSiteInput } from './reconcile-site.ts';

/** The result of settling a site: of its unconfirmed submissions, and of its open attempts. */
export interface Settled {
  readonly submissions: Recovered;
  readonly attempts: Reconciled;
}

/**
 * Settles what is open at a site, before anything new is dispatched: finishes what interrupted dispatches left, takes
 * spools that came home, brings attempts into agreement with the batch system, and removes what no job needs any more.
 * To be called once for any number of rules. With `rule`, only that rule's attempts are looked at: it gets the truth
 * about its own products, and is quick.
 *
 * @param input `say` gets a line about each submission that was recovered, or has to wait
 * @throws DatabaseError, GatewayError
 */
export async function settleSite(input: ReconcileSiteInput & { readonly say: Say }): Promise<Settled> {
  const { site, status, backend, log, say } = input;
  const submissions = await recover({ status, site, backend, log, say });
  const attempts = await reconcileSite(input);
  await removeEndedDirectories(site, status);
  // What only takes up room must not keep a dispatch from its work.
  await removeUnusedSnapshots({ store: site.payloads, status }).catch((error: unknown) =>
    log.warn({ error }, 'not pruned'),
  );
  return { submissions, attempts };
}
