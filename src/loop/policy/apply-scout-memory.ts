import { findScoutMemory, findScoutPeak, putScoutMemory } from '#db/status/policy/scout-memory.ts';

import type { Database, Session } from '#db/connect.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

/**
 * Decides how much memory the jobs of a rule request by what its scouts, which have finished, used. That is done once, and
 * again if the rule asks for another percentile, factor or limit. If no scout was measured, they request what the rule says.
 *
 * @param guard called first in the transaction: throws if the loop has lost the right to write
 * @throws DatabaseError; SiteError if the lease is lost
 */
export async function applyScoutMemory(
  status: Database,
  { rule, names: { production } }: PreparedRule,
  guard: (session: Session) => Promise<void>,
): Promise<void> {
  const { scouts, scoutMemory: settings } = rule.order;
  if (scouts === undefined || settings === undefined) return;
  const { percentile, factor, upToMb } = settings;
  const known = await findScoutMemory(status, production);
  const isSame =
    known?.scouts === scouts && known.percentile === percentile && known.factor === factor && known.upToMb === upToMb;
  if (isSame) return;
  const { measured, peakMb } = await findScoutPeak(status, production, { scouts, percentile });
  if (peakMb === null) return;
  const memoryMb = Math.ceil(Math.min(peakMb * factor, upToMb ?? Infinity));
  await status.transaction(async (session) => {
    await guard(session);
    await putScoutMemory(session, production, { rule: rule.name, scouts, ...settings, measured, peakMb, memoryMb });
  });
}
