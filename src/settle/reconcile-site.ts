import { ingestSpools } from '#ingest/ingest-spools.ts';
import { present } from '#util/present.ts';

import { reconcile } from './reconcile/reconcile.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { Log } from '#model/log.ts';
import type { Reconciled } from '#model/report/reconciled.ts';
import type { Site } from '#model/site.ts';

/** The inputs of {@link reconcileSite}; times are in ms. */
export interface ReconcileSiteInput {
  readonly site: Site;
  readonly status: Database;
  readonly catalog: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
  /** Attempts of this rule only. */
  readonly rule?: string;
  /** Absent: {@link defaultTerms}. */
  readonly terms?: { readonly endGraceMs?: number; readonly vanishAfterMs?: number };
  readonly isMassVanishingAllowed?: boolean;
}

/**
 * Reconciles the attempts of a site: its spools first, then the batch system.
 *
 * @throws DatabaseError, GatewayError
 * @see docs/reconcile.md
 */
export function reconcileSite(input: ReconcileSiteInput): Promise<Reconciled> {
  const { site, status, catalog, backend, log, rule } = input;
  return reconcile({
    ...{ status, backend, log, ...input.terms, isMassVanishingAllowed: input.isMassVanishingAllowed === true },
    ...present({ rule }),
    ingestSpools: () => ingestSpools({ status, catalog, log }, site.spoolDirectory),
  });
}
