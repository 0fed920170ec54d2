import { putFiles } from '#db/catalog/put-files.ts';
import { findPendingStageouts, findStageouts } from '#db/status/find-stageouts.ts';
import { markStageoutsApplied, putStageoutsAside } from '#db/status/mark-stageouts.ts';
import { recordEvents } from '#db/status/record-events.ts';
import { resolveRefused, unregisteredSourceOf } from '#db/status/refused/resolve-refused.ts';
import { GatewayError } from '#model/errors.ts';
import { stageOutFlagOf } from '#model/job/error-flags.ts';
import { describeError } from '#util/describe-error.ts';
import { withBound } from '#util/with-bound.ts';

import { claimNames } from './claim-names.ts';
import { makeGroupWriter } from './group-writer.ts';
import { isPoison } from './is-poison.ts';
import { makeCatalogFile } from './make-catalog-file.ts';

import type { Database } from '#db/connect.ts';
import type { EventKey, Stageout } from '#db/status/find-stageouts.ts';
import type { Registration } from '#model/job/event-reply.ts';
import type { JobEvent } from '#model/job/job-event.ts';
import type { Log } from '#model/log.ts';

/** The two databases between which a staged file travels. */
export interface StageoutResources {
  readonly status: Database;
  readonly catalog: Database;
  readonly log: Log;
}

/** Brings staged files from the events into the catalog. */
export interface StageoutApplier {
  /**
   * Applies stageouts that are committed as events. Never throws, and never waits longer than the bound: what is not
   * in the catalog by then is answered with a reason, and tried again by {@link StageoutApplier.applyPending}.
   *
   * @returns one a key that is a stageout, in the order of the keys
   */
  apply(keys: readonly EventKey[]): Promise<readonly Registration[]>;
  /**
   * Applies what was left over, oldest first, until nothing is left or the catalog refuses.
   *
   * @returns how many were applied, and whether the catalog took all it was given
   * @throws DatabaseError where the status database does not answer
   */
  applyPending(): Promise<{ readonly applied: number; readonly isCatalogUp: boolean }>;
  /** Waits until what was taken is done. */
  close(): Promise<void>;
}

/** The fate of one stageout. */
type Fate =
  | { readonly kind: 'applied' }
  /** Will not be tried again by itself. */
  | { readonly kind: 'aside'; readonly reason: string }
  /** Will be tried again. */
  | { readonly kind: 'pending'; readonly reason: string };

/** While the catalog is away it is tried once in this time; the others do not wait. */
const pauseMs = 3000;

/** A catalog that does not answer for so long counts as away; what it may still do is done again, with the same outcome. */
const hangMs = 30_000;

const batchSize = 500;

/** Makes an applier. @param boundMs how long {@link StageoutApplier.apply} waits; 5 s by default */
export function makeStageoutApplier(resources: StageoutResources, boundMs = 5000): StageoutApplier {
  let awayUntil = 0;
  let awayReason = '';

  const writer = makeGroupWriter<Stageout, Fate>({
    maxItems: batchSize,
    maxQueued: 20_000,
    isPoison,
    write: async (stageouts) => {
      if (Date.now() < awayUntil) return stageouts.map(() => ({ kind: 'pending', reason: awayReason }) as const);
      try {
        const reasons = await withBound(putOwnFiles(resources, stageouts), hangMs, () => {
          throw new GatewayError('It does not answer', { code: 'gateway-slow' });
        });
        awayUntil = 0;
        return reasons.map((reason): Fate => (reason === undefined ? { kind: 'applied' } : { kind: 'aside', reason }));
      } catch (error) {
        if (isPoison(error)) throw error;
        awayReason = `the catalog is unavailable: ${describeError(error)}`;
        if (awayUntil === 0)
          resources.log.warn({ reason: describeError(error) }, 'the catalog does not accept staged files');
        awayUntil = Date.now() + pauseMs;
        return stageouts.map(() => ({ kind: 'pending', reason: awayReason }) as const);
      }
    },
    refuse: (_stageout, error) => ({ kind: 'aside', reason: `the catalog refuses it: ${describeError(error)}` }),
  });

  async function settle(stageouts: readonly Stageout[]): Promise<readonly Fate[]> {
    const decided = stageouts.map(decideAlone);
    const open = stageouts.filter((_, index) => decided[index] === undefined);
    const written = await writer.write(open);
    let next = 0;
    const fates = decided.map((fate): Fate => fate ?? written[next++] ?? { kind: 'pending', reason: 'not tried' });
    await recordFates(resources, stageouts, fates);
    return fates;
  }

  async function applyNow(keys: readonly EventKey[]): Promise<readonly Registration[]> {
    const found = new Map(
      (await findStageouts(resources.status, keys)).map((stageout) => [keyTextOf(stageout), stageout]),
    );
    const stageouts = keys.flatMap((key) => found.get(keyTextOf(key)) ?? []);
    const fates = await settle(stageouts);
    return stageouts.map((stageout, index) => registrationOf(stageout, fates[index]));
  }

  return {
    async apply(keys) {
      if (keys.length === 0) return [];
      const applied = applyNow(keys).catch((error: unknown) =>
        keys.map((key) => registrationOf(key, { kind: 'pending', reason: describeError(error) })),
      );
      return withBound<readonly Registration[]>(applied, boundMs, () =>
        keys.map((key) => registrationOf(key, { kind: 'pending', reason: 'the catalog has not answered yet' })),
      );
    },
    async applyPending() {
      let applied = 0;
      for (;;) {
        const stageouts = await findPendingStageouts(resources.status, batchSize);
        const fates = await settle(stageouts);
        applied += fates.filter((fate) => fate.kind === 'applied').length;
        if (fates.some((fate) => fate.kind === 'pending')) return { applied, isCatalogUp: false };
        if (stageouts.length < batchSize) return { applied, isCatalogUp: true };
      }
    },
    close: () => writer.close(),
  };
}

