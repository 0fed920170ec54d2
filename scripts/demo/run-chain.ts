import { setTimeout as sleep } from 'node:timers/promises';

import { SiteError } from '#model/errors.ts';

import { startLoop } from './commands.ts';
import { findProgress, findWhetherQuiet } from './production.ts';

import type { Database } from '#db/connect.ts';
import type { Progress } from '#model/log.ts';

import type { RuleProgress } from './production.ts';

/** What the demo's loop works with. */
export interface ChainOptions {
  readonly directory: string;
  /** First and last run. */
  readonly runs: readonly [number, number];
  readonly status: Database;
  readonly progress: Progress;
  /** Told of the number of jobs that have ended, whenever it is looked at. */
  readonly onEnded: (ended: number) => void;
  readonly signal: AbortSignal;
}

/** Nothing at all happening for this long is a failure. Jobs of the demo take about a second each. */
const stallMs = 90_000;

/** From the end of one cycle of the loop to the start of the next, in seconds. */
const delay = 8;

/**
 * Runs a loop of ramenya over the rules of the chain until all jobs have ended and no rule finds anything more to make.
 *
 * @returns how the rules are at the end
 * @throws SiteError if the loop ends by itself, nothing happens any more, or the signal says so
 */
export async function runChain(options: ChainOptions): Promise<readonly RuleProgress[]> {
  const { directory, runs, status, progress, signal } = options;
  const range = ['--runs', String(runs[0]), String(runs[1])];
  const loop = startLoop(directory, ['submit', 'demo.yaml', ...range, '--loop', '--delay', String(delay)]);
  try {
    let [seen, seenAt] = ['', performance.now()];
    for (;;) {
      const rows = await findProgress(status);
      const ended = rows.reduce((sum, { finished, failed }) => sum + finished + failed, 0);
      progress.update(ended);
      options.onEnded(ended);
      if (await findWhetherQuiet(status)) return rows;
      if (signal.aborted) throw new SiteError('The demo was interrupted', { code: 'site-demo-interrupted' });
      loop.assertRunning();
      if (JSON.stringify(rows) !== seen) [seen, seenAt] = [JSON.stringify(rows), performance.now()];
      if (performance.now() - seenAt > stallMs) {
        throw new SiteError(`No job was submitted or has ended for ${stallMs / 1000} s`, {
          code: 'site-demo-stalled',
          complaints: loop.readLines(),
          advice: `'ramenya status --site ${directory}' shows what the loop does`,
        });
      }
      await sleep(500);
    }
  } finally {
    await loop.stop();
  }
}
