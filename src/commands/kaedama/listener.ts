import { askToGoOn, canAsk } from '#cli/ask-to-go-on.ts';
import { writeOutput } from '#cli/output.ts';
import { UsageError } from '#model/errors.ts';
import { renderFunnel } from '#reports/plan/render-plan.ts';
import { describeHeldJobs } from '#reports/settled/describe-held-jobs.ts';
import { countOf } from '#util/count-of.ts';

import type { Say } from '#model/log.ts';
import type { PassListener } from '#pass/run-pass.ts';

import type { DispatchTrace } from './interruption.ts';
import type { Work } from './work.ts';

/**
 * Makes the listener of a pass for the command line: shows what comes to light, asks at the terminal, and keeps the trace
 * for an interruption.
 */
export function makeListener({ request, log, progress }: Work, trace: DispatchTrace, say: Say): PassListener {
  const { rule } = request;
  return {
    onHeld: (held) => {
      if (request.wish.isMarkingHeld) for (const line of describeHeldJobs(rule, held)) say(line);
      for (const reason of held.unread) say(`Not all held jobs of '${rule}' may be known: ${reason}`);
    },
    onPlanned: async (funnel) => {
      for (const { kind, message } of funnel.warnings) {
        // That inputs are yet to come is not news to a loop.
        log[kind === 'missing-inputs' && request.isBatch ? 'info' : 'warn']({ rule }, message);
      }
      if (!request.isBatch && !request.isJson) await writeOutput(`${renderFunnel(funnel).join('\n')}\n`);
    },
    mayReplace: async (ready) => {
      progress.close();
      if (request.isYes) return true;
      if (!canAsk()) {
        throw new UsageError(
          `Not dispatched: '--resubmit' replaces existing files, and there is no terminal to confirm on`,
          {
            code: 'usage-resubmit',
            advice: "If you mean it, add '--yes'",
          },
        );
      }
      say(`${countOf(ready, 'job')} will be redone and replace existing files`);
      return askToGoOn();
    },
    mayGoOn: async (doubts) => {
      progress.close();
      for (const doubt of doubts) say(doubt);
      return request.isBatch || request.isYes || askToGoOn();
    },
    onBegin: (ready) => {
      trace.ready = ready;
      trace.phase = 'begun';
    },
    onApplied: ({ submitted }) => {
      progress.close();
      trace.submitted = submitted;
      trace.phase = 'ended';
    },
  };
}
