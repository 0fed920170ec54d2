import { findServing } from '#config/ensure-site.ts';
import { findCursor } from '#db/status/cursor/find-cursor.ts';
import { findSubmittedSegments } from '#db/status/find-submitted-segments.ts';
import { decideCursorOrder } from '#dispatch/cursor-order.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { surveyPayload } from '#dispatch/payload/survey/survey-payload.ts';
import { planRule } from '#dispatch/plan-rule.ts';
import { GatewayError, RuleError } from '#model/errors.ts';
import { findHeldJobs, markHeldJobs, removeHeldJobs } from '#settle/held/held-jobs.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database, Session } from '#db/connect.ts';
import type { SubmittedRun } from '#db/status/find-submitted-segments.ts';
import type { Applied } from '#dispatch/apply-plan.ts';
import type { CursorOrder, CursorWish } from '#dispatch/cursor-order.ts';
import type { PayloadSurvey } from '#dispatch/payload/survey/survey-payload.ts';
import type { PhaseClock } from '#dispatch/phase-clock.ts';
import type { Plan } from '#dispatch/plan-rule.ts';
import type { Log, Progress } from '#model/log.ts';
import type { Funnel } from '#model/report/funnel.ts';
import type { RoleName, Site } from '#model/site.ts';
import type { PreparedRule } from '#rules/prepare-rule.ts';
import type { HeldJobs } from '#settle/held/held-jobs.ts';

/** What a pass is to do beside dispatching what is ready. */
export interface PassWish {
  /** `--maxjobs`: ready jobs at most. */
  readonly maxJobs?: number;
  /** `--doit`: also from a payload that is not published. */
  readonly isForced: boolean;
  /** What becomes of the cursor; absent: it stays. */
  readonly cursor?: CursorWish;
  /** Writes down which jobs of the production are held, and why. */
  readonly isMarkingHeld: boolean;
  /** Removes held jobs, after what takes their place was dispatched. */
  readonly isClearingHeld: boolean;
  /** Who wants it: an account. */
  readonly by: string;
}

/** Gets the messages of a pass, and answers its questions that only a person can answer. */
export interface PassListener {
  /** What is on hold, before anything is replaced; only where it was asked for. */
  readonly onHeld: (held: HeldJobs) => void;
  /** What was decided, before anything is dispatched. */
  readonly onPlanned: (funnel: Funnel) => Promise<void>;
  /** Whether products that exist may be replaced (`--resubmit`); not called where nothing is ready. */
  readonly mayReplace: (ready: number) => Promise<boolean>;
  /** Whether to dispatch from a payload about which there are doubts, a sentence each. */
  readonly mayGoOn: (doubts: readonly string[]) => Promise<boolean>;
  /** Called when the world is about to be changed: from here on jobs may be reserved or submitted. */
  readonly onBegin: (ready: number) => void;
  /** Jobs were handed over, and all is recorded. */
  readonly onApplied: (applied: Applied) => void;
}

/** What {@link runPass} works with. The caller opens and closes all of it. */
export interface PassInput {
  readonly prepared: PreparedRule;
  readonly site: Site;
  readonly databases: Readonly<Record<RoleName, Database>>;
  readonly backend: BatchBackend;
  /** Absolute path of `dist/worker`. */
  readonly workerDirectory: string;
  readonly wish: PassWish;
  /** Jobs are expected: the payload is read while the rule is decided, in vain if there are none after all. */
  readonly isExpectingJobs?: boolean;
  readonly listener: PassListener;
  /** Called first in every transaction of the pass: throws if the caller has lost the right to write. */
  readonly guard?: (transaction: Session) => Promise<void>;
  readonly log: Log;
  readonly progress: Progress;
  readonly clock: PhaseClock;
  /** Aborted: no further submission is begun. */
  readonly signal: AbortSignal;
}

/** The result of running one rule once: declined at a question, or dispatched with its counts. */
export type PassOutcome =
  /** The user said no; nothing was dispatched. */
  | { readonly kind: 'declined' }
  | {
      readonly kind: 'dispatched';
      readonly funnel: Funnel;
      readonly applied: Applied;
      /** Runs that were submitted, with their segments. */
      readonly segments: readonly SubmittedRun[];
      /** Where the cursor is now, or why it did not move; only where a move was asked for. */
      readonly cursor?: { readonly run: number; readonly stays?: string };
      /** Held jobs that were removed; only where that was asked for. */
      readonly cleared?: number;
    };

/**
 * Runs one rule, once: decides what is missing, and dispatches it. What is open should be settled before (`settleSite`).
 *
 * @throws RuleError, also where nothing is left but candidates that cannot be submitted; SiteError, DatabaseError,
 * BatchError, GatewayError
 * @see docs/dispatch.md
 */
