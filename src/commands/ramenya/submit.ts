import { exitCodeOf } from '#cli/exit-codes.ts';
import { writeJson, writeLine } from '#cli/output.ts';
import { openProgress } from '#cli/progress.ts';
import { printError } from '#cli/say.ts';
import { runLoop } from '#loop/run-loop.ts';
import { describeCycle, describeTurn } from '#reports/loop/describe-turn.ts';
import { describeStop } from '#reports/settled/describe-stop.ts';
import { describeDiscrepancies } from '#reports/settled/render-discrepancies.ts';
import { countOf } from '#util/count-of.ts';
import { present } from '#util/present.ts';

import { openLoopPlace } from './loop-place.ts';
import { makeTurnReader } from './read-turns.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { QueueLimits } from '#loop/back-pressure/decide-by-queue.ts';
import type { CycleResult, TurnRecord } from '#loop/run-cycle.ts';
import type { TurnPlace } from '#loop/run-turn.ts';
import type { Say } from '#model/log.ts';
import type { Site } from '#model/site.ts';

import type { TurnRequest } from './read-turns.ts';

/** The checked options of a loop. */
export interface SubmitRequest extends TurnRequest {
  /** Absent: one cycle. */
  readonly delayMs?: number;
  readonly limits: QueueLimits;
  readonly isVerbose: boolean;
  readonly isJson: boolean;
}

/** What {@link runSubmit} works with beside the request. */
export interface SubmitTools {
  readonly context: MainContext;
  readonly say: Say;
  readonly findSite: () => Promise<Site>;
  /** Prints further reports after each cycle. */
  readonly printReports?: (place: Pick<TurnPlace, 'site' | 'databases'>) => Promise<void>;
}

/**
 * Runs a loop until it is stopped, or one cycle.
 *
 * @returns the exit code: after one cycle that of the first rule that failed
 * @throws UsageError, InputError, RuleError for the list of rules; SiteError
 */
export async function runSubmit(
  request: SubmitRequest,
  { context, say, findSite, printReports }: SubmitTools,
): Promise<number> {
  const readTurns = makeTurnReader(request, say);
  // Problems of the list are reported before anything is started.
  await readTurns();
  const place = await openLoopPlace(await findSite(), { context, say, isVerbose: request.isVerbose });
  const sayStopping = (): void => say('Stopping after the current rule; a second signal stops at once');
  context.signal.addEventListener('abort', sayStopping, { once: true });
  const printer = makePrinter(request, say);
  context.onEnd(printer.close);
  let cycles = 0;
  const leases = `Other loops can run its rules when its leases end, in ${place.leaseMs / 1000} s at most`;
  context.onStop({
    words: (isAtOnce) =>
      isAtOnce
        ? `Stopped at once in cycle ${cycles}; submitted jobs continue. ${leases}`
        : `Stopped in cycle ${cycles}; submitted jobs continue`,
  });
  const result = await runLoop({
    ...{ ...place, readTurns, limits: request.limits, stop: context.signal, say },
    ...present({ delayMs: request.delayMs }),
    onBegin: (cycle) => {
      cycles = cycle;
      printer.beginCycle();
    },
    onSettled: ({ attempts }, discrepancies) => {
      for (const stop of attempts.stops) printer.sayNew(describeStop(stop));
      const unknown = attempts.unknown + attempts.disbelieved > 0 ? attempts.reasons[0]?.why : undefined;
      if (unknown !== undefined) printer.sayNew(`Not all jobs are known: ${unknown}`);
      if (attempts.disbelieved > 0) {
        const count = countOf(attempts.disbelieved, 'job');
        printer.sayNew(`${count} seem to have vanished at once: nothing is recorded until 'slurp reconcile --yes'`);
      }
      for (const sentence of describeDiscrepancies(discrepancies)) printer.sayNew(sentence);
    },
    onWarning: (rule, sentence) => printer.sayNew(`${rule}: ${sentence}`),
    // A triggered rule runs while the loop waits for its next cycle.
    onTurn: (turn) => printer.withoutWait(() => printer.printTurn(turn)),
    onCycle: async (cycle, nextMs) => {
      await printer.printCycle(cycles, cycle, nextMs);
      await printReports?.(place);
      if (nextMs !== undefined) printer.showWait(nextMs);
    },
  });
  return request.delayMs === undefined ? exitCodeOfCycle(result) : 0;
}

