import { exitCodeOf } from '#cli/exit-codes.ts';
import { writeJson, writeLine } from '#cli/output.ts';
import { openProgress } from '#cli/progress.ts';
import { printError } from '#cli/say.ts';
import { runLoop } from '#loop/run-loop.ts';
import { describeCycle, describeTurn } from '#reports/loop/describe-turn.ts';
import { describeStop } from '#reports/settled/describe-stop.ts';
import { present } from '#util/present.ts';

import { openLoopPlace } from './loop-place.ts';
import { makeTurnReader } from './read-turns.ts';

import type { MainContext } from '#cli/run-main.ts';
import type { QueueLimits } from '#loop/decide-by-queue.ts';
import type { CycleResult, TurnRecord } from '#loop/run-cycle.ts';
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

/**
 * Runs a loop until it is stopped, or one cycle.
 *
 * @param printReports prints what an operator wants to see behind each cycle
 * @returns the exit code: that of the first rule that failed, where there is one cycle
 */
export async function runSubmit(
  request: SubmitRequest,
  findSite: () => Promise<Site>,
  {
    context,
    say,
    printReports,
  }: { readonly context: MainContext; readonly say: Say; readonly printReports: () => Promise<void> },
): Promise<number> {
  const readTurns = makeTurnReader(request, say);
  // What is wrong with the list is said before anything is started.
  await readTurns();
  const place = await openLoopPlace(await findSite(), { context, say, isVerbose: request.isVerbose });
  context.signal.addEventListener('abort', () => say('Stops after the rule under way; once more: stops now'), {
    once: true,
  });
  const printer = makePrinter(request, say);
  context.onEnd(printer.close);
  let cycles = 0;
  context.onStop({ words: () => `Stopped in cycle ${cycles}; jobs that were submitted go on` });
  const result = await runLoop({
    ...{ ...place, readTurns, limits: request.limits, stop: context.signal, say },
    ...present({ delayMs: request.delayMs }),
    onBegin: (cycle) => {
      cycles = cycle;
    },
    onSettled: ({ attempts }) => {
      for (const stop of attempts.stops) printer.sayChanged(`stop ${stop.submission}`, describeStop(stop));
      const unknown = attempts.unknown + attempts.disbelieved > 0 ? attempts.reasons[0]?.why : undefined;
      printer.sayChanged('settle', unknown === undefined ? undefined : `Not all jobs are known: ${unknown}`);
    },
    onTurn: (turn) => printer.printTurn(turn),
    onCycle: async (cycle, nextMs) => {
      await printer.printCycle(cycles, cycle, nextMs);
      await printReports();
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
  /** Says a line about something, unless it was the last that was said of it; undefined: there is nothing to say any more. */
  sayChanged(about: string, line: string | undefined): void;
  printTurn(turn: TurnRecord): Promise<void>;
  printCycle(cycle: number, result: CycleResult, nextMs: number | undefined): Promise<void>;
  showWait(nextMs: number): void;
  close(): void;
}

/** In a loop only what is new is printed: jobs, and whatever differs from the cycle before. */
function makePrinter({ isJson, isVerbose, delayMs }: SubmitRequest, say: Say): Printer {
  const lastOf = new Map<string, string>();
  let endWait = (): void => undefined;
  const isNew = (about: string, text: string): boolean => {
    if (lastOf.get(about) === text) return false;
    lastOf.set(about, text);
    return true;
  };
  return {
    sayChanged: (about, line) => {
      if (line === undefined) lastOf.delete(about);
      else if (isNew(about, line)) say(line);
    },
    printTurn: async ({ pass, clusters, error }) => {
      endWait();
      if (isJson) {
        await writeJson(pass);
        return;
      }
      const { rule, outcome, submitted, reason = '' } = pass;
      if (outcome === 'dispatched') {
        for (const other of ['waited', 'elsewhere', 'failed']) lastOf.delete(`${rule} ${other}`);
        const isQuiet = submitted === 0 && delayMs !== undefined && !isVerbose;
        if (!isQuiet) await writeLine(describeTurn(pass, clusters));
        return;
      }
      // Numbers in a reason change with each cycle, and are no news.
      if (!isNew(`${rule} ${outcome}`, reason.replaceAll(/\d[\d,.]*/gu, 'N'))) return;
      if (error === undefined) await writeLine(describeTurn(pass, clusters));
      else printError(error, `ramenya: ${rule}`, isVerbose);
    },
    printCycle: async (cycle, { turns, error }, nextMs) => {
      endWait();
      if (error !== undefined) printError(error, 'ramenya', isVerbose);
      if (isJson) return;
      const nextAt = nextMs === undefined ? undefined : new Date(nextMs).toISOString();
      await writeLine(
        describeCycle(
          cycle,
          turns.map(({ pass }) => pass),
          nextAt,
        ),
      );
    },
    showWait: (nextMs) => {
      const total = Math.ceil((nextMs - Date.now()) / 1000);
      const bar = openProgress({ label: 'next cycle', total, unit: 's', delayMs: 0 });
      const timer = setInterval(() => bar.update(Math.max(0, total - Math.ceil((nextMs - Date.now()) / 1000))), 1000);
      timer.unref();
      endWait = () => {
        clearInterval(timer);
        bar.close();
        endWait = () => undefined;
      };
    },
    close: () => endWait(),
  };
}