export async function runPass(input: PassInput): Promise<PassOutcome> {
  const { databases, backend, log, wish } = input;
  const resources = { status: databases.status, backend, log };
  const held = await findHeld(input);
  const survey = input.isExpectingJobs === true ? surveyPayload(input.prepared, input.site) : undefined;
  // A payload that cannot be read matters only if there are jobs; then it is reported.
  survey?.catch(() => undefined);
  input.progress.phase('deciding');
  input.clock.begin('decide');
  const plan = await planRule({
    ...{ prepared: input.prepared, databases, statementTimeoutMs: input.site.statementTimeoutMs },
    batch: input.site.batch,
    ...present({ maxJobs: wish.maxJobs }),
  });
  input.clock.end();
  const outcome = await dispatchAndClose(input, plan, survey);
  if (outcome.kind === 'declined' || held === undefined || !wish.isClearingHeld) return outcome;
  return { ...outcome, cleared: await removeHeldJobs(resources, held, wish.by) };
}

/** Finds what `--mark-held-jobs` and `--clear-held-jobs` are about, before anything is replaced, and marks it. */
async function findHeld({
  prepared,
  databases,
  backend,
  log,
  wish,
  listener,
}: PassInput): Promise<HeldJobs | undefined> {
  if (!wish.isMarkingHeld && !wish.isClearingHeld) return undefined;
  const resources = { status: databases.status, backend, log };
  const held = await findHeldJobs(resources, prepared);
  if (wish.isMarkingHeld) await markHeldJobs(resources, held.jobs);
  listener.onHeld(held);
  return held;
}

type EarlySurvey = Promise<PayloadSurvey> | undefined;

async function dispatchAndClose(input: PassInput, plan: Plan, survey: EarlySurvey): Promise<PassOutcome> {
  try {
    return await dispatch(input, plan, survey);
  } finally {
    await plan.close();
  }
}

async function dispatch(input: PassInput, plan: Plan, survey: EarlySurvey): Promise<PassOutcome> {
  const { prepared, site, backend, databases, wish, listener, log, progress, clock, signal } = input;
  const { status } = databases;
  const { funnel } = plan;
  const ready = funnel.counts.ready;
  await listener.onPlanned(funnel);
  if (ready === 0 && funnel.counts.unfit > 0) throw makeUnfitError(prepared.rule.name, funnel);
  if (ready > 0 && prepared.options.isResubmit && !(await listener.mayReplace(ready))) return { kind: 'declined' };
  const cursor = wish.cursor === undefined ? undefined : await decideCursorOrder(plan, wish.cursor);
  const order: CursorOrder | undefined = cursor?.kind === 'order' ? cursor.order : undefined;
  const applied = await dispatchPlan({
    ...{ plan, prepared, site, status, backend, log, progress, clock, signal },
    ...present({ cursor: order, guard: input.guard, survey }),
    gatewayUrl: await findGatewayUrl(site),
    workerDirectory: input.workerDirectory,
    isForced: wish.isForced,
    onBegin: () => listener.onBegin(ready),
    mayGoOn: listener.mayGoOn,
  });
  if (applied === undefined) return { kind: 'declined' };
  listener.onApplied(applied);
  const uuids = applied.submissions.map(({ uuid }) => uuid);
  return {
    ...{ kind: 'dispatched', funnel, applied },
    segments: uuids.length === 0 ? [] : await findSubmittedSegments(status, uuids),
    ...(cursor === undefined
      ? {}
      : {
          cursor: {
            run: await findCursor(status, prepared.names.production),
            ...(cursor.kind === 'stays' ? { stays: cursor.reason } : {}),
          },
        }),
  };
}

/** Nothing else is left to dispatch, so the rule is wrong and not a row. */
function makeUnfitError(rule: string, { counts, warnings }: Funnel): RuleError {
  return new RuleError(`No job of '${rule}' can be submitted: ${countOf(counts.unfit, 'candidate')} left out`, {
    code: 'rule-unfit',
    facts: { rule },
    complaints: warnings.filter(({ kind }) => kind === 'unfit').map(({ message }) => message),
    advice: "Correct the query or the rule; 'kaedama … --why RUN' shows the reason for a run",
  });
}

async function findGatewayUrl(site: Site): Promise<string> {
  const url = site.gateway.url ?? (await findServing(site))?.url;
  if (url !== undefined) return url;
  throw new GatewayError(`The site '${site.stateDirectory}' has no gateway for the reports of jobs`, {
    code: 'gateway-missing',
    advice: "Start 'slurp serve' on the gateway's machine, and set 'gateway.url' in the site file",
  });
}
