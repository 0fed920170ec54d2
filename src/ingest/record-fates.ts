import { markStageoutsApplied, putStageoutsAside } from '#db/status/mark-stageouts.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { resolveRefused, unregisteredSourceOf } from '#db/status/refused/resolve-refused.ts';
import { stageOutFlagOf } from '#model/job/error-flags.ts';

import type { Database } from '#db/connect.ts';
import type { Stageout } from '#db/status/find-stageouts.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';

/** The two databases between which a staged file travels. */
export interface StageoutResources {
  readonly status: Database;
  readonly catalog: Database;
  readonly log: Log;
}

/** The fate of one stageout. */
export type Fate =
  | { readonly kind: 'applied' }
  /** Will not be tried again by itself. */
  | { readonly kind: 'aside'; readonly reason: string }
  /** Will be tried again. */
  | { readonly kind: 'pending'; readonly reason: string };

/** A stageout, and what became of it. */
export interface DecidedStageout {
  readonly stageout: Stageout;
  readonly fate: Fate;
}

/**
 * Writes the fates of stageouts down, where they are news.
 *
 * @throws DatabaseError
 */
export async function recordFates(resources: StageoutResources, decided: readonly DecidedStageout[]): Promise<void> {
  const applied = decided.flatMap(({ stageout, fate }) =>
    fate.kind === 'applied' && !stageout.isApplied ? [stageout] : [],
  );
  if (applied.length > 0) await markStageoutsApplied(resources.status, applied);
  const settled = applied.filter(({ hasRefusal }) => hasRefusal);
  await resolveRefused(
    resources.status,
    { files: settled.map((stageout) => ({ ...stageout, lfn: stageout.file.lfn })) },
    'the file was staged out later',
  );
  const aside = decided.flatMap(({ stageout, fate }) =>
    fate.kind === 'aside' && stageout.note === null ? [{ stageout, reason: fate.reason }] : [],
  );
  if (aside.length === 0) return;
  for (const { stageout, reason } of aside) {
    resources.log.warn({ cupsid: stageout.cupsid, lfn: stageout.file.lfn, reason }, 'staged file quarantined');
  }
  // First, so that no row is silent about a file that was refused; repeated, it changes nothing. The row of a retired
  // attempt says itself why it does not count.
  const refusals = aside.filter(({ stageout }) => stageout.retiredReason === null);
  await recordEvents(
    resources.status,
    refusals.flatMap(({ stageout, reason }) => refusalsOf(stageout, reason).map((event) => ({ event }))),
  );
  await putStageoutsAside(
    resources.status,
    aside.map(({ stageout }) => stageout),
    aside.map(({ reason }) => reason),
  );
}

/**
 * What the row of the attempt says of a file that is not registered: a message with its error condition, which the next
 * message replaces, and a refusal that stays until it is resolved.
 */
function refusalsOf(stageout: Stageout, because: string): readonly JobEvent[] {
  const { cupsid, source, sequence, start, file } = stageout;
  const { lfn, path } = file;
  const reason = `${because}; '${path}' is left as it is and not registered for this product`;
  const common = { cupsid, sequence, start, at: new Date().toISOString() };
  const text = `Stage-out of '${lfn}' was refused: ${reason}`;
  return [
    {
      ...{ ...common, source: `registration:${source}`.slice(0, 200) },
      detail: { kind: 'message', text, flag: stageOutFlagOf(lfn) },
    },
    { ...common, source: unregisteredSourceOf(source), detail: { kind: 'refused', report: 'stageout', reason, lfn } },
  ];
}
