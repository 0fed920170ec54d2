import { putFiles } from '#db/catalog/put-files.ts';
import { findPendingStageouts, findStageouts } from '#db/status/find-stageouts.ts';
import { GatewayError } from '#model/errors.ts';
import { assertPresent } from '#util/assert-present.ts';
import { describeError } from '#util/describe-error.ts';
import { withBound } from '#util/with-bound.ts';

import { claimNames } from './claim-names.ts';
import { makeGroupWriter } from './group-writer.ts';
import { isPoison } from './is-poison.ts';
import { makeCatalogFile } from './make-catalog-file.ts';
import { recordFates } from './record-fates.ts';

import type { EventKey, Stageout } from '#db/status/find-stageouts.ts';
import type { Registration } from '#model/job/event-reply.ts';

import type { DecidedStageout, Fate, StageoutResources } from './record-fates.ts';

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

/** While the catalog is away it is tried once in this time; the others do not wait. */
const pauseMs = 3000;

/** A catalog that does not answer for so long counts as away; what it may still do is done again, with the same outcome. */
const hangMs = 30_000;

const batchSize = 500;

const mostQueued = 20_000;

/** Makes an applier. @param boundMs how long {@link StageoutApplier.apply} waits; 5 s by default */
export function makeStageoutApplier(resources: StageoutResources, boundMs = 5000): StageoutApplier {
  let awayUntil = 0;
  let awayReason = '';

  const writer = makeGroupWriter<Stageout, Fate>({
    ...{ maxItems: batchSize, maxQueued: mostQueued, isPoison },
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

  // What is asked and recorded for each file alone would cost several times what registering it does.
  const finder = makeGroupWriter<EventKey, Stageout | undefined>({
    ...{ maxItems: batchSize, maxQueued: mostQueued, isPoison: () => false },
    write: async (keys) => {
      const found = new Map((await findStageouts(resources.status, keys)).map((one) => [keyTextOf(one), one]));
      return keys.map((key) => found.get(keyTextOf(key)));
    },
    refuse: () => undefined,
  });
  const recorder = makeGroupWriter<DecidedStageout, { readonly error?: unknown }>({
    ...{ maxItems: batchSize, maxQueued: mostQueued, isPoison },
    write: async (decided) => {
      // The same report may have been sent twice at once.
      await recordFates(resources, [...new Map(decided.map((one) => [keyTextOf(one.stageout), one])).values()]);
      return decided.map(() => ({}));
    },
    refuse: (_decided, error) => ({ error }),
  });

  async function settle(stageouts: readonly Stageout[]): Promise<readonly Fate[]> {
    const decided = stageouts.map(decideAlone);
    const open = stageouts.filter((_, index) => decided[index] === undefined);
    const written = await writer.write(open);
    let next = 0;
    const fates = decided.map((fate): Fate => fate ?? written[next++] ?? { kind: 'pending', reason: 'not tried' });
    const results = await recorder.write(
      stageouts.map((stageout, index) => ({ stageout, fate: assertPresent(fates[index], 'a fate') })),
    );
    const refused = results.find(({ error }) => error !== undefined);
    if (refused !== undefined) throw refused.error;
    return fates;
  }

  // What is under way, from one group to the next.
  const open = new Set<Promise<unknown>>();

  async function applyNow(keys: readonly EventKey[]): Promise<readonly Registration[]> {
    const stageouts = (await finder.write(keys)).filter((stageout) => stageout !== undefined);
    const fates = await settle(stageouts);
    return stageouts.map((stageout, index) => registrationOf(stageout, fates[index]));
  }

  return {
    async apply(keys) {
      if (keys.length === 0) return [];
      const applied = applyNow(keys).catch((error: unknown) =>
        keys.map((key) => registrationOf(key, { kind: 'pending', reason: describeError(error) })),
      );
      open.add(applied);
      void applied.then(() => open.delete(applied));
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
    async close() {
      await Promise.all(open);
      await finder.close();
      await writer.close();
      await recorder.close();
    },
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