function exitCodeOfCycle({ error, turns }: CycleResult): number {
  const first = error ?? turns.find((turn) => turn.error !== undefined)?.error;
  return first === undefined ? 0 : exitCodeOf(first);
}

interface Printer {
  beginCycle(): void;
  /** Says a sentence unless it was said in the cycle before, or in this one. */
  sayNew(sentence: string): void;
  printTurn(turn: TurnRecord): Promise<void>;
  /** Prints something while the wait for the next cycle is shown. */
  withoutWait(action: () => Promise<void>): Promise<void>;
  printCycle(cycle: number, result: CycleResult, nextMs: number | undefined): Promise<void>;
  showWait(nextMs: number): void;
  close(): void;
}

/** Makes the printer of a loop. It prints what is new: jobs, and whatever was not the same in the cycle before. */
function makePrinter({ isJson, isVerbose, delayMs }: SubmitRequest, say: Say): Printer {
  let before = new Set<string>();
  let current = new Set<string>();
  let endWait = (): void => undefined;
  let waitsUntilMs: number | undefined;
  const isNew = (text: string): boolean => {
    const isKnown = before.has(text) || current.has(text);
    current.add(text);
    return !isKnown;
  };
  const showWait = (nextMs: number): void => {
    waitsUntilMs = nextMs;
    const total = Math.ceil((nextMs - Date.now()) / 1000);
    const bar = openProgress({ label: 'next cycle', total, unit: 's', delayMs: 0 });
    const timer = setInterval(() => bar.update(Math.max(0, total - Math.ceil((nextMs - Date.now()) / 1000))), 1000);
    timer.unref();
    endWait = () => {
      clearInterval(timer);
      bar.close();
      endWait = () => undefined;
    };
  };
  return {
    beginCycle: () => {
      endWait();
      waitsUntilMs = undefined;
      [before, current] = [current, new Set()];
    },
    sayNew: (sentence) => {
      if (isNew(withoutNumbers(sentence))) say(sentence);
    },
    printTurn: async ({ pass, clusters, error }) => {
      if (isJson) {
        await writeJson(pass);
        return;
      }
      const { rule, outcome, submitted, reason = '' } = pass;
      if (outcome === 'dispatched' || outcome === 'unchanged') {
        const isQuiet = submitted === 0 && delayMs !== undefined && !isVerbose;
        if (!isQuiet) await writeLine(describeTurn(pass, clusters));
        return;
      }
      // A failure stays known while the rule waits for its next attempt.
      const failure = `${rule} failed`;
      const known = [...before].filter((text) => outcome === 'waited' && text.startsWith(failure));
      for (const text of known) current.add(text);
      const text = outcome === 'failed' ? `${failure} ${reason}` : `${rule} ${outcome} ${withoutNumbers(reason)}`;
      if (!isNew(text)) return;
      if (error === undefined) await writeLine(describeTurn(pass, clusters));
      else printError(error, `ramenya: ${rule}`, isVerbose);
    },
    printCycle: async (cycle, { turns, error }, nextMs) => {
      if (error !== undefined) printError(error, 'ramenya', isVerbose);
      if (isJson) return;
      const passes = turns.map(({ pass }) => pass);
      await writeLine(describeCycle(cycle, passes, nextMs === undefined ? undefined : new Date(nextMs).toISOString()));
    },
    showWait,
    withoutWait: async (action) => {
      endWait();
      await action();
      if (waitsUntilMs !== undefined) showWait(waitsUntilMs);
    },
    close: () => endWait(),
  };
}

/** Counts and times differ in each cycle, and are no reason to print a sentence again. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\d[\d,.]*/gu, 'N');
}
