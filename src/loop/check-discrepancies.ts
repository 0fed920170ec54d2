import { claimCheck } from '#db/status/discrepancy/claim-check.ts';
import { findDiscrepancies } from '#settle/discrepancy/find-discrepancies.ts';
import { putDiscrepancyAlarms } from '#settle/discrepancy/put-discrepancy-alarms.ts';

import type { Discrepancies } from '#model/report/discrepancies.ts';

import type { TurnPlace } from './run-turn.ts';

/**
 * Looks for discrepancies of attempts that have ended, and raises and clears their alarms. The files on disk are looked
 * for once in `disk_check` of the site, by one of its loops.
 *
 * @throws DatabaseError
 */
export async function checkDiscrepancies(
  { site, databases, backend }: TurnPlace,
  stop: AbortSignal,
): Promise<Discrepancies> {
  const { status, catalog } = databases;
  const isDiskChecked = await claimCheck(status, 'disk', site.diskCheckMs);
  const discrepancies = await findDiscrepancies({ status, catalog, backend, isDiskChecked, signal: stop });
  await putDiscrepancyAlarms(status, discrepancies);
  return discrepancies;
}
