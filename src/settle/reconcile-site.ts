import { ingestSpools } from '#ingest/ingest-spools.ts';
import { present } from '#util/present.ts';

import { putMassOfJobs } from './discrepancy/put-discrepancy-alarms.ts';
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
  /** Nothing is changed: the counts say what would be done. */
  readonly isReportOnly?: boolean;
}

/**
 * Reconciles the attempts of a site: its spools first, then the batch system. Of all rules at once, it raises an alarm
 * where most jobs seem to have vanished, and clears it.
 *
 * @throws DatabaseError, GatewayError
 * @see docs/reconcile.md
 */
export async function reconcileSite(input: ReconcileSiteInput): Promise<Reconciled> {
  const { site, status, catalog, backend, log, rule } = input;
  const isReportOnly = input.isReportOnly === true;
  const reconciled = await reconcile({
    ...{ status, backend, log, ...input.terms, isMassVanishingAllowed: input.isMassVanishingAllowed === true },
    ...{ ...present({ rule }), isReportOnly },
    ingestSpools: () =>
      isReportOnly ? Promise.resolve() : ingestSpools({ status, catalog, log }, site.spoolDirectory),
  });
  if (!isReportOnly && rule === undefined) await putMassOfJobs(status, reconciled);
  return reconciled;
}