/** Puts the files into the catalog whose names belong to their products. @returns one a stageout: why not, if so */
async function putOwnFiles(
  resources: StageoutResources,
  stageouts: readonly Stageout[],
): Promise<readonly (string | undefined)[]> {
  const requests = stageouts.map(({ file: { lfn }, product: { dstfile }, cupsid }) => ({
    ...{ lfn, dstfile, cupsid },
    isTaken: false,
  }));
  const reasons = await claimNames(resources, requests);
  // The later stageout of the same file by the same attempt stands for a superseded one.
  const own = stageouts.filter((stageout, index) => reasons[index] === undefined && !stageout.isSuperseded);
  if (own.length === 0) return reasons;
  await putFiles(
    resources.catalog,
    own.map(({ file, product }) => makeCatalogFile(file, product)),
  );
  return reasons;
}

/** What can be said without the catalog. */
function decideAlone(stageout: Stageout): Fate | undefined {
  if (stageout.isApplied) return { kind: 'applied' };
  if (stageout.note !== null) return { kind: 'aside', reason: stageout.note };
  // Its product may be another attempt's by now: a late success must not overwrite that one's.
  if (stageout.retiredReason !== null) {
    return { kind: 'aside', reason: `the attempt was retired: ${stageout.retiredReason}` };
  }
  return undefined;
}

/** Writes the fates down, where they are news. */
async function recordFates(
  resources: StageoutResources,
  stageouts: readonly Stageout[],
  fates: readonly Fate[],
): Promise<void> {
  const applied = stageouts.filter((stageout, index) => fates[index]?.kind === 'applied' && !stageout.isApplied);
  if (applied.length > 0) await markStageoutsApplied(resources.status, applied);
  const settled = applied.filter(({ hasRefusal }) => hasRefusal);
  await resolveRefused(
    resources.status,
    { files: settled.map((stageout) => ({ ...stageout, lfn: stageout.file.lfn })) },
    'the file was staged out later',
  );
  const aside = stageouts.flatMap((stageout, index) => {
    const fate = fates[index];
    return fate?.kind === 'aside' && stageout.note === null ? [{ stageout, reason: fate.reason }] : [];
  });
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

function registrationOf({ cupsid, source, sequence }: EventKey, fate: Fate | undefined): Registration {
  const key = { cupsid, source, sequence };
  if (fate?.kind === 'applied') return { ...key, isRegistered: true };
  return {
    ...key,
    isRegistered: false,
    ...(fate?.kind === 'aside' ? { isRefused: true } : {}),
    ...(fate === undefined ? {} : { reason: fate.reason }),
  };
}

function keyTextOf({ cupsid, source, sequence }: EventKey): string {
  return JSON.stringify([cupsid, source, sequence]);
}
