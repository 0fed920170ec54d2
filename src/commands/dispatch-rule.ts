import { join } from 'node:path';

import { askToGoOn, isSomebodyThere } from '#cli/ask-to-go-on.ts';
import { writeOutput } from '#cli/output.ts';
import { makeSay } from '#cli/say.ts';
import { findServing } from '#config/ensure-site.ts';
import { findCursor } from '#db/status/find-cursor.ts';
import { cursorKeyOf, orderCursor } from '#dispatch/cursor-order.ts';
import { dispatchPlan } from '#dispatch/dispatch-plan.ts';
import { renderFunnel } from '#dispatch/render-plan.ts';
import { GatewayError, RuleError, UsageError } from '#model/errors.ts';
import { countOf } from '#util/count-of.ts';
import { packageRoot } from '#util/package-root.ts';

import { reportDispatch } from './report-dispatch.ts';

import type { BatchBackend } from '#batch/backend.ts';
import type { Database } from '#db/connect.ts';
import type { CursorOrder } from '#dispatch/cursor-order.ts';
import type { PhaseClock } from '#dispatch/phase-clock.ts';
import type { Plan } from '#dispatch/plan-rule.ts';
import type { Log, Progress } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { DispatchTrace } from './interruption.ts';
import type { KaedamaRequest } from './kaedama-options.ts';

const say = makeSay('kaedama');

/** What {@link dispatchRule} works with. */
export interface DispatchFacts {
  readonly request: KaedamaRequest;
  readonly plan: Plan;
  readonly site: Site;
  readonly status: Database;
  readonly backend: BatchBackend;
  readonly log: Log;
  readonly progress: Progress;
  readonly clock: PhaseClock;
  readonly signal: AbortSignal;
  /** Kept up to date, for whoever interrupts us. */
  readonly trace: DispatchTrace;
}

/**
 * Dispatches a plan as somebody asked for at the command line: asks what has to be asked, moves the cursor, reports.
 *
 * @throws UsageError where it was declined, GatewayError; and what `dispatchPlan` throws
 */
export async function dispatchRule(facts: DispatchFacts): Promise<void> {
  const { request, plan, site, status, backend, log, progress, clock, signal, trace } = facts;
  const { funnel, prepared } = plan;
  for (const { kind, message } of funnel.warnings) {
    // That inputs are yet to come is no news to a loop.
    const level = kind === 'missing-inputs' && request.isBatch ? 'info' : 'warn';
    log[level]({ rule: request.rule }, message);
  }
  if (!request.isBatch && !request.isJson) await writeOutput(`${renderFunnel(funnel).join('\n')}\n`);
  if (funnel.counts.ready === 0 && funnel.counts.unfit > 0) throw unfit(request, funnel);
  if (funnel.counts.ready > 0) {
    progress.close();
    await confirmResubmit(request, funnel.counts.ready);
  }
  const cursor = await orderCursorOf(request, plan);
  const applied = await dispatchPlan({
    ...{ plan, prepared, site, status, backend, log, progress, clock, signal },
    ...(cursor === undefined ? {} : { cursor }),
    gatewayUrl: await findGatewayUrl(site),
    workerDirectory: join(packageRoot(), 'dist', 'worker'),
    isForced: request.isForced,
    onBegin: () => {
      trace.ready = funnel.counts.ready;
      trace.phase = 'begun';
    },
    mayGoOn: async (doubts) => {
      progress.close();
      for (const doubt of doubts) say(doubt);
      return request.isBatch || request.isYes || askToGoOn();
    },
  });
  progress.close();
  if (applied === undefined) throw declined();
  trace.submitted = applied.submitted;
  trace.phase = 'ended';
  if (request.cursor !== undefined) {
    const run = await findCursor(status, cursorKeyOf(prepared));
    log.info({ rule: request.rule, run, how: request.cursor.kind }, 'cursor');
    say(`The cursor of '${request.rule}' is at run ${run}`);
  }
  await reportDispatch(request, plan, applied, { log, status, clock });
}

/** Nothing else is left to dispatch, so the rule is wrong and not a row. */
function unfit({ rule }: KaedamaRequest, { counts, warnings }: Plan['funnel']): RuleError {
  return new RuleError(`No job of '${rule}' can be submitted: ${countOf(counts.unfit, 'candidate')} left out`, {
    code: 'rule-unfit',
    facts: { rule },
    complaints: warnings.filter(({ kind }) => kind === 'unfit').map(({ message }) => message),
    advice: "Correct the query or the rule; 'kaedama … --why RUN' shows the reason for a run",
  });
}

function declined(): UsageError {
  return new UsageError('Not dispatched: you said no', { code: 'usage-declined', advice: "'--yes' does not ask" });
}

async function confirmResubmit(request: KaedamaRequest, ready: number): Promise<void> {
  if (!request.options.isResubmit || request.isYes) return;
  if (!isSomebodyThere()) {
    throw new UsageError(`Not dispatched: '--resubmit' replaces files that exist, and there is nobody to ask`, {
      code: 'usage-resubmit',
      advice: "If you mean it, add '--yes'",
    });
  }
  say(`${countOf(ready, 'job')} will be made again, and replace what exists`);
  if (!(await askToGoOn())) throw declined();
}

async function orderCursorOf(request: KaedamaRequest, plan: Plan): Promise<CursorOrder | undefined> {
  if (request.cursor === undefined) return undefined;
  const ordered = await orderCursor(plan, request.cursor);
  if (ordered.kind === 'order') return ordered.order;
  say(`The cursor stays: ${ordered.reason}`);
  return undefined;
}

async function findGatewayUrl(site: Site): Promise<string> {
  const url = site.gateway.url ?? (await findServing(site))?.url;
  if (url !== undefined) return url;
  throw new GatewayError(`The site '${site.stateDirectory}' has no gateway that jobs could report to`, {
    code: 'gateway-missing',
    advice: "Start 'slurp serve' on the gateway's machine, and name it as 'gateway.url' in the site file",
  });
}
