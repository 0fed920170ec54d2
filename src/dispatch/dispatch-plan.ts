import { withDatabaseRetries } from '#db/retry.ts';
import { moveCursor } from '#db/status/cursor/move-cursor.ts';
import { unlockPayload } from '#db/status/payload/payload-lock.ts';
import { present } from '#util/present.ts';

import { applyPlan } from './apply-plan.ts';
import { preparePayload } from './payload/prepare-payload.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { Log, Progress } from '#model/log.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';

import type { Applied } from './apply-plan.ts';
import type { CursorOrder } from './cursor-order.ts';
import type { PayloadSurvey } from './payload/survey/survey-payload.ts';
import type { PhaseClock } from './phase-clock.ts';
import type { Plan } from './plan-rule.ts';

/** What carrying a plan out needs beside the plan. */
export interface DispatchInput {
  readonly plan: Pick<Plan, 'session'> & { readonly funnel: { readonly counts: Pick<Funnel['counts'], 'ready'> } };
  readonly prepared: PreparedRule;
  readonly site: Site;
  /** A pool to the status database. */
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly gatewayUrl: string;
  /** Absolute path of `dist/worker`. */
  readonly workerDirectory: string;
  /** `--doit`. */
  readonly isForced: boolean;
  /** Called with what is doubtful about the payload, if anything is; decides whether to go on. */
  readonly mayGoOn: (doubts: readonly string[]) => Promise<boolean>;
  /** What becomes of the production's cursor: in the transaction that reserves, or alone where nothing is ready. */
  readonly cursor?: CursorOrder;
  /** See {@link applyPlan}. */
  readonly guard?: (transaction: Session) => Promise<void>;
  /** The payload, if it is being read already; absent: it is read if there are jobs to submit. */
  readonly survey?: Promise<PayloadSurvey>;
  readonly log: Log;
  readonly progress?: Progress;
  readonly clock?: PhaseClock;
  readonly signal?: AbortSignal;
  /** Called when the world is about to be changed: from here on jobs may be reserved or submitted. */
  readonly onBegin?: () => void;
}

const nothing: Applied = { submissions: [], submitted: 0, lost: 0, notes: [] };

/**
 * Submits what a plan found ready, from an immutable snapshot of the payload as it is now.
 *
 * @returns undefined if `mayGoOn` said no
 * @throws SiteError about the payload; and what {@link applyPlan} throws
 */
export async function dispatchPlan(input: DispatchInput): Promise<Applied | undefined> {
  const { plan, prepared, site } = input;
  const ready = plan.funnel.counts.ready;
  const { cursor } = input;
  if (ready === 0) {
    if (cursor?.kind === 'move') {
      await withDatabaseRetries(() =>
        input.status.transaction(async (session) => {
          await input.guard?.(session);
          await moveCursor(session, cursor.move);
        }),
      );
    }
    return nothing;
  }
  const { session } = plan;
  const payload = await preparePayload({ ...input, session });
  if (payload === undefined) return undefined;
  const applied = await applyPlan({
    onStep: (step) => {
      if (step === 'directory') input.onBegin?.();
    },
    ...{ session, status: input.status, prepared, ready, payload, site },
    ...{ backend: input.backend, gatewayUrl: input.gatewayUrl, log: input.log },
    workerDirectory: input.workerDirectory,
    ...present({ cursor, guard: input.guard, progress: input.progress, clock: input.clock, signal: input.signal }),
  });
  await unlockPayload(session, payload.snapshot.hash).catch(() => undefined);
  return applied;
}
